"""What a scene family is: identities to draw from, a sculptor for the original and its edits, and a camera rig."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mix2mix.cameras import Cameras, intrinsics
from mix2mix.mini.rendering import Light
from mix2mix.mini.shapes import Primitives

Identity = Mapping[str, Tensor]
"""The features of B individuals by name, each [B] or [B, 3]: sizes, colours, pose."""

LOOKS = 12
"""Uniform numbers in [0, 1] that one draw of an edit's appearance consumes at most."""


@dataclass(frozen=True)
class Rig:
    """Where a family's cameras stand: around `target` on the vertical axis, looking at it.

    Azimuths in degrees, 0 in front (+z), positive to the right; `distance` in metres; `focal` normalised by image size.
    `held_out` are the azimuths of the benchmark's eight views, the first four of which are its sparse set. In training,
    `far` of eight views stand anywhere in `far_range` (either side), the others within +-`spread`.
    """

    target: tuple[float, float, float]
    distance: float
    focal: float
    elevation: tuple[float, float]
    held_out: tuple[float, ...]
    spread: float
    far: int = 0
    far_range: tuple[float, float] = (110.0, 150.0)


@dataclass(frozen=True)
class Family:
    """A family of scenes (Face, Bear, Person).

    `sample(generator, batch)` draws identities; `held_out` is the benchmark's own (batch 1), never drawn in training.
    `sculpt(identity, instruction, look)` makes the primitives of the original (instruction None) or of an edit: their
    geometry is a function of identity and instruction alone, their appearance also of `look` [B, LOOKS].
    """

    name: str
    original_prompt: str
    instructions: tuple[str, ...]
    rig: Rig
    sample: Callable[[torch.Generator, int], Identity]
    held_out: Callable[[], Identity]
    sculpt: Callable[[Identity, str | None, Tensor], Primitives]


def uniform(generator: torch.Generator, batch: int, low: float, high: float) -> Tensor:
    """Uniform numbers [B] in [low, high)."""
    return low + (high - low) * torch.rand(batch, generator=generator)


def colour_near(
    generator: torch.Generator, batch: int, rgb: tuple[float, float, float], spread: float = 0.06
) -> Tensor:
    """Colours [B, 3] around one."""
    return (torch.tensor(rgb) + spread * (2 * torch.rand(batch, 3, generator=generator) - 1)).clamp(0, 1)


def hue(value: Tensor, saturation: float = 0.75, brightness: float = 0.85) -> Tensor:
    """Colours [B, 3] of hues [B] in [0, 1): red, green and blue a third apart."""
    phase = (value[:, None] + torch.tensor([0.0, 2 / 3, 1 / 3])) * 6 % 6
    ramp = torch.clamp((phase - 3).abs() - 1, 0, 1)
    return brightness * (1 - saturation + saturation * ramp)


def blend(
    first: Tensor | tuple[float, float, float], second: Tensor | tuple[float, float, float], share: Tensor
) -> Tensor:
    """Colours [B, 3] between two, by a share [B] of the second."""
    return torch.lerp(torch.as_tensor(first), torch.as_tensor(second), share[:, None])


def sample_light(generator: torch.Generator, batch: int) -> Light:
    """A light from the upper front, anywhere within about 50 degrees of it."""
    x, y = uniform(generator, batch, -0.8, 0.8), uniform(generator, batch, 0.3, 1.0)
    direction = torch.nn.functional.normalize(torch.stack([x, y, torch.ones(batch)], -1), dim=-1)
    sky = colour_near(generator, batch, (0.70, 0.82, 0.93), 0.04)
    return Light(direction, uniform(generator, batch, 0.45, 0.6), sky)


def held_out_light() -> Light:
    """The benchmark's light."""
    direction = torch.nn.functional.normalize(torch.tensor([[0.45, 0.7, 1.0]]), dim=-1)
    return Light(direction, torch.tensor([0.52]), torch.tensor([[0.70, 0.82, 0.93]]))


def look_at(azimuth: Tensor, elevation: Tensor, distance: Tensor, target: Tensor, focal: float) -> Cameras:
    """Cameras on a sphere round `target` [3]; azimuth and elevation in degrees, all [...] -> Cameras [...]."""
    a, e = torch.deg2rad(azimuth), torch.deg2rad(elevation)
    away = torch.stack([a.sin() * e.cos(), e.sin(), a.cos() * e.cos()], -1)
    forward = -away
    right = torch.nn.functional.normalize(
        torch.linalg.cross(forward, torch.tensor([0.0, 1.0, 0.0]).expand_as(forward)), dim=-1
    )
    down = torch.linalg.cross(forward, right)
    c2w = torch.zeros(*azimuth.shape, 4, 4)
    c2w[..., :3, :3] = torch.stack([right, down, forward], -1)
    c2w[..., :3, 3] = target + distance[..., None] * away
    c2w[..., 3, 3] = 1.0
    f, c = torch.full_like(azimuth, focal), torch.full_like(azimuth, 0.5)
    return Cameras(intrinsics(f, f, c, c), c2w)


def held_out_cameras(rig: Rig, views: int) -> Cameras:
    """The benchmark's first `views` cameras, batch of one scene: [1, views]."""
    azimuth = torch.tensor([rig.held_out[:views]])
    elevation = torch.linspace(*rig.elevation, 8)[torch.tensor([2, 4, 3, 5, 1, 6, 0, 7])][:views][None]
    return look_at(azimuth, elevation, torch.full_like(azimuth, rig.distance), torch.tensor(rig.target), rig.focal)


def sample_cameras(generator: torch.Generator, rig: Rig, batch: int, views: int = 8) -> Cameras:
    """Random cameras [B, views] with the spread of the real data sets, the far ones last.

    What they look at is higher or lower from scene to scene, but on the vertical axis: one view tells how high a
    subject stands, not how far away, so that scatter in depth would make a student guess where the others see it.
    """
    shape = (batch, views)
    azimuth = rig.spread * (2 * torch.rand(shape, generator=generator) - 1)
    side = torch.randint(0, 2, (batch, 1), generator=generator) * 2.0 - 1
    far = rig.far_range[0] + (rig.far_range[1] - rig.far_range[0]) * torch.rand(shape, generator=generator)
    azimuth = torch.where(torch.arange(views) >= views - rig.far, side * far, azimuth)
    low, high = rig.elevation
    elevation = low + (high - low) * torch.rand(shape, generator=generator)
    distance = rig.distance * (0.93 + 0.14 * torch.rand(shape, generator=generator))
    height = 0.02 * rig.distance * (2 * torch.rand(batch, 1, 1, generator=generator) - 1)
    target = torch.tensor(rig.target) + height * torch.tensor([0.0, 1.0, 0.0])
    return look_at(azimuth, elevation, distance, target, rig.focal)
