"""Where along a ray a field is asked: where a coarser one found something (mip-NeRF 360, arXiv 2111.12077)."""

import torch
from torch import Tensor

PADDING = 0.01
"""Added to every weight, so that no interval is without a chance (nerfacto)."""

_TINY = 1e-7


def resample(edges: Tensor, weights: Tensor, count: int, jitter: Tensor) -> Tensor:
    """Edges [R, count + 1] of new intervals, each with the same share of the old ones' weight.

    The inverse of the piecewise linear distribution function at evenly spaced values; no gradient passes.

    Args:
        edges: of the old intervals, rising [R, S + 1].
        weights: of the old intervals, at least 0 [R, S].
        count: number of new intervals.
        jitter: in [0, 1), where between two values each ray's lie [R, 1].

    """
    padded = weights.detach() + PADDING
    shares = padded / padded.sum(dim=-1, keepdim=True)
    reached = torch.nn.functional.pad(shares.cumsum(dim=-1), (1, 0))
    values = (torch.arange(count + 1, device=edges.device) + jitter) / (count + 1) * reached[:, -1:]
    interval = torch.searchsorted(reached, values, right=True).sub(1).clamp(0, weights.shape[-1] - 1)
    start, end = edges.gather(1, interval), edges.gather(1, interval + 1)
    into = (values - reached.gather(1, interval)) / shares.gather(1, interval)
    return torch.lerp(start, end, into.clamp(0, 1))


def interlevel(edges: Tensor, weights: Tensor, coarse_edges: Tensor, coarse_weights: Tensor) -> Tensor:
    """How far weights [R, S] rise above what coarser ones [R, C] allow, a mean square [] (2111.12077, eq. 13).

    An interval may weigh as much as all coarse intervals that it overlaps. Teaches the coarse weights alone.
    """
    weights = weights.detach()
    reached = torch.nn.functional.pad(coarse_weights.cumsum(dim=-1), (1, 0))
    first = torch.searchsorted(coarse_edges, edges[:, :-1].contiguous(), right=True).sub(1).clamp(min=0)
    last = torch.searchsorted(coarse_edges, edges[:, 1:].contiguous()).clamp(max=coarse_weights.shape[-1])
    bound = reached.gather(1, last) - reached.gather(1, first)
    return ((weights - bound).clamp(min=0).square() / (weights + _TINY)).mean()
