"""How the appearance of an edited person is drawn: colours from uniform numbers in [0, 1]."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mix2mix.mini.family import hue

Colour = tuple[float, float, float]


def along(share: Tensor, stops: Sequence[Colour]) -> Tensor:
    """Colours [B, 3] at `share` [B] of the way through the stops."""
    table = torch.tensor(stops)
    place = share * (len(stops) - 1)
    lower = place.floor().clamp(max=len(stops) - 2)
    return torch.lerp(table[lower.long()], table[lower.long() + 1], (place - lower)[:, None])


def either(share: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """The first colour [B, 3] where `share` [B] is below a half, else the second."""
    return torch.where((share < 0.5)[:, None], first, second)


def vivid(share: Tensor) -> Tensor:
    """Saturated colours [B, 3] of every hue."""
    return hue(share, 0.82, 0.92)
