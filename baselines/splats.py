"""A Gaussian-splat scene (arXiv 2308.04079): soft ellipsoids whose colour varies slowly with the direction of view.

Each quantity is kept in the form in which it is optimised: scales as logarithms, opacities as logits, rotations as
quaternions of any length, colours as spherical harmonics of degree 1. Any rasteriser draws them through one interface.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from mix2mix.cameras import Cameras

SH_0 = 0.28209479177387814
"""The constant spherical harmonic, sqrt(1 / 4 pi)."""

SH_1 = 0.4886025119029199
"""Factor of the linear ones, sqrt(3 / 4 pi)."""

FIRST_OPACITY = 0.1
"""Of splats that nothing has been fitted to yet."""

_NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class Splats:
    """G splats in the scene's world.

    means [G, 3]; log_scales [G, 3], standard deviations along their own axes; quaternions [G, 4] (w, x, y, z), from
    own axes to the world; logits [G] of opacities; constant [G, 3] and linear [G, 3, 3] harmonics (y, z, x) of colours.
    """

    means: Tensor
    log_scales: Tensor
    quaternions: Tensor
    logits: Tensor
    constant: Tensor
    linear: Tensor

    def __len__(self) -> int:
        """Number of splats G."""
        return len(self.means)

    @property
    def opacities(self) -> Tensor:
        """In (0, 1), [G]."""
        return self.logits.sigmoid()

    def map(self, change: Callable[[Tensor], Tensor]) -> "Splats":
        """The same change to each of the tensors."""
        return Splats(*(change(getattr(self, field.name)) for field in fields(self)))


Rasteriser = Callable[[Splats, Cameras, int, Tensor], Tensor]
"""Draws splats for one camera (a `Cameras` of one) at size x size pixels on a background [3]: [3, size, size].

Colours are 0 or more, not clamped above; gradients reach all six tensors of the splats.
"""


def splats_at(points: Tensor, colours: Tensor) -> Splats:
    """Round splats at points [G, 3] in colours [G, 3] in [0, 1], as wide as their three nearest neighbours are far."""
    distances, _ = cKDTree(points.cpu().numpy()).query(points.cpu().numpy(), _NEIGHBOURS + 1)
    widths = torch.as_tensor(np.asarray(distances)[:, 1:]).mean(dim=1).to(points).clamp(min=1e-7)
    quaternions = points.new_tensor([1.0, 0.0, 0.0, 0.0]).repeat(len(points), 1)
    logits = points.new_full((len(points),), FIRST_OPACITY).logit()
    linear = points.new_zeros(len(points), 3, 3)
    return Splats(points, widths.log()[:, None].repeat(1, 3), quaternions, logits, (colours - 0.5) / SH_0, linear)


def colours_towards(splats: Splats, origin: Tensor) -> Tensor:
    """Colours [G, 3], at least 0, as seen from a camera's centre [3]."""
    x, y, z = torch.nn.functional.normalize(splats.means - origin, dim=-1).unbind(-1)
    basis = SH_1 * torch.stack([-y, z, -x], dim=-1)
    return (0.5 + SH_0 * splats.constant + (basis[..., None] * splats.linear).sum(dim=1)).clamp(min=0)


def rotation_matrices(quaternions: Tensor) -> Tensor:
    """Rotations [G, 3, 3] of quaternions [G, 4] (w, x, y, z) of any length but zero."""
    w, x, y, z = torch.nn.functional.normalize(quaternions, dim=-1).unbind(-1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
