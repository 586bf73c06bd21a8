"""A compact radiance field after nerfacto (arXiv 2302.04264): density and colour of any point in any direction.

Two networks stand behind a hash grid: one for the density, one for the colour. Smaller fields without colour (the
proposals) find out where along a ray it is worth asking.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt

import torch
from torch import Tensor, nn

from baselines.radiance_hash import FEATURES, GridShape, HashGrid
from baselines.radiance_rendering import composite, ray_weights
from baselines.radiance_sampling import resample
from baselines.radiance_space import contract, depths

FIRST_DENSITY = 0.01
"""Of a field that nothing has been fitted to yet: nearly clear, so that no fog stands before the cameras."""

GEOMETRY = 15
"""What the density's network tells the colour's."""

_MOST = 15.0
"""Above it a logarithm of density no longer counts: exp would overflow."""


@dataclass(frozen=True)
class Proposal:
    """A small field, and the number of intervals in which it is asked."""

    grid: GridShape
    samples: int
    width: int = 16


@dataclass(frozen=True)
class FieldShape:
    """Sizes of a field: its grid, the width of its networks, the intervals of a ray, and its proposals, in turn."""

    grid: GridShape
    width: int
    samples: int
    proposals: tuple[Proposal, ...]


@dataclass(frozen=True, eq=False)
class Traced:
    """Colours [R, 3] of rays; their edges [R, S + 1] in [0, 1] and weights [R, S] by pass, the field's the last."""

    colours: Tensor
    passes: tuple[tuple[Tensor, Tensor], ...]


class Density(nn.Module):
    """Density [P] and features [P, F] of points [P, 3] of the world."""

    def __init__(self, grid: GridShape, width: int, features: int, generator: torch.Generator) -> None:
        super().__init__()
        self.grid = HashGrid(grid, generator)
        self.network = perceptron([grid.levels * FEATURES, width, 1 + features], generator)

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Density, at least 0, and what another network may be told of the place."""
        out = self.network(self.grid(contract(points)))
        return FIRST_DENSITY * torch.exp(out[:, 0].clamp(max=_MOST)), out[:, 1:]


class RadianceField(nn.Module):
    """A field and its proposals; its first weights come from a generator on the CPU."""

    def __init__(self, shape: FieldShape, generator: torch.Generator) -> None:
        super().__init__()
        self.samples = [*(proposal.samples for proposal in shape.proposals), shape.samples]
        self.proposals = nn.ModuleList(Density(p.grid, p.width, 0, generator) for p in shape.proposals)
        self.density = Density(shape.grid, shape.width, GEOMETRY, generator)
        self.colour = perceptron([16 + GEOMETRY, shape.width, shape.width, 3], generator)

    def forward(self, origins: Tensor, directions: Tensor, jitter: Tensor) -> Traced:
        """Trace rays from origins [R, 3] in unit directions [R, 3].

        jitter [R, levels] in [0, 1) shifts the intervals of each proposal and of the field; 0.5 throughout is the mean.
        """
        edges = torch.arange(2.0, device=jitter.device).expand(len(origins), 2)
        weights, features, passes = torch.ones_like(jitter[:, :1]), jitter, []
        fields = [*self.proposals, self.density]
        for density, count, shift in zip(fields, self.samples, jitter.split(1, dim=1), strict=True):
            edges = resample(edges, weights, count, shift)
            ends = depths(edges)
            places = origins[:, None] + (ends[:, 1:] + ends[:, :-1])[..., None] / 2 * directions[:, None]
            found, features = density(places.flatten(0, 1))
            weights = ray_weights(found.view_as(edges[:, 1:]), ends.diff(dim=-1))
            passes.append((edges, weights))
        colours = self._colours(features.unflatten(0, weights.shape), directions)
        return Traced(composite(weights, colours), tuple(passes))

    def _colours(self, features: Tensor, directions: Tensor) -> Tensor:
        towards = harmonics(directions)[:, None].expand(-1, features.shape[1], -1)
        seen: Tensor = self.colour(torch.cat([towards, features], dim=-1))
        return seen.sigmoid()


def harmonics(directions: Tensor) -> Tensor:
    """The real spherical harmonics of degrees 0 to 3 [..., 16] of unit directions [..., 3]."""
    x, y, z = directions.unbind(-1)
    a, b, c, d = sqrt(15 / pi) / 2, sqrt(35 / (2 * pi)) / 4, sqrt(105 / pi) / 4, sqrt(21 / (2 * pi)) / 4
    first = [sqrt(3 / pi) / 2 * axis for axis in (y, z, x)]
    second = [a * x * y, a * y * z, sqrt(5 / pi) / 4 * (3 * z * z - 1), a * x * z, a / 2 * (x * x - y * y)]
    third = [
        b * y * (3 * x * x - y * y),
        2 * c * x * y * z,
        d * y * (5 * z * z - 1),
        sqrt(7 / pi) / 4 * z * (5 * z * z - 3),
        d * x * (5 * z * z - 1),
        c * z * (x * x - y * y),
        b * x * (x * x - 3 * y * y),
    ]
    return torch.stack([torch.full_like(x, sqrt(1 / pi) / 2), *first, *second, *third], dim=-1)


def perceptron(widths: list[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers between those widths, ReLUs between them; drawn from the generator, torch's own left alone."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layer = nn.utils.skip_init(nn.Linear, before, after)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])
