"""The pictures of a study carry nothing but pixels, and a planted mark that is where it is said to be."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from mix2mix.errors import InputError
from survey.boxes import Box
from survey.pictures import bare_png, covered, read_picture, same_size, with_mark


def plain(width: int = 40, height: int = 30, colour: str = "#808080") -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def test_pixels_survive_and_metadata_does_not(tmp_path: Path) -> None:
    secret = PngInfo()
    secret.add_text("Software", "ours")
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "view_0.png", pnginfo=secret, dpi=(300, 300))
    bare = bare_png(read_picture(tmp_path / "view_0.png"))
    assert b"ours" not in bare
    with Image.open(BytesIO(bare)) as image:
        assert image.info == {}
        assert np.array_equal(np.asarray(image), pixels)


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    plain(40, 30).save(tmp_path / "view_0.jpg", exif=exif)
    assert read_picture(tmp_path / "view_0.jpg").size == (30, 40)


def test_a_file_that_is_no_picture_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "view_0.png").write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    with pytest.raises(InputError, match=r"view_0\.png"):
        read_picture(tmp_path / "view_0.png")


def test_the_larger_pictures_are_scaled_to_the_smaller() -> None:
    ours, theirs = same_size("face", [[plain(80, 60)], [plain(40, 30)]])
    assert ours[0].size == theirs[0].size == (40, 30)


def test_pictures_of_one_size_are_left_alone() -> None:
    picture = plain()
    assert same_size("face", [[picture], [plain()]])[0][0] is picture


def test_a_shape_of_its_own_would_tell_a_method() -> None:
    with pytest.raises(InputError, match="one shape for all methods"):
        same_size("face", [[plain(40, 30)], [plain(40, 40)]])


def test_the_mark_is_where_it_is_said_to_be_and_nowhere_else() -> None:
    marked, box = with_mark(plain(200, 100), view=2, centre=(0.5, 0.4))
    changed = np.any(np.asarray(marked) != 128, axis=2)
    rows, columns = np.nonzero(changed)
    assert box.view == 2
    assert (columns.min(), columns.max() + 1) == (round(box.x * 200), round((box.x + box.w) * 200))
    assert (rows.min(), rows.max() + 1) == (round(box.y * 100), round((box.y + box.h) * 100))
    assert changed.mean() == pytest.approx(np.pi * 12**2 / (200 * 100), rel=0.05)


@pytest.mark.parametrize(
    ("box", "share"),
    [
        (Box(0, 0.2, 0.2, 0.2, 0.2), 1.0),
        (Box(0, 0.3, 0.2, 0.5, 0.5), 0.5),
        (Box(0, 0.3, 0.3, 0.1, 0.1), 0.25),
        (Box(0, 0.4, 0.2, 0.2, 0.2), 0.0),
        (Box(1, 0.2, 0.2, 0.2, 0.2), 0.0),
    ],
)
def test_how_much_of_a_part_is_covered(box: Box, share: float) -> None:
    assert covered(Box(0, 0.2, 0.2, 0.2, 0.2), [box]) == pytest.approx(share)


def test_nothing_covers_nothing() -> None:
    assert covered(Box(0, 0.2, 0.2, 0.2, 0.2), []) == 0
