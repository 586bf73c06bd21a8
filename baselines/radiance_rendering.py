"""What is seen along a ray through a field of densities and colours (NeRF, arXiv 2003.08934)."""

import torch
from torch import Tensor


def ray_weights(density: Tensor, lengths: Tensor) -> Tensor:
    """Share of a ray's light that each interval gives [R, S]: its own opacity times what lies before it lets through.

    density: at least 0 [R, S]. lengths: of the intervals [R, S]. The shares' sum is at most 1.
    """
    thickness = density * lengths
    before = torch.nn.functional.pad(thickness.cumsum(dim=-1)[:, :-1], (1, 0))
    return (1 - torch.exp(-thickness)) * torch.exp(-before)


def composite(weights: Tensor, colours: Tensor) -> Tensor:
    """Colours [R, 3] of rays from weights [R, S] and colours [R, S, 3]; what is let through ends on the last one."""
    through = 1 - weights.sum(dim=-1, keepdim=True)
    return (weights[..., None] * colours).sum(dim=-2) + through * colours[:, -1]


def distortion(edges: Tensor, weights: Tensor) -> Tensor:
    """How spread out weights [R, S] are along their rays' edges [R, S + 1], a mean over rays [] (2111.12077, eq. 15).

    The sum over pairs w_i w_j |m_i - m_j| of interval middles, and over intervals w_i^2 / 3 times their length.
    """
    middles, lengths = (edges[:, 1:] + edges[:, :-1]) / 2, edges.diff(dim=-1)
    # middles rise: in each pair the later one is the larger, and running sums do for the pairs
    earlier = weights.cumsum(dim=-1) - weights
    moment = (weights * middles).cumsum(dim=-1) - weights * middles
    pairs = 2 * (weights * (middles * earlier - moment)).sum(dim=-1)
    return (pairs + (weights.square() * lengths).sum(dim=-1) / 3).mean()
