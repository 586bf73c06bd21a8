"""FlashAttention 4 (arXiv 2603.05451), where it is installed, in place of the flash kernels that torch brings.

On Hopper GPUs its backward pass is the faster one, and as exact. torch calls it itself once it is told to; here it is
told, and made sure that the two fit.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import torch
import torch.nn.functional as F
from torch.nn.attention import (
    SDPBackend,
    activate_flash_attention_impl,
    current_flash_attention_impl,
    restore_flash_attention_impl,
    sdpa_kernel,
)

from mix2mix.errors import InputError

NAME = "FlashAttention 4"

KEEPS_KERNELS = "FLASH_ATTENTION_CUTE_DSL_CACHE_ENABLED"
"""Tells it to keep its compiled kernels on the disk, for the next process: seconds of a start."""

CAPABILITIES = (9, 10)
"""Major compute capabilities of the GPUs that torch gives it: Hopper and Blackwell."""


def serves(device: torch.device) -> bool:
    """Whether it is installed, and made for that device."""
    return device.type == "cuda" and _installed() and torch.cuda.get_device_capability(device)[0] in CAPABILITIES


@contextmanager
def flash_4(device: torch.device) -> Iterator[None]:
    """Within the block it computes attention in bf16 and fp16; InputError where it is of no use to this torch."""
    try:
        _begin(device)
        yield
    finally:
        if current_flash_attention_impl():
            restore_flash_attention_impl()


def _begin(device: torch.device) -> None:
    """Put it into torch's place, and try it out; what goes wrong in packages that do not fit can be anything."""
    os.environ.setdefault(KEEPS_KERNELS, "1")
    try:
        activate_flash_attention_impl("FA4")
        _try_out(device)
    except Exception as error:
        raise InputError(
            NAME,
            got=f"{type(error).__name__}: {error}",
            expected=f"one that torch {torch.__version__} can use",
            fix="Install another version of flash-attn-4 (for torch 2.11: 4.0.0b15), or uninstall it.",
        ) from error


def _installed() -> bool:
    """Its package lies inside of one that older versions have, too."""
    return find_spec("flash_attn") is not None and find_spec("flash_attn.cute") is not None


def _try_out(device: torch.device) -> None:
    """A pass forth and back, whose kernels are the student's."""
    tokens = torch.ones(1, 1, 128, 64, dtype=torch.bfloat16, device=device, requires_grad=True)
    with torch.enable_grad(), sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        F.scaled_dot_product_attention(tokens, tokens, tokens).sum().backward()
