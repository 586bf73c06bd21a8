"""Saved pictures as thumbnails inside a page, as large as the page has room for. No torch.

Nothing outside the folder of the run is read, whatever a link in it points at, and a damaged file is no picture.
"""

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image

SIDES = (512, 384, 320, 256, 208, 160, 128, 96)
"""Pixels of a thumbnail's larger side: the first at which all fit."""

ROOM = 13_500_000
"""Bytes that all pictures may take, so that a page with its tables stays under 15 MB."""

LARGEST_PICTURE = 50_000_000
"""Pixels: more is no view but a bomb."""

QUALITY = 86
_EFFORT = 2
"""Of the encoder, 0 to 6: more takes twice the time for 2 % fewer bytes."""

_SAMPLE, _MARGIN = 16, 1.03

Uris = Mapping[Path, str | None]
"""A data URI for every file; None where there is no picture to show."""


def embed(uses: Sequence[Path], folder: Path, room: int = ROOM) -> Uris:
    """Thumbnails of the files that a page shows, each counted as often as it is used; files lie within ``folder``."""
    files = list(dict.fromkeys(uses))
    root = folder.resolve()
    for side in SIDES[_first_that_may_fit(files, len(uses), root, room) :]:
        uris = _encode_all(files, root, side)
        if sum(len(uris[file] or "") for file in uses) <= room or side == SIDES[-1]:
            return uris
    return {}


def _first_that_may_fit(files: Sequence[Path], uses: int, root: Path, room: int) -> int:
    """Tried on a sample, as encoding hundreds of pictures anew for every size would take long."""
    sample = files[:: max(1, len(files) // _SAMPLE)]
    for place, side in enumerate(SIDES[:-1]):
        sizes = [len(uri or "") for uri in _encode_all(sample, root, side).values()]
        if _MARGIN * uses * sum(sizes) <= room * len(sizes):
            return place
    return len(SIDES) - 1


def _encode_all(files: Sequence[Path], root: Path, side: int) -> dict[Path, str | None]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(files, pool.map(lambda file: data_uri(file, root, side), files), strict=True))


def data_uri(path: Path, root: Path, side: int) -> str | None:
    """A thumbnail as a WebP data URI; None where there is no picture to read."""
    picture = read_picture(path, root)
    if picture is None:
        return None
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    picture.save(buffer, format="webp", quality=QUALITY, method=_EFFORT)
    return f"data:image/webp;base64,{b64encode(buffer.getvalue()).decode('ascii')}"


def read_picture(path: Path, root: Path) -> Image.Image | None:
    """A picture, RGB, or RGBA where it is a map; None where there is no whole one, or it is from outside of ``root``.

    ``root`` is resolved.
    """
    try:
        return _decoded(path.read_bytes()) if path.resolve().is_relative_to(root) else None
    except Exception:  # whatever a decoder raises about a damaged file
        return None


def _decoded(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as image:
        if image.width * image.height > LARGEST_PICTURE:
            raise ValueError("too large for a view")
        image.verify()
    with Image.open(BytesIO(data)) as image:
        return image.convert("RGBA" if image.mode == "LA" else "RGB")
