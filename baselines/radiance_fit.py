"""Fitting a radiance field to a few posed views, by Adam on rays drawn from all of them (nerfacto, arXiv 2302.04264).

Poses are as given, and no view has an appearance of its own: either would take up what views disagree on.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from baselines.fit_cache import FitCache
from baselines.losses import psnr
from baselines.radiance_field import FieldShape, Proposal, RadianceField
from baselines.radiance_hash import GridShape
from baselines.radiance_rendering import distortion
from baselines.radiance_sampling import interlevel
from baselines.radiance_space import centred
from mix2mix.cameras import Cameras, camera_rays
from mix2mix.replay import clock
from mix2mix.scene import Scene
from mix2mix.teacher import resize

DISTORTION = 0.002
"""Weight of `distortion` beside the pictures' loss; that of `interlevel` is 1."""

RAYS_AT_ONCE = 2**15
"""Of a picture: bounds the memory that drawing one takes."""


@dataclass(frozen=True)
class Rate:
    """Adam's learning rate, falling exponentially over the steps."""

    first: float
    last: float


PUBLISHED_RATE = Rate(1e-2, 1e-4)
SHORT_RATE = Rate(1e-2, 1e-3)
"""For hundreds of steps or a few thousand."""


@dataclass(frozen=True)
class FitSettings:
    """How a field is fitted to a scene's own views, once, before any edit."""

    shape: FieldShape
    render_size: int
    """Pixels of the square pictures, when fitting and editing."""
    fit_steps: int
    rays: int
    """Of each step."""
    rate: Rate


_NERFACTO = FieldShape(
    GridShape(levels=16, coarsest=16, finest=2048, log2_entries=19),
    width=64,
    samples=48,
    proposals=(Proposal(GridShape(5, 16, 128, 17), 256), Proposal(GridShape(5, 16, 256, 17), 96)),
)
_SMALL = FieldShape(
    GridShape(levels=6, coarsest=12, finest=256, log2_entries=15),
    width=32,
    samples=16,
    proposals=(Proposal(GridShape(3, 12, 64, 15), 32),),
)

FITS = {
    "paper": FitSettings(_NERFACTO, render_size=512, fit_steps=30_000, rays=4096, rate=PUBLISHED_RATE),
    "mini": FitSettings(_SMALL, render_size=128, fit_steps=3000, rays=512, rate=SHORT_RATE),
}
"""By bundle."""


class Training:
    """A field that is being optimised towards targets in the scene's own cameras; randomness lives on the device."""

    def __init__(self, field: RadianceField, cameras: Cameras, size: int, rate: Rate, steps: int, seed: int) -> None:
        self.field = deepcopy(field)
        self.size = size
        self.renders = 0
        """Whole pictures drawn so far."""
        self._origins, self._directions = view_rays(cameras, size)
        self.generator = torch.Generator(cameras.c2w.device).manual_seed(seed)
        self._optimiser = torch.optim.Adam(self.field.parameters(), lr=rate.first, eps=1e-15, fused=True)
        self._decay = (rate.last / rate.first) ** (1 / steps)

    def descend(self, rays: Tensor, loss: Callable[[Tensor], Tensor]) -> None:
        """One step of Adam down the loss of the colours [R, 3] of rays [R], counted through all views' pixels."""
        jitter = torch.rand(len(rays), len(self.field.samples), device=rays.device, generator=self.generator)
        traced = self.field(self._origins.flatten(0, 1)[rays], self._directions.flatten(0, 1)[rays], jitter)
        *coarse, fine = traced.passes
        total = loss(traced.colours) + DISTORTION * distortion(*fine) + sum(interlevel(*fine, *one) for one in coarse)
        self._optimiser.zero_grad(set_to_none=True)
        total.backward()
        self._optimiser.step()
        self._optimiser.param_groups[0]["lr"] *= self._decay

    def render(self, view: int) -> Tensor:
        """The view's picture [3, size, size] in [0, 1]."""
        self.renders += 1
        colours = draw(self.field, self._origins[view], self._directions[view])
        return colours.mT.reshape(3, self.size, self.size)


@torch.no_grad()
def draw(field: RadianceField, origins: Tensor, directions: Tensor) -> Tensor:
    """Colours [R, 3] of rays, without jitter."""
    parts = zip(origins.split(RAYS_AT_ONCE), directions.split(RAYS_AT_ONCE), strict=True)
    middle = origins.new_full((RAYS_AT_ONCE, len(field.samples)), 0.5)
    return torch.cat([field(origin, towards, middle[: len(origin)]).colours for origin, towards in parts])


def draw_views(field: RadianceField, cameras: Cameras, size: int) -> Tensor:
    """Pictures [N, 3, size, size] in [0, 1] of what the scene's cameras [N] see of a field."""
    origins, directions = view_rays(cameras, size)
    colours = draw(field, origins.flatten(0, 1), directions.flatten(0, 1))
    return colours.reshape(len(cameras), size, size, 3).permute(0, 3, 1, 2).contiguous()


def view_rays(cameras: Cameras, size: int) -> tuple[Tensor, Tensor]:
    """Origins and unit directions [N, size * size, 3] of the rays of cameras [N], in the field's world."""
    origins, directions = camera_rays(centred(cameras), size, size)
    directions = torch.nn.functional.normalize(directions, dim=-1).flatten(1, 2)
    return origins[:, None].expand_as(directions).contiguous(), directions


def pixels_of(images: Tensor) -> Tensor:
    """Colours [N * H * W, 3] of pictures [N, 3, H, W], in the order in which `Training` counts rays."""
    return images.permute(0, 2, 3, 1).flatten(0, 2)


@dataclass(frozen=True, eq=False)
class Fit:
    """A field fitted to a scene: how well (dB over the scene's own views), and in what time."""

    field: RadianceField
    psnr: float
    seconds: float


def fit_field(scene: Scene, settings: FitSettings, seed: int, device: str, on_step: Callable[[int], None]) -> Fit:
    """Fit a field to the scene's views by the squares of differences; on a CPU the same for the same seed."""
    start = clock(device)
    size = settings.render_size
    field = RadianceField(settings.shape, torch.Generator().manual_seed(seed)).to(device)
    training = Training(field, scene.cameras.to(device), size, settings.rate, settings.fit_steps, seed)
    targets = resize(scene.images.to(device), size, size)
    pixels = pixels_of(targets)
    for step in range(settings.fit_steps):
        rays = torch.randint(len(pixels), (settings.rays,), device=device, generator=training.generator)
        training.descend(rays, partial(torch.nn.functional.mse_loss, target=pixels[rays]))
        on_step(step + 1)
    training.field.zero_grad(set_to_none=True)
    quality = psnr(draw_views(training.field, scene.cameras.to(device), size), targets)
    return Fit(training.field, quality, clock(device) - start)


_CACHE: FitCache[Fit] = FitCache()


def shared_fit(
    scene: Scene, settings: FitSettings, seed: int, device: str, on_step: Callable[[int], None]
) -> tuple[Fit, bool]:
    """The fit, and whether it is one that this process made before, for another edit of the scene."""
    how = f"{settings} {seed} {device}"
    return _CACHE.get(scene, how, lambda: fit_field(scene, settings, seed, device, on_step))
