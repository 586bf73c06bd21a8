"""Whether a GPU has the memory that a distillation needs, told before any work rather than in the midst of it.

What weights need follows from their number; what a frame's activations need is stated by the bundle, by `paper` as
measured on an H200: what torch reserved for all, less the weights' part, by frames.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mix2mix.compiling import compiles
from mix2mix.distill_config import DistillConfig
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from mix2mix.bundles import Bundle

BYTES_A_WEIGHT = 11
"""Two halves, two moments of two and three bytes, and the gradient of `mix2mix.lean`."""

GIB = 2**30


def needed_memory(bundle: "Bundle", views: int, config: DistillConfig) -> int:
    """Bytes that a distillation of so many views takes on a GPU, beside the networks that the bundle keeps there.

    The reference is one frame more.
    """
    weights = sum(parameter.numel() for parameter in bundle.student.parameters())
    frame = bundle.settings.activation_gib[config.memory] * GIB
    return weights * BYTES_A_WEIGHT + round(frame * (views + 1))


def check_memory(bundle: "Bundle", views: int, config: DistillConfig, device: str) -> None:
    """Raise an `InputError` where a GPU has too little memory free; bundles that state no need are not checked."""
    if not (compiles(bundle.settings, device) and bundle.settings.activation_gib):
        return
    needed, free = needed_memory(bundle, views, config), free_memory(device)
    if needed > free:
        less = needed_memory(bundle, views, replace(config, memory="low"))
        fix = "Free some of it, or choose fewer views or another GPU."
        if config.memory == "normal" and less <= free:
            fix = f"Add --memory low: {less / GIB:.1f} GiB are enough then, for more time."
        expected = f"{needed / GIB:.1f} GiB for {views} views with bundle {bundle.name}"
        raise InputError(f"free memory of {device}", got=f"{free / GIB:.1f} GiB", expected=expected, fix=fix)


def free_memory(device: str) -> int:
    """Bytes that this process could still allocate on a GPU: what nobody has, and what torch holds unused."""
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
