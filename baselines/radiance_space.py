"""From an endless world to the unit cube: the scene centred, what is far off drawn in, depths spaced to match.

After nerfacto (arXiv 2302.04264), with mip-NeRF 360's contraction (arXiv 2111.12077) in the maximum norm.
"""

import torch
from torch import Tensor

from baselines.points import focus, focus_depths
from mix2mix.cameras import Cameras

NEAR, FAR = 0.05, 1000.0
"""Where rays begin and end, in the unit of `centred`."""

_FIRST, _LAST = NEAR / 2, 1 - 0.5 / FAR
"""Their places where depth 1 is at 1/2."""


def centred(cameras: Cameras) -> Cameras:
    """Cameras [N] with the point that all look at as the origin, and the farthest of them at distance 1 from it.

    Raises InputError where they look at no common place.
    """
    focus_depths(cameras)
    offsets = cameras.origins - focus(cameras)
    c2w = cameras.c2w.clone()
    c2w[..., :3, 3] = offsets / offsets.norm(dim=-1).max()
    return Cameras(cameras.K, c2w)


def contract(points: Tensor) -> Tensor:
    """Points [..., 3] of all space in [0, 1]: the cube within 1 of the origin takes the middle half, linearly."""
    size = points.abs().amax(dim=-1, keepdim=True)
    outside = (2 - 1 / size.clamp(min=1)) * points / size.clamp(min=1)
    return torch.where(size <= 1, points, outside) / 4 + 0.5


def depths(places: Tensor) -> Tensor:
    """Depths from `NEAR` to `FAR` of places in [0, 1]: about half of them evenly up to 1, then evenly in 1 / depth."""
    bent = _FIRST + places * (_LAST - _FIRST)
    return torch.where(bent < 0.5, 2 * bent, 0.5 / (1 - bent.clamp(min=0.5)))
