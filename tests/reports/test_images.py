"""Thumbnails inside a page: true to the pictures, within the room there is, and from nowhere else."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reports.images import data_uri, embed


def decoded(uri: str | None) -> Image.Image:
    assert uri is not None
    return Image.open(BytesIO(b64decode(uri.removeprefix("data:image/webp;base64,"))))


def noise(path: Path, size: int, seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_a_small_picture_keeps_its_size_and_colours(tmp_path: Path) -> None:
    Image.new("RGB", (128, 128), (200, 40, 90)).save(tmp_path / "view.png")
    thumbnail = decoded(data_uri(tmp_path / "view.png", tmp_path, 320))
    assert thumbnail.size == (128, 128)
    np.testing.assert_allclose(np.asarray(thumbnail)[64, 64], (200, 40, 90), atol=4)


def test_a_large_picture_is_made_smaller_in_proportion(tmp_path: Path) -> None:
    Image.new("RGB", (1152, 576)).save(tmp_path / "view.png")
    assert decoded(data_uri(tmp_path / "view.png", tmp_path, 320)).size == (320, 160)


def test_what_is_clear_stays_clear(tmp_path: Path) -> None:
    Image.new("LA", (8, 8), (100, 0)).save(tmp_path / "map.png")
    assert decoded(data_uri(tmp_path / "map.png", tmp_path, 96)).convert("RGBA").getpixel((4, 4))[3] == 0


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", None])
def test_what_is_no_picture_is_none(tmp_path: Path, data: bytes | None) -> None:
    path = tmp_path / "view.png"
    if data is not None:
        path.write_bytes(data)
    assert data_uri(path, tmp_path, 320) is None


@pytest.mark.parametrize("place", range(40, 200, 13))
def test_a_picture_with_one_flipped_byte_is_none(tmp_path: Path, place: int) -> None:
    data = bytearray(noise(tmp_path / "view.png", 16).read_bytes())
    data[place] ^= 0x10
    (tmp_path / "view.png").write_bytes(data)
    assert data_uri(tmp_path / "view.png", tmp_path, 320) is None


def test_a_picture_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    noise(tmp_path / "secret.png", 16)
    (run / "view_0.png").symlink_to(tmp_path / "secret.png")
    assert data_uri(run / "view_0.png", run, 320) is None
    assert data_uri(run / "../secret.png", run, 320) is None


def test_pictures_are_as_large_as_there_is_room_for(tmp_path: Path) -> None:
    files = [noise(tmp_path / f"{seed}.png", 400, seed) for seed in range(3)]
    largest = embed(files, tmp_path)
    assert decoded(largest[files[0]]).size == (400, 400)
    room = sum(len(uri or "") for uri in largest.values()) // 4
    smaller = embed(files, tmp_path, room)
    assert sum(len(uri or "") for uri in smaller.values()) <= room
    assert decoded(smaller[files[0]]).width < 400


def test_a_picture_that_is_used_twice_counts_twice(tmp_path: Path) -> None:
    file = noise(tmp_path / "view.png", 400)
    once = embed([file], tmp_path)[file]
    assert once is not None
    twice = embed([file, file], tmp_path, room=int(1.5 * len(once)))[file]
    assert twice is not None
    assert 2 * len(twice) <= 1.5 * len(once)


def test_no_pictures_are_no_trouble(tmp_path: Path) -> None:
    assert embed([], tmp_path) == {}
