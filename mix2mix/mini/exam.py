"""Scenes that training never draws, before and after an edit, with their truth: what the mini bundle is examined on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mix2mix.cameras import Cameras
from mix2mix.edit import Edit
from mix2mix.mini.family import LOOKS, Family, held_out_cameras, sample_light
from mix2mix.mini.rendering import Light, geometry, render
from mix2mix.mini.shapes import Primitives
from mix2mix.mini.world import FAMILIES, IMAGE_SIZE, Truth
from mix2mix.scene import Scene

_FIRST_SEED = 10**12
"""Training seeds its chunks of scenes from 0; its own seeds would have to pass a million to come this far."""


@dataclass(frozen=True)
class State:
    """N views [N, 3, 128, 128] in [0, 1] of a scene, original or edited, and the geometry that they show."""

    images: Tensor
    truth: Truth


@dataclass(frozen=True)
class Exam:
    """One individual of a family, seen by the benchmark's first N cameras, and one draw of one edit of it."""

    family: str
    edit: Edit
    cameras: Cameras
    original: State
    edited: State

    def scene(self, state: State) -> Scene:
        """One of its states as a scene."""
        return Scene(self.family, state.images, self.cameras, tuple(f"view_{i}" for i in range(len(state.images))))


def draw_exams(edits: Mapping[str, Sequence[Edit]], individuals: int, views: int = 4, every: int = 1) -> Iterator[Exam]:
    """`individuals` exams for each edit of the catalogue (by family), each of a new individual; always the same.

    Of all these, every so-manieth is drawn.
    """
    rows = [(family, edit) for family, group in edits.items() for edit in group for _ in range(individuals)]
    for number, (family, edit) in list(enumerate(rows))[::every]:
        generator = torch.Generator().manual_seed(_FIRST_SEED + number)
        yield _draw(FAMILIES[family], edit, generator, views)


def _draw(family: Family, edit: Edit, generator: torch.Generator, views: int) -> Exam:
    identity, light = family.sample(generator, 1), sample_light(generator, 1)
    cameras = held_out_cameras(family.rig, views)
    original, edited = (
        _state(family.sculpt(identity, instruction, torch.rand(1, LOOKS, generator=generator)), light, cameras)
        for instruction in (None, edit.instruction)
    )
    return Exam(family.name, edit, Cameras(cameras.K[0], cameras.c2w[0]), original, edited)


def _state(primitives: Primitives, light: Light, cameras: Cameras) -> State:
    views = cameras.K.shape[1]
    images = torch.cat([render(primitives, light, cameras[i : i + 1], IMAGE_SIZE)[0] for i in range(views)])
    depth, index = geometry(primitives, cameras, IMAGE_SIZE)
    return State(images, Truth(depth[0], (primitives.subject[index.clamp(min=0)] & (index >= 0))[0]))
