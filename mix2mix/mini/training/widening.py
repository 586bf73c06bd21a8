"""A decoder's weights for one that is twice as wide and makes the same images of the same latents (Net2WiderNet).

Every channel c becomes the channels 2c and 2c + 1 (Chen, Goodfellow & Shlens, "Net2Net", ICLR 2016, arXiv 1511.05641).
Next to each other they stay in their group, so that its normalisation is as it was. What reads them takes about half
from either, not exactly half, or training would move both alike for ever.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

SPREAD = 0.2
"""What one half of a weight has more than the other, over two: its standard deviation over the weights' own."""

_DECODER = "decoder."
_ENDS = {"decoder.conv_in.weight": 1, "decoder.conv_out.weight": 0, "decoder.conv_out.bias": 0}
"""The dimensions that are no channels of the decoder: latents that enter, images that leave."""


def is_half_as_wide(state: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> bool:
    """Whether each tensor below `decoder.` has half the channels of the target's, and every other one its shape."""
    shapes = {name: tuple(value.shape) for name, value in target.items()}
    has_decoder = any(name.startswith(_DECODER) for name in state)
    return has_decoder and shapes == {name: _twice(name, value) for name, value in state.items()}


def widen(state: Mapping[str, Tensor], target: Mapping[str, Tensor], seed: int = 0) -> dict[str, Tensor]:
    """Weights in the target's shapes with which the network does what it does with `state`.

    Args:
        state: weights by name, of a network for which `is_half_as_wide` holds; the decoder's attention has one head.
        target: those of the wider network; only their shapes count.
        seed: of how weights are shared out between a channel and its copy.

    Returns:
        New tensors for what is wider, on the device and in the precision of `state`; the others as they are.

    """
    generator = torch.Generator().manual_seed(seed)
    return {name: _widen(name, value, target[name].shape, generator) for name, value in state.items()}


def _twice(name: str, value: Tensor) -> tuple[int, ...]:
    """The shape of a tensor in a decoder of twice the channels: the first two dimensions are out and in."""
    if not name.startswith(_DECODER):
        return tuple(value.shape)
    return tuple(size if axis > 1 or _ENDS.get(name) == axis else 2 * size for axis, size in enumerate(value.shape))


def _widen(name: str, value: Tensor, shape: torch.Size, generator: torch.Generator) -> Tensor:
    if value.shape == shape:
        return value
    if value.shape[0] != shape[0]:
        value = value.repeat_interleave(2, dim=0)
    if value.ndim > 1 and value.shape[1] != shape[1]:
        value = _shared_out(value, generator)
    # Keys and queries of twice the width have twice the product, of which attention takes 1 / sqrt(width).
    return value / math.sqrt(2) if ".to_q." in name else value


def _shared_out(weight: Tensor, generator: torch.Generator) -> Tensor:
    """A layer's weights [O, I, ...] for inputs that come twice [O, 2 I, ...]: each pair has the former one's sum."""
    noise = torch.randn(weight.shape, generator=generator).to(weight)
    difference = SPREAD * weight.std() * noise
    return torch.stack([weight / 2 + difference, weight / 2 - difference], dim=2).flatten(1, 2)
