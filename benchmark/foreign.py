"""Views made elsewhere, read from a plain folder and checked before anything is done with them. No torch.

FOLDER/METHOD/SCENE/EDIT/view_0.png ...      EDIT is the slug of the instruction; png, jpg, jpeg or webp
FOLDER/original/SCENE/view_0.png ...         the same views before any edit
"""

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from scipy.optimize import linear_sum_assignment

from benchmark.catalogue import CatalogueEdit, catalogue
from benchmark.extended import other_edits
from benchmark.store import Pixels
from mix2mix.edit import Edit
from mix2mix.errors import InputError

ORIGINAL = "original"
VIEW = re.compile(r"view_(0|[1-9]\d*)\.(png|jpe?g|webp)", re.IGNORECASE)
MAX_PIXELS = 50_000_000
"""Larger pictures are refused before they are decoded."""

BLANK = 0.01 * 255
"""A view whose every channel deviates less than this from its mean shows nothing."""

THUMBNAIL = 24
"""Side of the grey thumbnails by which an edited view is known for that of its original."""

CLEARLY_NEARER = 0.75
"""Views are taken for those of other originals if they are nearer to them by this factor.

Every true edit of the miniature world and every published output stays above 0.95."""


@dataclass(frozen=True)
class ForeignSet:
    """The views that a method made of one edit of a scene; ``place`` is their folder from the top one's name on."""

    method: str
    entry: CatalogueEdit
    place: str
    views: tuple[Pixels, ...]


@dataclass(frozen=True)
class Foreign:
    """All that a folder holds: the sets in order, and the views of every scene before any edit."""

    name: str
    sets: tuple[ForeignSet, ...]
    originals: Mapping[str, tuple[Pixels, ...]]


def read_foreign(folder: Path) -> Foreign:
    """Read and check all views of a folder; an `InputError` tells the first that is at fault."""
    places = find_sets(folder)
    if not places:
        expected = "views as METHOD/SCENE/EDIT/view_0.png, and as original/SCENE/view_0.png"
        raise InputError(f"folder {folder}", got="no such views", expected=expected, fix="Check the path.")
    scenes = sorted({place.parent.name for place in places})
    originals = {scene: _read_originals(folder / ORIGINAL / scene) for scene in scenes}
    sets = tuple(_read_set(place, folder, originals[place.parent.name]) for place in places)
    return Foreign(folder.resolve().name, sets, originals)


def find_sets(folder: Path) -> list[Path]:
    """The folders METHOD/SCENE/EDIT in a folder."""
    return [
        edit
        for method in folders(folder)
        if method.name != ORIGINAL
        for scene in folders(method)
        for edit in folders(scene)
    ]


def folders(folder: Path) -> list[Path]:
    """The folders in a folder by name, but for hidden ones."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def view_files(folder: Path) -> tuple[Path, ...]:
    """The files view_0, view_1, ... of a folder in order; gaps, doubles or fewer than two are an `InputError`."""
    inside = folder.iterdir() if folder.is_dir() else ()
    named = sorted((int(match[1]), path) for path in inside if (match := VIEW.fullmatch(path.name)))
    if [index for index, _ in named] != list(range(len(named))) or len(named) < 2:
        got = ", ".join(path.name for _, path in named) or "none"
        expected = "two or more files view_0, view_1, ... (png, jpg, jpeg or webp) without gaps or doubles"
        raise InputError(f"views in {folder}", got=got, expected=expected, fix="Rename, add or remove files.")
    return tuple(path for _, path in named)


def entry_of(scene: str, slug: str) -> CatalogueEdit:
    """The edit of that slug, the scene's own before the catalogue's; or one without prompts, named by the slug."""
    for entry in (*(each for each in other_edits() if each.scene == scene), *catalogue()):
        if entry.slug == slug:
            return CatalogueEdit(scene, entry.edit)
    words = slug.replace("-", " ")
    return CatalogueEdit(scene, Edit(words[:1].upper() + words[1:], "", ""))


def _read_originals(folder: Path) -> tuple[Pixels, ...]:
    files = view_files(folder)
    views = tuple(map(_read_view, files))
    for file, view in zip(files, views, strict=True):
        _check_size(file, view, views[0], "as its first view has")
    return views


def _read_set(place: Path, top: Path, originals: Sequence[Pixels]) -> ForeignSet:
    if Edit(place.name, "", "").slug != place.name:
        expected = "the slug of its instruction: lower-case letters, digits and hyphens"
        fix = f"Rename it to {Edit(place.name, '', '').slug or 'that'}."
        raise InputError(f"folder {place}", got=f"'{place.name}'", expected=expected, fix=fix)
    files = view_files(place)
    if len(files) != len(originals):
        expected = f"{len(originals)}, as its scene has in {ORIGINAL}/{place.parent.name}"
        raise InputError(f"views in {place}", got=len(files), expected=expected, fix="Add or remove views.")
    views = tuple(map(_read_view, files))
    for file, view, original in zip(files, views, originals, strict=True):
        _check_size(file, view, original, "as its original has")
        _check_not_blank(file, view)
    _check_order(place, views, originals)
    name = Path(top.resolve().name, place.relative_to(top)).as_posix()
    return ForeignSet(place.parents[1].name, entry_of(place.parent.name, place.name), name, views)


def _read_view(path: Path) -> Pixels:
    """A picture upright, in RGB, transparency laid on white; an `InputError` where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own cap is lower
            with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise ValueError(f"{image.width} x {image.height} pixels")
                return np.array(_flattened(ImageOps.exif_transpose(image)))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        expected = f"a whole PNG, JPEG or WebP picture of at most {MAX_PIXELS // 1_000_000} megapixels"
        raise InputError(f"view {path}", got=str(error), expected=expected, fix="Save it again.") from error


def _flattened(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA")).convert("RGB")


def _check_size(file: Path, view: Pixels, other: Pixels, whose: str) -> None:
    if view.shape != other.shape:
        got, expected = (f"{shape[1]} x {shape[0]} pixels" for shape in (view.shape, other.shape))
        fix = "Resize or crop it alike: views are compared pixel by pixel."
        raise InputError(f"view {file}", got=got, expected=f"{expected}, {whose}", fix=fix)


def _check_not_blank(file: Path, view: Pixels) -> None:
    spread = float(view.std(axis=(0, 1)).max())
    if spread < BLANK:
        got = f"a blank picture (its colours deviate by {spread:.2g} of 255)"
        raise InputError(
            f"view {file}", got=got, expected="a picture of the scene", fix="Make it again, or leave it out."
        )


def _check_order(place: Path, views: Sequence[Pixels], originals: Sequence[Pixels]) -> None:
    """Raise where some views clearly show what the originals of one another show."""
    distance = _distances(views, originals)
    own, best = linear_sum_assignment(distance)
    moved = [int(index) for index in own if best[index] != index]
    if moved and distance[moved, best[moved]].sum() < CLEARLY_NEARER * distance[moved, moved].sum():
        got = ", ".join(f"view_{index} that shows what original view_{best[index]} shows" for index in moved)
        expected = f"views in the order of {ORIGINAL}/{place.parent.name}"
        raise InputError(f"views in {place}", got=got, expected=expected, fix="Rename the files.")


def _distances(views: Sequence[Pixels], originals: Sequence[Pixels]) -> NDArray[np.float64]:
    """1 - correlation² of grey thumbnails, [views, originals]: squared, as an edit may turn light into dark."""
    first, second = (np.stack([_thumbnail(view) for view in one]) for one in (views, originals))
    distances: NDArray[np.float64] = np.clip(1 - (first @ second.T / first.shape[1]) ** 2, 0, 1)
    return distances


def _thumbnail(view: Pixels) -> NDArray[np.float64]:
    small = Image.fromarray(view).convert("L").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=np.float64).ravel()
    normal: NDArray[np.float64] = (grey - grey.mean()) / max(grey.std(), 1e-9)
    return normal
