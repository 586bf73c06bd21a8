"""Edits and their slugs."""

import csv
from pathlib import Path

import pytest

from mix2mix.edit import Edit


@pytest.mark.parametrize(
    ("instruction", "slug"),
    [
        ("Turn him into a knight", "turn-him-into-a-knight"),
        ("  Make it look like a Van-Gogh!  ", "make-it-look-like-a-van-gogh"),
        ("Don't: 2 cats & a dog", "don-t-2-cats-a-dog"),
        ("../../etc", "etc"),
    ],
)
def test_the_slug_is_lower_case_words_joined_by_hyphens(instruction: str, slug: str) -> None:
    assert Edit(instruction, "", "").slug == slug


def test_guidance_defaults_to_7_5_and_1_5() -> None:
    edit = Edit("Make it snowy", "a car", "a car in the snow")
    assert (edit.text_guidance, edit.image_guidance) == (7.5, 1.5)


def test_the_slugs_of_table_6_are_the_folders_of_the_published_outputs(shared: Path) -> None:
    with (shared / "paper/table6.csv").open(encoding="utf-8", newline="") as file:
        instructions = [row["edit_prompt"] for row in csv.DictReader(file)]
    slugs = {Edit(instruction, "", "").slug for instruction in instructions}
    published = {folder.name for folder in (shared / "data/published-outputs/i-mix2mix/person").iterdir()}
    assert published <= slugs
