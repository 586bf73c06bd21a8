"""Thumbnails inside a page."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports.images import LARGEST_SIDE, data_uri


def decoded(uri: str | None) -> Image.Image:
    assert uri is not None
    return Image.open(BytesIO(b64decode(uri.removeprefix("data:image/jpeg;base64,"))))


def test_a_small_picture_keeps_its_size_and_colours(tmp_path: Path) -> None:
    Image.new("RGB", (128, 128), (200, 40, 90)).save(tmp_path / "view.png")
    thumbnail = decoded(data_uri(tmp_path / "view.png"))
    assert thumbnail.size == (128, 128)
    np.testing.assert_allclose(np.asarray(thumbnail)[64, 64], (200, 40, 90), atol=3)


def test_a_large_picture_is_made_smaller_in_proportion(tmp_path: Path) -> None:
    Image.new("RGB", (1152, 576)).save(tmp_path / "view.png")
    assert decoded(data_uri(tmp_path / "view.png")).size == (LARGEST_SIDE, LARGEST_SIDE // 2)


@pytest.mark.parametrize("data", [b"", b"no picture", None])
def test_what_is_no_picture_is_none(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "view.png"
    if data is not None:
        path.write_bytes(data)
    assert data_uri(path) is None
