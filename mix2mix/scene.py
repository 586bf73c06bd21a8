"""Scenes: a few views, each an image with its camera, read from NeRF-style ``transforms.json``.

Intrinsics stand in the file for all frames or in a frame (which wins): fl_x, fl_y, cx, cy, w, h, in pixels. Where the
format lets them be absent: fl_x from camera_angle_x, fl_y = fl_x, the principal point in the middle, w and h those of
the image. Lens distortion is ignored, as in the published code. Poses are OpenGL camera-to-world.
"""

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from mix2mix.cameras import (
    Cameras,
    check_first_off_centre,
    check_poses,
    crop_intrinsics,
    from_opengl,
    intrinsics,
    normalise,
    pluecker,
    with_reference,
)
from mix2mix.errors import InputError

MAX_PIXELS = 50_000_000
"""Larger pictures are refused before they are decoded."""

MAX_ASPECT = 10
"""Narrower pictures are refused: nearly all of them would be cropped away."""

PERSPECTIVE_MODELS = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "FULL_OPENCV")
"""Values of camera_model that are a pinhole camera once distortion is ignored."""

IMAGE_SUFFIXES = ("", ".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG")
"""Tried in turn after a file_path: it may lack its extension, as Blender writes it."""

Frame = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Scene:
    """N posed views.

    images: [N, 3, H, W] in [0, 1]. cameras: N of them, in the file's own world (see `mix2mix.cameras.normalise`).
    frames: the image file's name of each view.
    """

    name: str
    images: Tensor
    cameras: Cameras
    frames: tuple[str, ...]


def load_scene(path: str | Path, frames: Sequence[int] | None = None, size: int = 576) -> Scene:
    """Read a scene from a folder with ``transforms.json``, or from such a file.

    frames: indices into the file's list of frames, at least two, in the order wanted; None takes all.
    size: views become size x size: short side resized (area), then centre crop.
    Images: JPEG or PNG; EXIF orientation is applied; transparency is laid on white.
    Raises InputError for anything missing, broken, not rigid, not a perspective camera, or too large.
    """
    file = _transforms_file(Path(path))
    chosen = _choose(_read_frames(file), frames, file)
    files = [_image_file(frame, file) for frame in chosen]
    c2w = torch.stack([_pose(frame, image.name) for frame, image in zip(chosen, files, strict=True)])
    check_poses(c2w, [image.name for image in files])
    views = [_load_view(frame, image, size) for frame, image in zip(chosen, files, strict=True)]
    images, K = (torch.stack(parts) for parts in zip(*views, strict=True))
    cameras = Cameras(K.float(), from_opengl(c2w).float())
    return Scene(file.resolve().parent.name, images, cameras, tuple(image.name for image in files))


def pluecker_rays(scene: Scene, reference: int = 0, grid: int = 72) -> Tensor:
    """The student's camera input, [N + 1, 6, grid, grid]: the reference view's rays, then those of all N views.

    Cameras are normalised together, the reference counting twice. Raises InputError where that is not possible.
    """
    count = len(scene.cameras)
    if not 0 <= reference < count:
        fix = "Choose one of the scene's views."
        raise InputError("reference view", got=reference, expected=f"an index from 0 to {count - 1}", fix=fix)
    cameras = with_reference(scene.cameras, reference)
    check_first_off_centre(cameras)
    return pluecker(normalise(cameras), grid)


def _transforms_file(path: Path) -> Path:
    file = next(filter(_is_file, (path / "transforms.json", path)), None)
    if file is None:
        raise InputError(
            f"scene {path}",
            got="no transforms.json there",
            expected="a folder with a NeRF-style transforms.json, or the path of such a file",
            fix="Check the path, or write the file with COLMAP and nerfstudio's ns-process-data.",
        )
    return file


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be entered, a name too long
        return False


def _read_frames(file: Path) -> list[Frame]:
    """The entries of `frames`, each completed with the intrinsics that stand for all."""
    try:
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        fix = "Repair the file, or write it again."
        raise InputError(str(file), got=f"unreadable JSON ({error})", expected="valid JSON", fix=fix) from error
    frames = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(frames, list) or not all(isinstance(frame, dict) for frame in frames):
        expected = 'an object with "frames", a list of objects with file_path and transform_matrix'
        raise InputError(str(file), got="no such list", expected=expected, fix="Write it in the NeRF format.")
    shared = {key: value for key, value in document.items() if key != "frames"}
    return [{**shared, **frame} for frame in frames]


def _choose(entries: list[Frame], indices: Sequence[int] | None, file: Path) -> list[Frame]:
    chosen = range(len(entries)) if indices is None else indices
    if min(len(chosen), len(entries)) < 2:
        fix = "Choose more frames, or add frames to the file."
        got = f"{len(chosen)} of the {len(entries)} in {file}"
        raise InputError("frames", got=got, expected="at least two", fix=fix)
    if any(not 0 <= index < len(entries) for index in chosen):
        expected = f"indices from 0 to {len(entries) - 1}, as {file} lists {len(entries)} frames"
        raise InputError("frames", got=list(chosen), expected=expected, fix="Leave the others out.")
    if len(set(chosen)) < len(chosen):
        raise InputError("frames", got=list(chosen), expected="each index once", fix="Leave the repeated ones out.")
    return [entries[index] for index in chosen]


def _image_file(frame: Frame, file: Path) -> Path:
    name = frame.get("file_path")
    if not isinstance(name, str) or not name:
        fix = "Give every frame its image's path."
        raise InputError(f"a frame's file_path in {file}", got=repr(name), expected="the path of an image", fix=fix)
    path = file.parent / name
    found = next(filter(_is_file, (Path(f"{path}{suffix}") for suffix in IMAGE_SUFFIXES)), None)
    if found is None:
        fix = f"Put the image there, or correct its file_path in {file}."
        raise InputError(f"image {path}", got="no such file", expected="a JPEG or PNG file", fix=fix)
    return found


def _pose(frame: Frame, name: str) -> Tensor:
    try:
        pose = torch.tensor(frame.get("transform_matrix"), dtype=torch.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        pose = torch.empty(0)
    if pose.shape != (4, 4):
        fix = "Give every frame its pose."
        raise InputError(f"transform_matrix of {name}", got="none such", expected="4 rows of 4 numbers", fix=fix)
    return pose


def _load_view(frame: Frame, path: Path, size: int) -> tuple[Tensor, Tensor]:
    """The view's image [3, size, size] and normalised K [3, 3]."""
    _check_perspective(frame, path.name)
    image = _read_image(path)
    K = _file_intrinsics(frame, image, path.name)
    width, height = _cover(image.size, size)
    pixels = torch.from_numpy(np.array(_flatten(image))).permute(2, 0, 1).float() / 255
    resized = F.interpolate(pixels[None], (height, width), mode="area")[0]
    left, top = (width - size) // 2, (height - size) // 2
    view = resized[:, top : top + size, left : left + size].contiguous()
    return view, crop_intrinsics(K, width, height, (left, top, size, size))


def _check_perspective(frame: Frame, name: str) -> None:
    model = "a fisheye camera" if frame.get("is_fisheye") else frame.get("camera_model", "OPENCV")
    if model not in PERSPECTIVE_MODELS:
        expected = f"a perspective camera ({', '.join(PERSPECTIVE_MODELS)})"
        fix = "Undistort the images to a pinhole camera first."
        raise InputError(f"camera_model of {name}", got=model, expected=expected, fix=fix)


def _read_image(path: Path) -> Image.Image:
    """The decoded picture, upright, its size checked before decoding."""
    try:
        with _open_image(path) as image:
            _check_size(image, path)
            return ImageOps.exif_transpose(image)
    except InputError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        expected = f"a whole 8-bit JPEG or PNG file of at most {MAX_PIXELS // 1_000_000} megapixels"
        raise InputError(f"image {path}", got=str(error), expected=expected, fix="Save the picture again.") from error


def _open_image(path: Path) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own cap is lower
        image = Image.open(path, formats=("JPEG", "PNG"))
    if image.mode.startswith(("I", "F")):
        image.close()
        raise OSError(f"pixels of more than 8 bits (mode {image.mode})")
    return image


def _check_size(image: Image.Image, path: Path) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS or max(width, height) > MAX_ASPECT * min(width, height):
        raise InputError(
            f"image {path}",
            got=f"{width} x {height} pixels",
            expected=f"at most {MAX_PIXELS // 1_000_000} megapixels, and one side at most {MAX_ASPECT} times the other",
            fix="Use a smaller copy: 1,000 pixels a side are enough, and the intrinsics are scaled to it.",
        )


def _flatten(image: Image.Image) -> Image.Image:
    """RGB, transparency laid on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")


def _cover(image_size: tuple[int, int], size: int) -> tuple[int, int]:
    """(width, height) with the short side `size` and the long one rounded up."""
    short = min(image_size)
    width, height = (-(-side * size // short) for side in image_size)
    return width, height


def _file_intrinsics(frame: Frame, image: Image.Image, name: str) -> Tensor:
    """Normalised K [3, 3]; an image of another size but the same aspect as w x h is taken as resized."""
    width = _number(frame, "w", name, default=image.width, above=0)
    height = _number(frame, "h", name, default=image.height, above=0)
    _check_aspect(width, height, image, name)
    fl_x = _number(frame, "fl_x", name, default=_focal_from_angle(frame, width, name), above=0)
    fl_y = _number(frame, "fl_y", name, default=fl_x, above=0)
    cx = _number(frame, "cx", name, default=width / 2)
    cy = _number(frame, "cy", name, default=height / 2)
    values = torch.tensor([fl_x / width, fl_y / height, cx / width, cy / height], dtype=torch.float64)
    return intrinsics(*values)


def _check_aspect(width: float, height: float, image: Image.Image, name: str) -> None:
    """Same aspect: the heights agree within a pixel (of the coarser of the two) once the widths are made equal."""
    scale = image.width / width
    if abs(height * scale - image.height) <= max(1, scale):
        return
    raise InputError(
        f"size of {name}",
        got=f"{image.width} x {image.height} pixels (upright, by its EXIF orientation)",
        expected=f"w x h = {width:g} x {height:g}, or the same aspect",
        fix="Use the pictures that the cameras were made for. If they ignore the EXIF orientation, remove that tag.",
    )


def _focal_from_angle(frame: Frame, width: float, name: str) -> float | None:
    if "camera_angle_x" not in frame:
        return None
    angle = _number(frame, "camera_angle_x", name, default=None, above=0, below=math.pi)
    return 0.5 * width / math.tan(0.5 * angle)


def _number(frame: Frame, key: str, name: str, default: float | None, above: float = -1e9, below: float = 1e9) -> float:
    value = frame.get(key, default)
    if type(value) not in (int, float) or not above < value < below:
        got = "nothing" if value is None else repr(value)
        fix = "Complete the intrinsics: fl_x (or camera_angle_x, in radians), fl_y, cx, cy, w and h."
        raise InputError(f"{key} of {name}", got=got, expected=f"a number above {above:g}, below {below:g}", fix=fix)
    return float(value)
