"""fp32 numbers in two halves of two bytes each: the upper is a bf16 number that networks compute with as it is.

What the bf16 rounding leaves off is kept beside it as a whole number, so that none of the 32 bits is lost, and a
working copy of the weights takes no memory of its own.
"""

import torch
from torch import Tensor

_HALF = 1 << 15


def joined_halves(upper: Tensor, lower: Tensor) -> Tensor:
    """The fp32 numbers of their halves, both int16 of one shape."""
    return ((upper.to(torch.int32) << 16) + lower.to(torch.int32)).view(torch.float32)


def split_halves(numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Both halves of fp32 numbers as int16: the bits of their bf16 rounding, ties away from zero, and what is left."""
    bits = numbers.view(torch.int32)
    upper = (bits + _HALF) >> 16
    return upper.to(torch.int16), (bits - (upper << 16)).to(torch.int16)
