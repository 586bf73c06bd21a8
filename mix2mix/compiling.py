"""Compilation of a network's blocks: fewer passes over memory, for networks so large that it pays for its minutes.

Blocks rather than whole networks: those of one kind and shape are compiled once, for all scenes and edits of a process.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, ParamSpec

import torch
from torch import nn

if TYPE_CHECKING:
    from mix2mix.bundles import BundleSettings

SHAPES = 64
"""Most shapes of one kind of block: SEVA 1.1 has 19, and torch gives up, silently, after 8."""

P = ParamSpec("P")


def compiles(settings: "BundleSettings", device: str) -> bool:
    """Whether a bundle's distillation is to be compiled on that device."""
    return settings.compiled and torch.device(device).type == "cuda"


def compiler_missing() -> str | None:
    """What compilation on a GPU lacks here; None where it lacks nothing."""
    return None if find_spec("triton") else "triton is not installed"


def compiled_function(function: Callable[P, None], backend: str = "inductor") -> Callable[P, None]:
    """A function of tensors as one program, if there is a compiler; else as it is."""
    return function if compiler_missing() else torch.compile(function, dynamic=False, backend=backend)


@contextmanager
def compiled(parts: Iterable[nn.Module], backend: str = "inductor") -> Iterator[None]:
    """Within the block, these parts of networks are compiled when they first run; afterwards all is as it was."""
    parts = list(parts)
    for part in parts:
        # An instance's own attribute stands before its class's method.
        part.__dict__["forward"] = torch.compile(part.forward, dynamic=False, backend=backend)
    try:
        with torch._dynamo.config.patch(recompile_limit=SHAPES, fail_on_recompile_limit_hit=True):
            yield
    finally:
        for part in parts:
            del part.__dict__["forward"]
