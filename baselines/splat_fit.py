"""Fitting splats to a few posed views: Adam on one view a step (arXiv 2308.04079), the number of splats fixed.

Poses are as given. No splats are grown: with a few views a dense start is cheap, and time and memory are known.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from baselines.fit_cache import FitCache
from baselines.losses import dssim, l1, psnr
from baselines.points import extent, initial_points
from baselines.splats import Rasteriser, Splats, splats_at
from mix2mix.cameras import Cameras
from mix2mix.replay import clock
from mix2mix.scene import Scene
from mix2mix.teacher import resize


@dataclass(frozen=True)
class Rates:
    """Adam's learning rates. Positions' fall exponentially from `means` to `last_means`, both times the extent."""

    means: float
    last_means: float
    constant: float
    linear: float
    opacities: float
    scales: float
    rotations: float


@dataclass(frozen=True)
class FitSettings:
    """How splats are fitted to a scene's own views, once, before any edit."""

    splats: int
    """How many, from first to last."""
    points: Literal["random", "triangulated"]
    """Where they begin: random in the views' frusta, or there after what can be triangulated."""
    rasteriser: Literal["dense", "gsplat"]
    """What draws them, when fitting and editing."""
    render_size: int
    """Pixels of the square pictures drawn, when fitting and editing."""
    fit_steps: int
    rates: Rates


PUBLISHED_RATES = Rates(
    means=1.6e-4, last_means=1.6e-6, constant=2.5e-3, linear=1.25e-4, opacities=0.05, scales=5e-3, rotations=1e-3
)
"""Of splatfacto, which Instruct-GS2GS keeps while editing."""

SHORT_RATES = Rates(
    means=3.2e-3, last_means=3.2e-5, constant=2e-2, linear=1e-3, opacities=0.05, scales=2e-2, rotations=4e-3
)
"""For hundreds of steps or a few thousand, on small pictures."""

FITS = {
    "paper": FitSettings(100_000, "triangulated", "gsplat", render_size=512, fit_steps=20_000, rates=PUBLISHED_RATES),
    "mini": FitSettings(4000, "random", "dense", render_size=128, fit_steps=2000, rates=SHORT_RATES),
}
"""By bundle."""


class Training:
    """Splats that are being optimised against targets in the scene's own cameras."""

    def __init__(
        self, splats: Splats, cameras: Cameras, size: int, rasterise: Rasteriser, rates: Rates, steps: int
    ) -> None:
        self.splats = splats.map(lambda value: value.detach().clone().requires_grad_())
        self.cameras = cameras
        self.size = size
        self.renders = 0
        """Pictures drawn so far."""
        self._rasterise = rasterise
        unit = extent(cameras)
        rate_of = [
            (self.splats.means, rates.means * unit), (self.splats.log_scales, rates.scales),
            (self.splats.quaternions, rates.rotations), (self.splats.logits, rates.opacities),
            (self.splats.constant, rates.constant), (self.splats.linear, rates.linear),
        ]  # fmt: skip
        self._optimiser = torch.optim.Adam([{"params": [value], "lr": rate} for value, rate in rate_of], eps=1e-15)
        self._decay = (rates.last_means / rates.means) ** (1 / steps)

    def render(self, view: int) -> Tensor:
        """The view's picture [3, size, size], with gradients to the splats."""
        self.renders += 1
        background = torch.zeros(3, device=self.splats.means.device)
        return self._rasterise(self.splats, self.cameras[view : view + 1], self.size, background)

    @torch.no_grad()
    def render_all(self) -> Tensor:
        """All views' pictures [N, 3, size, size] in [0, 1]."""
        return torch.stack([self.render(view) for view in range(len(self.cameras))]).clamp(0, 1)

    def descend(self, loss: Tensor) -> None:
        """One step of Adam down a loss []."""
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        self._optimiser.param_groups[0]["lr"] *= self._decay


def photo_loss(image: Tensor, target: Tensor) -> Tensor:
    """0.8 L1 + 0.2 (1 - SSIM) [] of pictures [3, H, W] (arXiv 2308.04079)."""
    return 0.8 * l1(image, target) + 0.2 * dssim(image, target)


@dataclass(frozen=True, eq=False)
class Fit:
    """Splats fitted to a scene: with what points, how well (dB over the scene's own views), in what time."""

    splats: Splats
    triangulated: int
    """How many of the first points were triangulated; the others were random."""
    psnr: float
    seconds: float


def fit_splats(
    scene: Scene,
    settings: FitSettings,
    seed: int,
    rasterise: Rasteriser,
    device: str,
    on_step: Callable[[int], None],
) -> Fit:
    """Fit splats to the scene's views, each step to one of them at random; the same for the same seed."""
    start = clock(device)
    generator = torch.Generator().manual_seed(seed)
    points, colours, triangulated = initial_points(scene, settings.splats, settings.points, generator)
    targets = resize(scene.images.to(device), settings.render_size, settings.render_size)
    training = Training(
        splats_at(points.to(device), colours.to(device)),
        scene.cameras.to(device),
        settings.render_size,
        rasterise,
        settings.rates,
        settings.fit_steps,
    )
    for step in range(settings.fit_steps):
        view = int(torch.randint(len(targets), (), generator=generator))
        training.descend(photo_loss(training.render(view), targets[view]))
        on_step(step + 1)
    quality = psnr(training.render_all(), targets)
    return Fit(training.splats.map(Tensor.detach), triangulated, quality, clock(device) - start)


_CACHE: FitCache[Fit] = FitCache()


def shared_fit(
    scene: Scene,
    settings: FitSettings,
    seed: int,
    rasterise: Rasteriser,
    device: str,
    on_step: Callable[[int], None],
) -> tuple[Fit, bool]:
    """The fit, and whether it is one that this process made before: methods on splats begin from the same ones."""
    how = f"{settings} {seed} {device}"
    return _CACHE.get(scene, how, lambda: fit_splats(scene, settings, seed, rasterise, device, on_step))
