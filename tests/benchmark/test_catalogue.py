"""The catalogue: Table 6 to the letter, looked up by instruction or slug."""

from pathlib import Path

import pytest

from benchmark import catalogue
from mix2mix.edit import Edit
from mix2mix.errors import InputError


def test_the_table_is_the_paper_s_to_the_letter(shared: Path) -> None:
    ours = Path(catalogue.__file__).with_name("table6.csv")
    assert ours.read_bytes() == (shared / "paper/table6.csv").read_bytes()


def test_there_are_twenty_edits_of_three_scenes() -> None:
    counts = {scene: len(catalogue.edits_of(scene)) for scene in catalogue.scenes()}
    assert counts == {"face": 8, "bear": 4, "person": 8}


def test_a_row_becomes_an_edit_with_its_guidance() -> None:
    entry = catalogue.find_edit("turn-the-man-into-a-robot")
    prompt = "A man standing next to a wall wearing a blue T-shirt and brown pants"
    assert entry.scene == "person"
    assert entry.edit == Edit("Turn the man into a robot", prompt, "A robot standing next to a wall", 5.5, 1.8)


def test_slugs_are_unique() -> None:
    slugs = [entry.slug for entry in catalogue.catalogue()]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize("text", ["Turn him into a knight", "TURN HIM INTO A KNIGHT", "turn-him-into-a-knight"])
def test_an_edit_is_found_by_instruction_or_slug(text: str) -> None:
    assert catalogue.find_edit(text).slug == "turn-him-into-a-knight"


def test_an_unknown_edit_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"got 'venetian'.*Did you mean 'Give him a Venetian mask'"):
        catalogue.find_edit("venetian")


def test_an_edit_like_none_is_sent_to_the_list() -> None:
    with pytest.raises(InputError, match="mix2mix list edits"):
        catalogue.find_edit("0000")


def test_an_unknown_scene_is_told_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"got 'faces'.*Did you mean 'face'"):
        catalogue.edits_of("faces")


def test_only_the_painting_is_an_edit_of_the_whole_image() -> None:
    assert [entry.slug for entry in catalogue.catalogue() if entry.whole_image] == ["turn-it-to-a-van-gogh-painting"]
