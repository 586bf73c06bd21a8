"""The Bear family: what every edit of the stone bear keeps, and what it draws anew."""

from dataclasses import fields
from itertools import combinations

import pytest
import torch
from torch import Tensor

from mix2mix.mini.bear import BEAR
from mix2mix.mini.family import LOOKS, held_out_cameras, held_out_light
from mix2mix.mini.rendering import geometry, render
from mix2mix.mini.shapes import Primitives

SIZE = 64
VISIBLE = 0.05
FAR = 3
GEOMETRY = ("rotation", "centre", "size", "low", "high", "conic", "pattern", "subject")
CAMERAS = held_out_cameras(BEAR.rig, 4)


def look(seed: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, LOOKS, generator=torch.Generator().manual_seed(seed))


def held_out(instruction: str | None, seed: int = 0) -> Primitives:
    return BEAR.sculpt(BEAR.held_out(), instruction, look(seed))


def views(primitives: Primitives) -> Tensor:
    return render(primitives, held_out_light(), CAMERAS, SIZE, samples=1)[0]


def subject(primitives: Primitives) -> Tensor:
    index = geometry(primitives, CAMERAS, SIZE)[1][0]
    return primitives.subject[index.clamp(min=0)] & (index >= 0)


def difference(first: Tensor, second: Tensor, where: Tensor) -> float:
    return float((first - second).abs().mean(1)[where].mean())


def test_the_instructions_are_those_of_table_6():
    kinds = ("panda", "polar", "grizzly", "wooden")
    assert BEAR.instructions == tuple(f"Turn the bear to a {kind} bear" for kind in kinds)


@pytest.mark.parametrize("instruction", [None, *BEAR.instructions])
def test_a_batch_of_random_bears_is_finite_and_small(instruction):
    who = BEAR.sample(torch.Generator().manual_seed(1), 3)
    primitives = BEAR.sculpt(who, instruction, look(2, batch=3))
    assert all(torch.isfinite(getattr(primitives, f.name).float()).all() for f in fields(primitives))
    assert primitives.centre.shape[0] == 3
    assert primitives.centre.shape[1] <= 48
    assert (primitives.size > 0).all()
    assert min(primitives.colour.min(), primitives.accent.min()) >= 0
    assert max(primitives.colour.max(), primitives.accent.max()) <= 1


@pytest.mark.parametrize("instruction", BEAR.instructions)
def test_two_looks_share_their_geometry_but_not_their_colours(instruction):
    first, second = held_out(instruction, 0), held_out(instruction, 1)
    assert all(torch.equal(getattr(first, name), getattr(second, name)) for name in GEOMETRY)
    assert not torch.equal(first.colour, second.colour)


def test_the_original_has_no_look():
    assert torch.equal(held_out(None, 0).colour, held_out(None, 1).colour)


@pytest.mark.parametrize("instruction", BEAR.instructions)
def test_an_edit_changes_what_one_sees_of_the_bear(instruction):
    edited = held_out(instruction)
    assert difference(views(edited), views(held_out(None)), subject(edited)) > 0.1


@pytest.mark.parametrize("instruction", BEAR.instructions)
def test_slab_and_garden_are_those_of_the_original(instruction):
    edited, original = held_out(instruction), held_out(None)
    for name in ("centre", "size", "colour"):
        kept, before = (getattr(p, name)[0][~p.subject] for p in (edited, original))
        assert torch.equal(kept, before)


def test_independent_draws_disagree():
    def mean_disagreement(instruction: str) -> float:
        where = subject(held_out(instruction))
        drawn = [views(held_out(instruction, seed)) for seed in range(4)]
        pairs = list(combinations(drawn, 2))
        return sum(difference(a, b, where) for a, b in pairs) / len(pairs)

    assert sum(mean_disagreement(instruction) >= VISIBLE for instruction in BEAR.instructions) >= 3


@pytest.mark.parametrize("instruction", [None, *BEAR.instructions])
def test_the_bear_fills_every_view_the_far_one_too(instruction):
    where = subject(held_out(instruction))
    height = where.any(-1).sum(-1) / SIZE
    assert ((height > 0.65) & (height < 0.95)).all()
    assert where[FAR].float().mean() > 0.2
    assert not where[:, 0].any()
    assert not where[:, -1].any()


def test_the_head_shows_from_the_far_view():
    heights = [subject(held_out(i))[FAR].nonzero()[:, 0].min() for i in (None, "Turn the bear to a panda bear")]
    assert all(top < 0.2 * SIZE for top in heights)
