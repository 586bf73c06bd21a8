"""fp32 numbers in pieces, the first of which are two bytes of a bf16 number.

What that leaves off is kept beside it as a whole number. Weights have two bytes for it: none of their 32 bits is lost,
and networks compute with the first piece as it is. Second moments have one.
"""

import torch
from torch import Tensor

_NAN = 0x7FC00000
"""The bits of one that can be rounded: others would turn into zero."""


def joined_halves(upper: Tensor, lower: Tensor) -> Tensor:
    """The fp32 numbers of their halves, both int16 of one shape."""
    return ((upper.to(torch.int32) << 16) + lower.to(torch.int32)).view(torch.float32)


def split_halves(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Both halves of fp32 numbers as int16: the bits of their bf16 rounding, ties away from zero, and what is left."""
    bits = _bits(numbers)
    upper = _without(bits, 16)
    return upper.to(torch.int16), (bits - (upper << 16)).to(torch.int16)


def joined_bytes(upper: Tensor, tail: Tensor) -> Tensor:
    """The fp32 numbers of their three bytes, an int16 and an int8 of one shape."""
    return (((upper.to(torch.int32) << 8) + tail.to(torch.int32)) << 8).view(torch.float32)


def split_bytes(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Three bytes of fp32 numbers: the bits of a bf16 number near each as int16; what is left as int8, to 2^-16."""
    bits = _without(_bits(numbers), 8)
    upper = _without(bits, 8)
    return upper.to(torch.int16), (bits - (upper << 8)).to(torch.int8)


def _without(bits: Tensor, lowest: int) -> Tensor:
    """Whole numbers without so many of their lowest bits, rounded."""
    return (bits + (1 << lowest - 1)) >> lowest


def _bits(numbers: Tensor) -> Tensor:
    return torch.where(numbers.isnan(), _NAN, numbers.view(torch.int32))
