"""Scenes: what the loader makes of a file and its images, and what it refuses."""

import io
import json
import math
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file

import mix2mix
from mix2mix import load_scene, pluecker_rays
from mix2mix.cameras import normalise, pluecker, with_reference
from mix2mix.errors import InputError

ORIENTATION = 0x0112
INTRINSICS = {"fl_x": 30.0, "fl_y": 32.0, "cx": 19.0, "cy": 10.0, "w": 40, "h": 20}
Edit = Callable[[dict[str, Any]], object]


def pose(x: float) -> list[list[float]]:
    return [[1.0, 0, 0, x], [0, 1.0, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]]


def picture(seed: int, width: int = 40, height: int = 20) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


def write(folder: Path, document: object) -> Path:
    (folder / "transforms.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """Three 40 x 20 pictures on a line, with the intrinsics of all in one place."""
    (tmp_path / "images").mkdir()
    for i in range(3):
        picture(i).save(tmp_path / f"images/view_{i}.png")
    frames = [{"file_path": f"./images/view_{i}.png", "transform_matrix": pose(i)} for i in range(3)]
    return {**INTRINSICS, "frames": frames}


def test_a_scene_from_its_folder_or_its_file(tmp_path: Path, document: dict[str, Any]) -> None:
    by_folder = load_scene(write(tmp_path, document), size=20)
    by_file = load_scene(str(tmp_path / "transforms.json"), size=20)
    assert by_folder.name == tmp_path.name
    assert by_folder.frames == ("view_0.png", "view_1.png", "view_2.png")
    assert torch.equal(by_folder.images, by_file.images)
    assert torch.equal(by_folder.cameras.c2w, by_file.cameras.c2w)


def test_the_middle_of_the_picture_and_its_camera(tmp_path: Path, document: dict[str, Any]) -> None:
    scene = load_scene(write(tmp_path, document), size=20)
    pixels = torch.from_numpy(np.array(picture(1))).permute(2, 0, 1) / 255
    assert torch.equal(scene.images[1], pixels[:, :, 10:30])
    torch.testing.assert_close(scene.cameras.K[1], torch.tensor([[1.5, 0, 0.45], [0, 1.6, 0.5], [0, 0, 1]]))
    expected = torch.tensor([[1.0, 0, 0, 1], [0, -1, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]])
    assert torch.equal(scene.cameras.c2w[1], expected)


def test_shrinking_averages_areas(tmp_path: Path, document: dict[str, Any]) -> None:
    write(tmp_path, document)
    whole, half = load_scene(tmp_path, size=20), load_scene(tmp_path, size=10)
    torch.testing.assert_close(half.images, F.avg_pool2d(whole.images, 2))
    torch.testing.assert_close(half.cameras.K, whole.cameras.K)


def test_small_pictures_are_enlarged(tmp_path: Path, document: dict[str, Any]) -> None:
    write(tmp_path, document)
    whole, double = load_scene(tmp_path, size=20), load_scene(tmp_path, size=40)
    torch.testing.assert_close(double.images, whole.images.repeat_interleave(2, -1).repeat_interleave(2, -2))
    torch.testing.assert_close(double.cameras.K, whole.cameras.K)


def test_the_long_side_is_rounded_up_and_the_focal_length_follows(tmp_path: Path, document: dict[str, Any]) -> None:
    for i in range(3):
        picture(i, 41, 20).save(tmp_path / f"images/view_{i}.png")
    scene = load_scene(write(tmp_path, document | {"w": 41}), size=10)  # 41 x 20 -> 21 x 10, columns 5 .. 14
    fx, cx = scene.cameras.K[0, 0, 0], scene.cameras.K[0, 0, 2]
    assert (float(fx), float(cx)) == pytest.approx((30 / 41 * 21 / 10, (19 / 41 * 21 - 5) / 10))


def test_chosen_frames_come_in_the_order_asked_for(tmp_path: Path, document: dict[str, Any]) -> None:
    document["frames"].reverse()
    scene = load_scene(write(tmp_path, document), frames=[2, 0], size=8)
    assert scene.frames == ("view_0.png", "view_2.png")
    assert scene.cameras.origins[:, 0].tolist() == [0, 2]


def test_a_frames_own_intrinsics_win(tmp_path: Path, document: dict[str, Any]) -> None:
    document["frames"][1] |= {"fl_x": 60.0}
    scene = load_scene(write(tmp_path, document), size=20)
    assert scene.cameras.K[:, 0, 0].tolist() == pytest.approx([1.5, 3.0, 1.5])


def test_blenders_way_of_writing(tmp_path: Path, document: dict[str, Any]) -> None:
    frames = [frame | {"file_path": frame["file_path"].removesuffix(".png")} for frame in document["frames"]]
    scene = load_scene(write(tmp_path, {"camera_angle_x": math.pi / 2, "frames": frames}), size=20)
    assert scene.frames[0] == "view_0.png"  # focal length: half the width, 20 pixels, for both axes
    torch.testing.assert_close(scene.cameras.K[0], torch.tensor([[1.0, 0, 0.5], [0, 1.0, 0.5], [0, 0, 1]]))


def test_absolute_paths(tmp_path: Path, document: dict[str, Any]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    frames = [frame | {"file_path": str(tmp_path / frame["file_path"])} for frame in document["frames"]]
    assert load_scene(write(elsewhere, document | {"frames": frames}), size=8).frames[2] == "view_2.png"


def test_intrinsics_follow_a_picture_that_was_resized(tmp_path: Path, document: dict[str, Any]) -> None:
    before = load_scene(write(tmp_path, document), size=20)
    for i in range(3):
        picture(i, 80, 40).save(tmp_path / f"images/view_{i}.png")
    torch.testing.assert_close(load_scene(tmp_path, size=20).cameras.K, before.cameras.K)


def test_transparency_is_laid_on_white(tmp_path: Path, document: dict[str, Any]) -> None:
    clear = Image.new("RGBA", (40, 20), (255, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 40, 10))
    clear.save(tmp_path / "images/view_0.png")
    image = load_scene(write(tmp_path, document), size=20).images[0]
    assert image[:, 0, 0].tolist() == [1, 0, 0]
    assert image[:, 19, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize("mode", ["L", "P", "CMYK"])
def test_other_kinds_of_pixels_become_colour(tmp_path: Path, document: dict[str, Any], mode: str) -> None:
    path = tmp_path / ("images/other.jpg" if mode == "CMYK" else "images/other.png")
    Image.new("RGB", (40, 20), "white").convert(mode).save(path)
    document["frames"][0]["file_path"] = str(path)
    assert load_scene(write(tmp_path, document), size=20).images[0].min() > 0.98


def save_turned(path: Path, image: Image.Image) -> None:
    """A picture held sideways: stored turned by 90 degrees, with the tag that says so."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)


def test_exif_orientation_is_applied(tmp_path: Path, document: dict[str, Any]) -> None:
    upright = load_scene(write(tmp_path, document), size=20)
    save_turned(tmp_path / "images/view_0.png", picture(0))
    turned = load_scene(tmp_path, size=20)
    assert torch.equal(turned.images, upright.images)
    assert torch.equal(turned.cameras.K, upright.cameras.K)


def test_cameras_of_the_unturned_picture_are_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    save_turned(tmp_path / "images/view_0.png", picture(0))
    with pytest.raises(InputError, match=r"size of view_0.png: got 40 x 20 .*EXIF.* w x h = 20 x 40"):
        load_scene(write(tmp_path, document | {"w": 20, "h": 40}))


def frame(**values: object) -> Edit:
    return lambda document: document["frames"][1].update(values)


def without(key: str) -> Edit:
    return lambda document: document.pop(key)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (without("frames"), "transforms.json: got no such list"),
        (lambda document: document.update(frames={}), "transforms.json: got no such list"),
        (lambda document: document.update(frames=[1, 2]), "transforms.json: got no such list"),
        (lambda document: document.update(frames=[]), "frames: got 0 of the 0 in .* expected at least two"),
        (frame(file_path=None), "file_path in .*: got None"),
        (frame(file_path="images/gone.png"), r"image .*gone\.png: got no such file"),
        (frame(file_path="images"), "image .*images: got no such file"),
        (frame(file_path="x" * 5000), "got no such file"),
        (frame(transform_matrix=None), r"transform_matrix of view_1\.png"),
        (frame(transform_matrix=[[1, 2], [3]]), r"transform_matrix of view_1\.png"),
        (frame(transform_matrix=pose(0)[:3]), r"transform_matrix of view_1\.png"),
        (frame(transform_matrix=[["a"] * 4] * 4), r"transform_matrix of view_1\.png"),
        (frame(transform_matrix=[[10**400] * 4] * 4), r"transform_matrix of view_1\.png"),
        (frame(transform_matrix=pose(math.nan)), r"pose of view_1\.png: got a value that is not finite"),
        (frame(transform_matrix=[[0.0] * 4] * 4), r"pose of view_1\.png: got last row"),
        (frame(transform_matrix=[[2.0, 0, 0, 0], *pose(0)[1:]]), r"pose of view_1\.png: got .*not a rotation"),
        (frame(fl_x="wide"), r"fl_x of view_1\.png: got 'wide'"),
        (frame(fl_x=math.nan), r"fl_x of view_1\.png: got nan"),
        (frame(fl_y=0), r"fl_y of view_1\.png: got 0"),
        (frame(cx=True), r"cx of view_1\.png: got True"),
        (frame(cy=math.inf), r"cy of view_1\.png: got inf"),
        (frame(w=10**400), r"w of view_1\.png"),
        (frame(h=-20), r"h of view_1\.png: got -20"),
        (frame(h=25), r"size of view_1\.png: got 40 x 20 .* 40 x 25"),
        (without("fl_x"), r"fl_x of view_0\.png: got nothing"),
        (frame(camera_angle_x=50), r"camera_angle_x of view_1\.png: got 50; .* below 3\.14"),
        (frame(camera_model="OPENCV_FISHEYE"), r"camera_model of view_1\.png: got OPENCV_FISHEYE"),
        (frame(is_fisheye=True), r"camera_model of view_1\.png: got a fisheye camera"),
    ],
)
def test_a_bad_entry_is_refused_by_name(tmp_path: Path, document: dict[str, Any], edit: Edit, message: str) -> None:
    edit(document)
    with pytest.raises(InputError, match=message):
        load_scene(write(tmp_path, document), size=8)


def test_a_bad_frame_that_is_not_asked_for_does_no_harm(tmp_path: Path, document: dict[str, Any]) -> None:
    document["frames"][1] = {}
    assert load_scene(write(tmp_path, document), frames=[0, 2], size=8).frames == ("view_0.png", "view_2.png")


@pytest.mark.parametrize("model", ["OPENCV", "PINHOLE", "SIMPLE_RADIAL"])
def test_distortion_of_perspective_cameras_is_ignored(tmp_path: Path, document: dict[str, Any], model: str) -> None:
    plain = load_scene(write(tmp_path, document), size=8)
    distorted = load_scene(write(tmp_path, document | {"camera_model": model, "k1": 0.3}), size=8)
    assert torch.equal(distorted.images, plain.images)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([0, 3], r"got \[0, 3\]; expected indices from 0 to 2"),
        ([-1, 0], r"got \[-1, 0\]; expected indices from 0 to 2"),
        ([0, 1, 0], r"got \[0, 1, 0\]; expected each index once"),
        ([1], "got 1 of the 3 .* expected at least two"),
        ([], "got 0 of the 3 .* expected at least two"),
    ],
)
def test_a_bad_choice_of_frames_is_refused(
    tmp_path: Path, document: dict[str, Any], frames: list[int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_scene(write(tmp_path, document), frames=frames)


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe\x00", b"[" * 100_000, b""])
def test_broken_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "transforms.json").write_bytes(content)
    with pytest.raises(InputError, match=r"transforms\.json: got unreadable JSON"):
        load_scene(tmp_path)


@pytest.mark.parametrize("name", [".", "nowhere", "nowhere/transforms.json"])
def test_a_missing_scene_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"scene .*: got no transforms\.json there"):
        load_scene(tmp_path / name)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png_header_of(width: int, height: int) -> bytes:
    """A PNG whose header promises width x height pixels, none of which follow."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


def whole_png() -> bytes:
    buffer = io.BytesIO()
    picture(0).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "cannot identify", id="empty"),
        pytest.param(b"GIF89a", "cannot identify", id="another format"),
        pytest.param(whole_png()[:900], "truncated", id="truncated"),
        pytest.param(png_header_of(10_000, 6_000), "10000 x 6000 pixels; expected at most 50 megapixels", id="huge"),
        pytest.param(png_header_of(12_000, 10_000), "12000 x 10000 pixels", id="beyond the library's warning"),
        pytest.param(png_header_of(60_000, 60_000), "exceeds limit", id="beyond the library's limit"),
        pytest.param(png_header_of(2_000, 10), "2000 x 10 pixels", id="a thread"),
    ],
)
def test_a_bad_picture_is_refused(tmp_path: Path, document: dict[str, Any], content: bytes, message: str) -> None:
    (tmp_path / "images/view_1.png").write_bytes(content)
    with pytest.raises(InputError, match=rf"view_1\.png: got .*{message}"):
        load_scene(write(tmp_path, document), size=8)


def test_pixels_of_16_bits_are_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    Image.fromarray(np.full((20, 40), 40_000, dtype=np.uint16)).save(tmp_path / "images/view_1.png")
    with pytest.raises(InputError, match=r"view_1\.png: got pixels of more than 8 bits"):
        load_scene(write(tmp_path, document), size=8)


def test_pluecker_rays_have_the_reference_first_then_every_view(tmp_path: Path, document: dict[str, Any]) -> None:
    document["frames"][2]["transform_matrix"][1][3] = 5.0
    scene = load_scene(write(tmp_path, document), size=8)
    rays = pluecker_rays(scene, reference=2, grid=4)
    assert rays.shape == (4, 6, 4, 4)
    assert torch.equal(rays[0], rays[3])
    assert torch.equal(rays, pluecker(normalise(with_reference(scene.cameras, 2)), 4))


@pytest.mark.parametrize("reference", [-1, 3])
def test_a_reference_out_of_range_is_refused(tmp_path: Path, document: dict[str, Any], reference: int) -> None:
    scene = load_scene(write(tmp_path, document), size=8)
    with pytest.raises(InputError, match=r"reference view: got .* expected an index from 0 to 2"):
        pluecker_rays(scene, reference)


def test_a_reference_amid_the_others_is_refused(tmp_path: Path, document: dict[str, Any]) -> None:
    scene = load_scene(write(tmp_path, document), size=8)
    with pytest.raises(InputError, match="camera positions"):
        pluecker_rays(scene, reference=1)


def test_agreement_with_the_published_code(shared: Path) -> None:
    golden = load_file(shared / "fixtures/cameras/face-ref0.safetensors")
    scene = load_scene(shared / "data/in2n-sparse/face", frames=[0, 1, 2, 3])
    cameras = normalise(with_reference(scene.cameras, 0))
    torch.testing.assert_close(cameras.K, golden["K"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(cameras.c2w, golden["c2w"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(pluecker_rays(scene), golden["plucker"], rtol=1e-4, atol=1e-5)
    pooled = F.avg_pool2d(2 * scene.images - 1, 8)
    assert float((pooled - golden["frames_avgpool8"][1:]).abs().mean()) < 1e-5


@pytest.mark.parametrize("name", ["face", "bear", "person"])
def test_the_real_scenes_load(shared: Path, name: str) -> None:
    scene = load_scene(shared / "data/in2n-sparse" / name)
    assert scene.images.shape == (4, 3, 576, 576)
    assert 0 <= scene.images.min() < scene.images.max() <= 1
    assert pluecker_rays(scene, reference=3).isfinite().all()


def test_importing_the_package_does_not_import_torch() -> None:
    code = "import sys, mix2mix; assert mix2mix.__version__; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(mix2mix.__file__).parents[1])


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'load_scenes'"):
        _ = mix2mix.load_scenes
