"""The Face family: eight edits whose geometry is fixed and whose appearance is drawn."""

import csv
from functools import cache

import pytest
import torch
from torch import Tensor

from mix2mix.mini.face import FACE
from mix2mix.mini.family import LOOKS, held_out_cameras, held_out_light
from mix2mix.mini.rendering import geometry, render
from mix2mix.mini.shapes import Primitives

SIZE, VIEWS, MOST_PRIMITIVES = 64, 2, 48
PAINTING = "Turn it to a Van Gogh painting"
GEOMETRY = ("rotation", "centre", "size", "low", "high", "conic", "pattern", "subject")


def look(seed: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, LOOKS, generator=torch.Generator().manual_seed(seed))


@cache
def held_out(instruction: str | None, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images [V, 3, H, W] and subject [V, H, W] of the held-out scene."""
    primitives = FACE.sculpt(FACE.held_out(), instruction, look(seed))
    cameras = held_out_cameras(FACE.rig, VIEWS)
    index = geometry(primitives, cameras, SIZE)[1][0]
    images = render(primitives, held_out_light(), cameras, SIZE, samples=1)[0]
    return images, primitives.subject[index.clamp(min=0)] & (index >= 0)


def difference(first: Tensor, second: Tensor, subject: Tensor) -> float:
    return (first - second).abs().mean(1)[subject].mean().item()


def sculpt(instruction: str | None, seed: int) -> Primitives:
    identity = FACE.sample(torch.Generator().manual_seed(7), 3)
    return FACE.sculpt(identity, instruction, look(seed, 3))


def test_instructions_are_those_of_table_6(shared):
    with (shared / "paper" / "table6.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scene"] == "Face"]
    assert FACE.instructions == tuple(row["edit_prompt"] for row in rows)
    assert {row["original_prompt"] for row in rows} == {FACE.original_prompt}


@pytest.mark.parametrize("instruction", [None, *FACE.instructions])
def test_a_batch_is_sculpted_from_few_finite_primitives(instruction):
    primitives = sculpt(instruction, seed=0)
    assert primitives.colour.shape[0] == 3
    assert primitives.colour.shape[1] <= MOST_PRIMITIVES
    assert all(torch.isfinite(value).all() for value in vars(primitives).values())
    assert (primitives.size > 0).all()


@pytest.mark.parametrize("instruction", FACE.instructions)
def test_two_draws_share_geometry_and_differ_in_colour(instruction):
    first, second = sculpt(instruction, seed=0), sculpt(instruction, seed=1)
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in GEOMETRY)
    assert not torch.equal(first.colour, second.colour)


def test_the_original_does_not_depend_on_the_look():
    first, second = sculpt(None, seed=0), sculpt(None, seed=1)
    assert all(torch.equal(value, vars(second)[name]) for name, value in vars(first).items())


@pytest.mark.parametrize("instruction", FACE.instructions)
def test_an_edit_changes_the_subject_visibly(instruction):
    images, subject = held_out(instruction)
    assert difference(images, held_out(None)[0], subject) > 0.04


def test_independent_draws_disagree_visibly():
    bar, seeds = 0.05, range(4)
    draws = {edit: [held_out(edit, seed) for seed in seeds] for edit in FACE.instructions}
    mean = {
        edit: sum(difference(views[a][0], views[b][0], views[a][1]) for a in seeds for b in range(a)) / 6
        for edit, views in draws.items()
    }
    assert sum(value >= bar for value in mean.values()) >= 7, mean


def test_the_man_fills_the_frame_before_the_wall():
    subject = held_out(None)[1]
    assert 0.35 < subject.float().mean() < 0.7
    rows = subject.any(-1).float().mean(-1)
    assert (rows > 0.75).all()


def test_a_painting_repaints_every_pixel():
    assert held_out(PAINTING)[1].all()
    assert sculpt(PAINTING, seed=0).subject.all()
