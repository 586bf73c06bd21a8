"""Procedural patterns in object coordinates: how much of the accent colour shows at a point of a surface."""

from collections.abc import Callable

import torch
from torch import Tensor

from mix2mix.mini.shapes import PATTERNS

_WAVES = torch.tensor([[1.0, 0.6, -0.8], [-0.7, 1.1, 0.5], [0.5, -0.9, 1.2], [1.3, 0.4, 0.9], [-0.4, 1.5, -1.1]])
_SHIFTS = torch.tensor([0.3, 1.7, 2.9, 4.1, 5.3])


def noise(p: Tensor, phase: Tensor) -> Tensor:
    """Smooth noise in about [-1, 1] at points [..., 3] (a sum of plane waves), shifted by `phase` [...]."""
    waves, shifts = _WAVES.to(p.device, non_blocking=True), _SHIFTS.to(p.device, non_blocking=True)
    return torch.sin(p @ waves.T * torch.pi + shifts * (1 + phase[..., None])).mean(-1) * 1.6


def _step(x: Tensor, width: float) -> Tensor:
    """A soft step at zero: 0 below -width, 1 above width."""
    return torch.clamp(x / (2 * width) + 0.5, 0, 1)


def _stripes(p: Tensor, phase: Tensor) -> Tensor:
    return _step(torch.sin(2 * torch.pi * p[..., 1] + phase), 0.25)


def _checks(p: Tensor, phase: Tensor) -> Tensor:
    waves = torch.sin(2 * torch.pi * p + phase[..., None])
    return _step(waves[..., 0] * waves[..., 1], 0.2)


def _patches(p: Tensor, phase: Tensor) -> Tensor:
    return _step(noise(p, phase), 0.12)


def _speckle(p: Tensor, phase: Tensor) -> Tensor:
    return torch.clamp(0.5 + 0.5 * noise(p, phase), 0, 1)


def _wood(p: Tensor, phase: Tensor) -> Tensor:
    radius = torch.sqrt(p[..., 0] ** 2 + p[..., 2] ** 2 + 1e-6) + 0.25 * noise(0.4 * p, phase) + 0.15 * p[..., 1]
    return 0.5 + 0.5 * torch.sin(2 * torch.pi * radius + phase)


def _marble(p: Tensor, phase: Tensor) -> Tensor:
    return (1 - torch.abs(torch.sin(torch.pi * (p[..., 0] + p[..., 1] + 0.7 * noise(0.7 * p, phase))))) ** 3


def _plates(p: Tensor, phase: Tensor) -> Tensor:
    seams = torch.cos(2 * torch.pi * p[..., :2] + phase[..., None])
    return _step(seams.amax(-1) - 0.88, 0.08)


def _diamonds(p: Tensor, phase: Tensor) -> Tensor:
    across = torch.sin(2 * torch.pi * (p[..., 0] + p[..., 1]) + phase)
    return _step(across * torch.sin(2 * torch.pi * (p[..., 0] - p[..., 1]) + phase), 0.2)


def _brush(p: Tensor, phase: Tensor) -> Tensor:
    across = p[..., 1] + 0.35 * p[..., 0] + 1.3 * noise(0.22 * p, phase)
    along = 0.4 * (p[..., 0] + p[..., 2] - 0.35 * p[..., 1]) + 0.4 * torch.sin(torch.pi * across + phase)
    return _step(torch.sin(2 * torch.pi * across) + 0.9 * torch.sin(2 * torch.pi * along), 0.5)


def _gradient(p: Tensor, phase: Tensor) -> Tensor:
    return torch.clamp(0.5 + p[..., 1] + phase, 0, 1)


def _halves(p: Tensor, phase: Tensor) -> Tensor:
    return _step(p[..., 0] + phase, 0.05)


def _dots(p: Tensor, phase: Tensor) -> Tensor:
    waves = torch.cos(2 * torch.pi * p[..., :2] + phase[..., None])
    return _step(waves.sum(-1) - 1.0, 0.2)


def _curls(p: Tensor, phase: Tensor) -> Tensor:
    waves = torch.sin(2 * torch.pi * p + 1.5 * torch.sin(2 * torch.pi * p.roll(1, -1) * 0.7 + phase[..., None]))
    return _step(waves.sum(-1) * 0.5, 0.5)


_FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "stripes": _stripes, "checks": _checks, "patches": _patches, "speckle": _speckle, "wood": _wood, "marble": _marble,
    "plates": _plates, "diamonds": _diamonds, "brush": _brush, "gradient": _gradient, "halves": _halves, "dots": _dots,
    "curls": _curls,
}  # fmt: skip


def accent_share(pattern: Tensor, points: Tensor, frequency: Tensor, phase: Tensor) -> Tensor:
    """Share of the accent colour [...] in [0, 1] at object points [..., 3] in metres, for pattern indices [...]."""
    scaled = points * frequency[..., None]
    share = torch.zeros_like(phase)
    for index, name in enumerate(PATTERNS):
        if name in _FUNCTIONS:
            share = torch.where(pattern == index, _FUNCTIONS[name](scaled, phase), share)
    return share
