"""The Person family: what every edit of the standing man keeps, and what it draws anew."""

from dataclasses import fields
from itertools import combinations

import pytest
import torch
from torch import Tensor

from mix2mix.mini.family import LOOKS, held_out_cameras, held_out_light
from mix2mix.mini.person import PERSON
from mix2mix.mini.rendering import geometry, render
from mix2mix.mini.shapes import Primitives

SIZE = 64
VISIBLE = 0.05
GEOMETRY = ("rotation", "centre", "size", "low", "high", "conic", "pattern", "subject")
CAMERAS = held_out_cameras(PERSON.rig, 2)


def look(seed: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, LOOKS, generator=torch.Generator().manual_seed(seed))


def held_out(instruction: str | None, seed: int = 0) -> Primitives:
    return PERSON.sculpt(PERSON.held_out(), instruction, look(seed))


def views(primitives: Primitives) -> Tensor:
    return render(primitives, held_out_light(), CAMERAS, SIZE, samples=1)


def subject(primitives: Primitives) -> Tensor:
    index = geometry(primitives, CAMERAS, SIZE)[1]
    return primitives.subject[index.clamp(min=0)] & (index >= 0)


def difference(first: Tensor, second: Tensor, where: Tensor) -> float:
    return float((first - second).abs().mean(2)[where].mean())


def test_the_instructions_are_those_of_table_6():
    assert PERSON.instructions == (
        "Turn him into Iron Man", "Turn the man into a robot", "Make him in a suit", "Turn him into a clown",
        "Make him into a marble statue", "Turn him into a cowboy with a hat", "Turn him into a soldier",
        "Turn him into a knight",
    )  # fmt: skip


@pytest.mark.parametrize("instruction", [None, *PERSON.instructions])
def test_a_batch_of_random_men_is_finite_and_small(instruction):
    who = PERSON.sample(torch.Generator().manual_seed(1), 3)
    primitives = PERSON.sculpt(who, instruction, look(2, batch=3))
    assert all(torch.isfinite(getattr(primitives, f.name).float()).all() for f in fields(primitives))
    assert primitives.centre.shape[0] == 3
    assert primitives.centre.shape[1] <= 48
    assert (primitives.size > 0).all()
    assert primitives.colour.min() >= 0
    assert primitives.colour.max() <= 1


@pytest.mark.parametrize("instruction", PERSON.instructions)
def test_two_looks_share_their_geometry_but_not_their_colours(instruction):
    first, second = held_out(instruction, 0), held_out(instruction, 1)
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in GEOMETRY)
    assert not torch.equal(first.colour, second.colour)


def test_the_original_has_no_look():
    assert torch.equal(views(held_out(None, 0)), views(held_out(None, 1)))


@pytest.mark.parametrize("instruction", PERSON.instructions)
def test_an_edit_changes_what_one_sees_of_the_man(instruction):
    edited = held_out(instruction)
    assert difference(views(edited), views(held_out(None)), subject(edited)) > 0.1


def test_independent_draws_disagree():
    def mean_disagreement(instruction: str) -> float:
        where = subject(held_out(instruction))
        drawn = [views(held_out(instruction, seed)) for seed in range(3)]
        pairs = list(combinations(drawn, 2))
        return sum(difference(a, b, where) for a, b in pairs) / len(pairs)

    assert sum(mean_disagreement(instruction) >= VISIBLE for instruction in PERSON.instructions) >= 7


def test_the_whole_man_is_in_every_view_and_fills_it():
    rows = subject(held_out(None)).any(-1)[0]
    assert not rows[:, 0].any()
    assert not rows[:, -1].any()
    assert ((rows.sum(-1) / SIZE > 0.8) & (rows.sum(-1) / SIZE < 0.95)).all()
