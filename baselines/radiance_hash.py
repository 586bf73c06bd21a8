"""A multi-resolution hash grid (Instant-NGP, arXiv 2201.05989): features of a point, interpolated at many scales.

A grid's corners share a table of fixed length. Where they fit, each has an entry of its own; in finer grids a hash
says which, and corners that meet there are left to the networks behind to tell apart.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

FEATURES = 2
"""Of each level."""

FIRST = 1e-4
"""Largest magnitude of an entry that nothing has been fitted to yet."""

_PRIMES = (1, 2654435761, 805459861)

Corners = Callable[[Tensor], Iterator[tuple[Tensor, Tensor]]]


@dataclass(frozen=True)
class GridShape:
    """Grids of ``coarsest`` to ``finest`` cells a side in geometric steps; 2 ** ``log2_entries`` entries each."""

    levels: int
    coarsest: int
    finest: int
    log2_entries: int

    @property
    def cells(self) -> list[int]:
        """Cells a side, by level (at least two levels)."""
        growth = (self.finest / self.coarsest) ** (1 / (self.levels - 1))
        return [int(self.coarsest * growth**level + 1e-6) for level in range(self.levels)]


class HashGrid(nn.Module):
    """Features [P, levels * 2] of points [P, 3] in [0, 1], linear within each cell; gradients reach the table alone."""

    cells: Tensor
    factors: Tensor
    offsets: Tensor

    def __init__(self, shape: GridShape, generator: torch.Generator) -> None:
        super().__init__()
        entries = 2**shape.log2_entries
        first = (2 * torch.rand(FEATURES, shape.levels * entries, generator=generator) - 1) * FIRST
        self.table = nn.Parameter(first)
        self.register_buffer("cells", torch.tensor(shape.cells, dtype=torch.float32))
        factors = [_factors(cells, shape.log2_entries) for cells in shape.cells]
        self.register_buffer("factors", torch.tensor(factors, dtype=torch.int64).to(torch.int32).mT.contiguous())
        starts = torch.arange(shape.levels, dtype=torch.int32) * entries
        self.register_buffer("offsets", torch.stack([starts, 0 * starts, 0 * starts])[:, None])
        self._mask = entries - 1

    def forward(self, points: Tensor) -> Tensor:
        """Features of points, level by level."""
        features: Tensor = _Interpolate.apply(self.table, points.detach(), self.corners)
        return features.permute(1, 2, 0).flatten(1)

    def corners(self, points: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """For each of a cell's eight corners: its place in the table and its weight, both [P, levels]."""
        places = points.mT[:, :, None] * self.cells
        low = places.floor()
        above = places - low
        hashed = low.to(torch.int32) * self.factors[:, None]
        # where a level starts in the table is in bits above the hash's: exclusive or adds it, with x alone
        keys = [(key & self._mask) ^ self.offsets for key in (hashed, hashed + self.factors[:, None])]
        shares = (1 - above, above)
        for x, y, z in product((0, 1), repeat=3):
            yield keys[x][0] ^ keys[y][1] ^ keys[z][2], shares[x][0] * shares[y][1] * shares[z][2]


class _Interpolate(torch.autograd.Function):
    """Weighted sums [2, P, levels] of a table's entries; corners are found again on the way back, not stored."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, points: Tensor, corners: Corners) -> Tensor:
        ctx.save_for_backward(points)
        ctx.corners, ctx.length = corners, table.shape[1]
        terms = (table.index_select(1, i.flatten()).view(-1, *i.shape).mul_(w) for i, w in corners(points))
        total = next(terms)
        for term in terms:
            total += term
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (points,), (gradient,) = ctx.saved_tensors, gradients
        table = gradient.new_zeros(len(gradient), ctx.length)
        for index, weight in ctx.corners(points):
            # row by row: adding to scattered columns of both at once is ten times slower on a CPU
            for row, part in zip(table, gradient, strict=True):
                row.index_add_(0, index.flatten(), (part * weight).flatten())
        return table, None, None


def _factors(cells: int, log2_entries: int) -> tuple[int, ...]:
    """What a corner's (x, y, z) are multiplied by before they are joined by exclusive or.

    Powers of two that keep all corners apart where there are entries for them, else the published primes.
    """
    bits = math.ceil(math.log2(cells + 2))
    return (1, 2**bits, 4**bits) if 3 * bits <= log2_entries else _PRIMES
