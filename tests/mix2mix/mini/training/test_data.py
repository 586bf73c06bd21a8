"""The training set: what is drawn, and what is said of it."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.mini.family import look_at
from mix2mix.mini.training import data
from mix2mix.mini.training.data import (
    COLOURS,
    SIDES,
    DataConfig,
    dominant_colour,
    draw_dataset,
    plan,
    read_edits,
    sides,
)
from mix2mix.mini.training.ranks import Ranks
from mix2mix.mini.world import FAMILIES

TABLE = Path(__file__).resolve().parents[4] / "benchmark" / "table6.csv"
SMALL = DataConfig(scenes=2, chunk=2, edits=1, seed=3)


@pytest.fixture(scope="module")
def edits():
    """Four of the face alone: chunk after chunk shows the next."""
    return {"face": read_edits(TABLE)["face"][:4]}


@pytest.fixture(scope="module")
def drawn(edits):
    """Half a second an image is too long for most questions: these are 24 pixels wide."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "IMAGE_SIZE", 24)
        patch.setattr(data, "dominant_colour", lambda images: torch.zeros(images.shape[:2], dtype=torch.int64))
        return {name: draw_dataset(config, edits, Ranks("cpu")) for name, config in {
            "set": SMALL, "again": SMALL, "other": DataConfig(scenes=2, chunk=2, edits=1, seed=4),
            "chunks": DataConfig(scenes=4, chunk=2, edits=1, seed=3)}.items()}  # fmt: skip


def test_a_table_is_read_by_family(tmp_path):
    path = tmp_path / "table.csv"
    head = "scene,original_prompt,edit_prompt,edited_prompt,text_cfg,image_cfg\n"
    path.write_text(
        head + 'Face,a man,"Make him old, very old",an old man,9.0,1.25\nBear,a bear,Paint it,a red bear,6,1.5\n'
    )
    assert read_edits(path) == {
        "face": [Edit("Make him old, very old", "a man", "an old man", 9.0, 1.25)],
        "bear": [Edit("Paint it", "a bear", "a red bear", 6.0, 1.5)],
    }


def test_the_families_know_every_edit_of_table_6():
    edits = read_edits(TABLE)
    assert {name: len(rows) for name, rows in edits.items()} == {"face": 8, "bear": 4, "person": 8}
    for name, rows in edits.items():
        assert {edit.instruction for edit in rows} == set(FAMILIES[name].instructions)
        assert {edit.original_prompt for edit in rows} == {FAMILIES[name].original_prompt}


def test_every_edit_is_shown_equally_often():
    edits = read_edits(TABLE)
    shown, families = Counter(), Counter()
    for chunk in plan(DataConfig(scenes=40 * 8, chunk=8, edits=3), edits):
        families[chunk.family.name] += 1
        shown.update(edit.instruction for edit in chunk.edits)
        assert len(set(chunk.edits)) == 3
    assert families == {"face": 16, "bear": 8, "person": 16}
    assert set(shown.values()) == {6}
    assert len(shown) == 20


def test_shapes_are_scenes_by_states_by_views(drawn):
    made = drawn["set"]
    assert made.images.shape == (2, 2, 8, 3, 24, 24)
    assert made.images.dtype == torch.uint8
    assert made.prompt.shape == made.instruction.shape == made.colour.shape == (2, 2)
    assert made.side.shape == (2, 8)
    assert made.cameras.K.shape == (2, 8, 3, 3)
    assert made.cameras.c2w.shape == (2, 8, 4, 4)


def test_the_original_comes_first_and_each_state_has_its_words(drawn, edits):
    made, first = drawn["set"], edits["face"][0]
    for scene in range(2):
        assert [made.prompts[i] for i in made.prompt[scene]] == [first.original_prompt, first.edited_prompt]
        assert made.instructions[made.instruction[scene, 1]] == first.instruction
    assert made.instructions == tuple(edit.instruction for edit in edits["face"])
    assert len(set(made.prompts)) == len(made.prompts) == 5


def test_the_next_chunk_shows_the_next_edit(drawn, edits):
    shown = [drawn["chunks"].instructions[i] for i in drawn["chunks"].instruction[:, 1]]
    assert shown == [edits["face"][i].instruction for i in (0, 0, 1, 1)]
    assert torch.equal(drawn["chunks"].images[:2], drawn["set"].images)


def test_too_few_scenes_for_each_process_to_draw_some_are_told(edits):
    with pytest.raises(InputError, match="scenes: got 2; expected at least 4: each process draws 2 at a time"):
        draw_dataset(SMALL, edits, Ranks("cpu", index=1, count=2))


def test_the_seed_decides_every_pixel(drawn):
    assert torch.equal(drawn["set"].images, drawn["again"].images)
    assert torch.equal(drawn["set"].cameras.c2w, drawn["again"].cameras.c2w)
    assert not torch.equal(drawn["set"].images, drawn["other"].images)


def test_scenes_states_and_views_differ(drawn):
    images = drawn["chunks"].images.flatten(0, 2).flatten(1).float()
    distance = torch.cdist(images, images) + 1e9 * torch.eye(len(images))
    assert distance.min() > 0


def test_views_are_shuffled_and_their_sides_told(drawn):
    made = drawn["set"]
    assert torch.equal(made.side, sides(made.cameras))
    assert len(set(made.side.flatten().tolist())) > 1


@pytest.mark.parametrize(
    ("azimuth", "side"),
    [(0, "front"), (19, "front"), (-19, "front"), (21, "right"), (89, "right"), (-21, "left"), (-89, "left"),
     (91, "back"), (-91, "back"), (180, "back")],
)  # fmt: skip
def test_hand_cases_of_the_side(azimuth, side):
    """Azimuths in degrees round a subject at the origin, positive to the right."""
    cameras = look_at(torch.tensor([float(azimuth)]), torch.tensor([10.0]), torch.tensor([2.0]), torch.zeros(3), 1.0)
    assert SIDES[sides(cameras)[0]] == side


@pytest.mark.parametrize("name", COLOURS)
def test_a_flat_image_has_the_colour_that_it_is(name):
    images = (torch.tensor(COLOURS[name]) * 255).round().to(torch.uint8)[:, None, None].expand(1, 1, 2, 3, 128, 128)
    assert list(COLOURS)[dominant_colour(images).item()] == name


def test_the_colour_is_the_commonest_in_the_middle_of_the_first_view():
    names = list(COLOURS)
    images = torch.zeros(1, 2, 2, 3, 128, 128, dtype=torch.uint8)

    def paint(state, view, name, rows=slice(None), columns=slice(None)):
        images[0, state, view, :, rows, columns] = (torch.tensor(COLOURS[name]) * 255)[:, None, None].to(torch.uint8)

    paint(0, 0, "blue")  # all around
    paint(0, 0, "green", slice(24, 104), slice(40, 88))  # the middle
    paint(0, 0, "red", slice(24, 60), slice(40, 88))  # its smaller part
    paint(0, 1, "white")  # another view
    paint(1, 0, "pink")
    assert [names[i] for i in dominant_colour(images)[0]] == ["green", "pink"]
