"""A computation that is repeated: launched kernel by kernel on a CPU, replayed as one CUDA graph on a GPU."""

import time
from collections.abc import Callable
from typing import Any

import torch

Pool = Any
"""What torch calls a pool of memory by; the type is private to it."""

PLAIN_RUNS = 3
"""Runs of a computation before its capture as a CUDA graph: they fill the optimiser's state and the kernel caches."""


class Replay:
    """A computation on tensors that stay in place: plain on a CPU; on a GPU, after a few runs, one CUDA graph.

    Graphs that run one after another, and leave nothing but what stays in place, may share one pool of memory.
    """

    def __init__(self, compute: Callable[[], None], device: torch.device, pool: Pool | None = None) -> None:
        self._compute = compute
        self._pool = pool
        self._device = device
        self._runs = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        # One for all plain runs and the capture: memory that was freed on a stream serves that stream alone, and what
        # autograd keeps of a run belongs to the run's stream.
        self._aside = torch.cuda.Stream(device) if device.type == "cuda" else None

    def __call__(self) -> None:
        """Run it once more."""
        self._runs += 1
        if self._aside is None:
            self._compute()
        elif self._runs <= PLAIN_RUNS:
            self._run_on(self._aside)
        else:
            self._graph = self._graph or self._captured()
            self._graph.replay()

    def _run_on(self, stream: torch.cuda.Stream) -> None:
        """Aside from the default stream: what is to be captured later must not have run on that one."""
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            self._compute()
        torch.cuda.current_stream(self._device).wait_stream(stream)

    def _captured(self) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool, stream=self._aside):
            self._compute()
        return graph


def shared_pool(device: torch.device) -> Pool | None:
    """A new pool for CUDA graphs; None on a CPU."""
    return torch.cuda.graph_pool_handle() if device.type == "cuda" else None


def synchronise(device: str) -> None:
    """Wait until a GPU has done all that it was given; a CPU has at once."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)


def clock(device: str) -> float:
    """Seconds, with nothing left to do on the device."""
    synchronise(device)
    return time.perf_counter()
