"""The miniature world's registry: three families, their held-out scenes, oracle edits and true geometry."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mix2mix.cameras import Cameras
from mix2mix.errors import InputError
from mix2mix.mini.bear import BEAR
from mix2mix.mini.face import FACE
from mix2mix.mini.family import LOOKS, Family, held_out_cameras, held_out_light
from mix2mix.mini.person import PERSON
from mix2mix.mini.rendering import geometry, render
from mix2mix.mini.shapes import Primitives
from mix2mix.scene import Scene

FAMILIES: dict[str, Family] = {family.name: family for family in (FACE, BEAR, PERSON)}
IMAGE_SIZE = 128
"""Pixels of the square pictures that the mini bundle knows. The world itself has any size."""

MOST_VIEWS = 8


@dataclass(frozen=True)
class Truth:
    """True geometry of N views: `depth` [N, H, W] along z (inf where nothing), `subject` [N, H, W] bool."""

    depth: Tensor
    subject: Tensor


def held_out_scene(name: str, views: int = 4, size: int = IMAGE_SIZE) -> Scene:
    """The benchmark's scene of a family: `views` (2 .. 8) posed images [N, 3, size, size]; InputError for others."""
    cameras = held_out_cameras(_family(name, views).rig, views)
    frames = tuple(f"view_{i}" for i in range(views))
    return Scene(name, _draw(name, None, 0, views, size), Cameras(cameras.K[0], cameras.c2w[0]), frames)


def render_edit(name: str, instruction: str, seed: int, views: int = 4, size: int = IMAGE_SIZE) -> Tensor:
    """One draw of an edit of the held-out scene, rendered in all views: [N, 3, size, size]."""
    return _draw(name, instruction, seed, views, size)


def truth(name: str, instruction: str | None, views: int = 4, size: int = IMAGE_SIZE) -> Truth:
    """The geometry of the held-out scene, edited (or not: None); an edit that repaints all makes all the subject."""
    family = _family(name, views)
    cameras, primitives = held_out_cameras(family.rig, views), _held_out(family, instruction, seed=0)
    seen = [geometry(primitives, cameras[i : i + 1], size) for i in range(views)]
    depth, index = (torch.cat(parts, dim=1)[0] for parts in zip(*seen, strict=True))
    return Truth(depth, primitives.subject[index.clamp(min=0)] & (index >= 0))


def _draw(name: str, instruction: str | None, seed: int, views: int, size: int) -> Tensor:
    family = _family(name, views)
    cameras = held_out_cameras(family.rig, views)
    primitives, light = _held_out(family, instruction, seed), held_out_light()
    return torch.cat([render(primitives, light, cameras[i : i + 1], size)[0] for i in range(views)])


def _held_out(family: Family, instruction: str | None, seed: int) -> Primitives:
    if instruction is not None and instruction not in family.instructions:
        raise InputError(
            f"edit of the miniature scene '{family.name}'",
            got=repr(instruction),
            expected=f"one of {family.instructions}",
            fix="See `mix2mix list edits`; the miniature world knows the edits of Table 6 only.",
        )  # fmt: skip
    look = torch.rand(1, LOOKS, generator=torch.Generator().manual_seed(seed))
    return family.sculpt(family.held_out(), instruction, look)


def _family(name: str, views: int) -> Family:
    if name not in FAMILIES:
        raise InputError(
            "built-in scene", got=repr(name), expected=f"one of {tuple(FAMILIES)}", fix="See `mix2mix list scenes`."
        )
    if not 2 <= views <= MOST_VIEWS:
        raise InputError(
            f"views of scene '{name}'", got=views, expected=f"2 to {MOST_VIEWS}", fix="Ask for fewer or more."
        )
    return FAMILIES[name]
