"""Views made elsewhere: what is laid out as it should be is read, and every fault is told in one message."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmark.foreign import read_foreign
from benchmark.scoring import to_pixels
from mix2mix.errors import InputError

PANDA = "turn-the-bear-to-a-panda-bear"


@pytest.fixture
def folder(tmp_path: Path, fakes: SimpleNamespace) -> Path:
    """A negative by one method of one edit of one scene, in four views of 32 px."""
    top = tmp_path / "theirs"
    for index, view in enumerate(to_pixels(fakes.WallWorld().scene("bear", 4).images)):
        save(view, top / "original" / "bear" / f"view_{index}.png")
        save(255 - view // 2, top / "ours" / "bear" / PANDA / f"view_{index}.png")
    return top


def save(pixels: object, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype=np.uint8)).save(path)


def edited(folder: Path, index: int = 0) -> Path:
    return folder / "ours" / "bear" / PANDA / f"view_{index}.png"


def test_views_are_read_in_their_order_with_what_they_are(folder: Path) -> None:
    foreign = read_foreign(folder)
    (found,) = foreign.sets
    assert (found.method, found.entry.scene, found.place) == ("ours", "bear", f"theirs/ours/bear/{PANDA}")
    assert found.entry.edit.instruction == "Turn the bear to a panda bear"
    assert found.entry.edit.edited_prompt
    np.testing.assert_array_equal(found.views[3], 255 - foreign.originals["bear"][3] // 2)


def test_other_instructions_have_no_prompts(folder: Path) -> None:
    edited(folder).parent.rename(folder / "ours" / "bear" / "give-it-a-crown")
    edit = read_foreign(folder).sets[0].entry.edit
    assert (edit.instruction, edit.original_prompt, edit.edited_prompt) == ("Give it a crown", "", "")
    assert edit.slug == "give-it-a-crown"


def test_ten_views_are_in_the_order_of_their_numbers(folder: Path, fakes: SimpleNamespace) -> None:
    for index, view in enumerate(to_pixels(fakes.WallWorld().scene("bear", 11).images)):
        save(view, folder / "original" / "bear" / f"view_{index}.png")
        save(view, edited(folder, index))
    foreign = read_foreign(folder)
    np.testing.assert_array_equal(foreign.sets[0].views[2], foreign.originals["bear"][2])


def test_transparency_is_laid_on_white(folder: Path) -> None:
    with Image.open(edited(folder)) as image:
        clear = image.convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, 4, 4))
    clear.save(edited(folder))
    assert (read_foreign(folder).sets[0].views[0][:4, :4] == 255).all()


def nothing(folder: Path) -> None:
    shutil.rmtree(folder / "ours")


def no_originals(folder: Path) -> None:
    shutil.rmtree(folder / "original")


def gap(folder: Path) -> None:
    edited(folder, 1).unlink()


def double(folder: Path) -> None:
    with Image.open(edited(folder, 1)) as image:
        image.save(edited(folder, 1).with_suffix(".jpg"))


def one_less(folder: Path) -> None:
    edited(folder, 3).unlink()


def other_size(folder: Path) -> None:
    save(np.random.default_rng(0).integers(0, 255, (32, 40, 3)), edited(folder, 2))


def originals_of_two_sizes(folder: Path) -> None:
    save(np.random.default_rng(0).integers(0, 255, (40, 32, 3)), folder / "original" / "bear" / "view_1.png")


def blank(folder: Path) -> None:
    save(np.full((32, 32, 3), 100), edited(folder, 2))


def torn(folder: Path) -> None:
    edited(folder, 1).write_bytes(edited(folder, 1).read_bytes()[:300])


def another_format(folder: Path) -> None:
    with Image.open(edited(folder, 1)) as image:
        image.save(edited(folder, 1), format="gif")


def no_slug(folder: Path) -> None:
    edited(folder).parent.rename(folder / "ours" / "bear" / "Turn the bear")


def swapped(folder: Path) -> None:
    first, second = edited(folder, 1), edited(folder, 2)
    first.rename(first.with_name("aside"))
    second.rename(first)
    first.with_name("aside").rename(second)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (nothing, r"theirs: got no such views; expected views as METHOD/SCENE/EDIT/view_0\.png"),
        (no_originals, r"views in .*original/bear: got none; expected two or more files view_0"),
        (gap, r"got view_0\.png, view_2\.png, view_3\.png; expected .* without gaps"),
        (double, r"got view_0\.png, view_1\.jpg, view_1\.png, view_2"),
        (one_less, r"got 3; expected 4, as its scene has in original/bear"),
        (other_size, r"view_2\.png: got 40 x 32 pixels; expected 32 x 32 pixels, as its original has"),
        (originals_of_two_sizes, r"view_1\.png: got 32 x 40 pixels; expected 32 x 32 pixels, as its first"),
        (blank, r"view_2\.png: got a blank picture"),
        (torn, r"view_1\.png: got .*; expected a whole PNG, JPEG or WebP picture"),
        (another_format, r"view_1\.png: got cannot identify image file .*; expected a whole PNG"),
        (no_slug, r"got 'Turn the bear'; expected the slug .* Rename it to turn-the-bear"),
    ],
)
def test_every_fault_is_told(folder: Path, damage: Callable[[Path], None], told: str) -> None:
    damage(folder)
    with pytest.raises(InputError, match=told):
        read_foreign(folder)


def test_views_in_another_order_than_the_originals_are_told(folder: Path) -> None:
    read_foreign(folder)
    swapped(folder)
    with pytest.raises(InputError, match="view_1 that shows what original view_2 shows, view_2 that shows what"):
        read_foreign(folder)


def test_views_that_all_show_one_view_are_a_bad_result_and_no_mistake(folder: Path) -> None:
    for index in range(4):
        shutil.copy(folder / "original" / "bear" / "view_0.png", edited(folder, index))
    assert len(read_foreign(folder).sets) == 1


def test_the_published_outputs_are_read_and_their_order_is_seen(shared: Path, tmp_path: Path) -> None:
    published = shared / "data" / "published-outputs"
    foreign = read_foreign(published)
    assert (len(foreign.sets), {len(each.views) for each in foreign.sets}) == (24, {4})
    assert {each.method for each in foreign.sets} == {"dge", "i-mix2mix", "igs2gs", "t2vz"}
    for each in (each for each in foreign.sets if each.method == "dge"):
        place = published.parent / each.place
        turned = tmp_path / each.method / "person" / place.name
        turned.mkdir(parents=True)
        for index in range(4):
            (turned / f"view_{index}.jpg").symlink_to(place / f"view_{(index + 1) % 4}.jpg")
        (tmp_path / "original").mkdir(exist_ok=True)
        if not (tmp_path / "original" / "person").exists():
            (tmp_path / "original" / "person").symlink_to(published / "original" / "person")
        with pytest.raises(InputError, match="view_0 that shows what original view_1 shows"):
            read_foreign(tmp_path)
        shutil.rmtree(tmp_path / each.method)
