"""fp32 numbers in pieces, the first of them two bytes: their bf16 rounding, which networks compute with as it is.

What that leaves off is kept beside it as a whole number: of weights in two bytes, so that none of the 32 bits is lost,
and a working copy takes no memory of its own; of second moments in one.
"""

import torch
from torch import Tensor

_HALF, _SHORT_HALF = 1 << 15, 1 << 7


def joined_halves(upper: Tensor, lower: Tensor) -> Tensor:
    """The fp32 numbers of their halves, both int16 of one shape."""
    return ((upper.to(torch.int32) << 16) + lower.to(torch.int32)).view(torch.float32)


def split_halves(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Both halves of fp32 numbers as int16: the bits of their bf16 rounding, ties away from zero, and what is left."""
    bits = numbers.view(torch.int32)
    upper = (bits + _HALF) >> 16
    return upper.to(torch.int16), (bits - (upper << 16)).to(torch.int16)


def joined_bytes(upper: Tensor, tail: Tensor) -> Tensor:
    """The fp32 numbers of their three bytes, an int16 and an int8 of one shape."""
    return (((upper.to(torch.int32) << 8) + tail.to(torch.int32)) << 8).view(torch.float32)


def split_bytes(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Three bytes of fp32 numbers: the bits of their bf16 rounding as int16, and what is left as int8, to 2^-16."""
    bits = (numbers.view(torch.int32) + _SHORT_HALF) >> 8
    upper = (bits + _SHORT_HALF) >> 8
    return upper.to(torch.int16), (bits - (upper << 8)).to(torch.int8)
