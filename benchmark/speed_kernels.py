"""What the kernels of a computation on a GPU do: their time by kind, as torch's profiler sees them."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile

from benchmark.speed_report import KernelKind

KINDS = {
    "fused passes": r"^triton_poi",
    "fused sums": r"^triton_(red|per)",
    "attention": r"flash|fmha|sdpa|attention",
    "convolutions": r"conv|cudnn|fprop|dgrad|wgrad",
    "matrix products": r"gemm|nvjet|splitk|cublas",
}
"""Patterns of kernels' names, of which the first that is found tells the kind. What a compiler made bears the names of
all that it fused."""

OTHERS = "others"


class Kernel(NamedTuple):
    """A kernel by name, and all its launches together."""

    name: str
    microseconds: float
    launches: int


def kernels_by_kind(compute: Callable[[], object], runs: int) -> tuple[KernelKind, ...]:
    """Time and launches in a run of a computation on a GPU, by kind, the longest first."""
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        for _ in range(runs):
            compute()
        torch.cuda.synchronize()
    events = profiler.key_averages()
    return tallied([Kernel(event.key, event.self_device_time_total, event.count) for event in events], runs)


def tallied(kernels: Iterable[Kernel], runs: int) -> tuple[KernelKind, ...]:
    """The kinds of the kernels of so many runs; what took no time on the GPU is none."""
    kinds: dict[str, tuple[float, int]] = {}
    for name, microseconds, launches in kernels:
        if microseconds:
            kind = kind_of(name)
            time, count = kinds.get(kind, (0.0, 0))
            kinds[kind] = time + microseconds, count + launches
    found = [
        KernelKind(name=name, seconds=time / runs / 1e6, launches=round(count / runs))
        for name, (time, count) in kinds.items()
    ]
    return tuple(sorted(found, key=lambda kind: -kind.seconds))


def kind_of(kernel: str) -> str:
    """What a kernel of that name does."""
    return next((kind for kind, pattern in KINDS.items() if re.search(pattern, kernel, re.IGNORECASE)), OTHERS)
