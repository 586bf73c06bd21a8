"""Work that is timed at every run: seconds by the device's own clock, and peak memory."""

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import torch

from benchmark.execution import peak_memory
from benchmark.results import Memory
from benchmark.speed_report import PhaseSpeed, highest, spread
from mix2mix.replay import synchronise

T = TypeVar("T")


class Timed(Generic[T]):
    """Work that keeps the time of its every run; the first are made alone, and told apart if others follow.

    Runs made alone begin and end with a synchronised device, and tell the peak of memory. The others only leave marks
    on the device's clock, so that the host runs ahead of a GPU as it does in an edit.
    """

    def __init__(self, name: str, work: Callable[[], T], device: str, alone: int = 1, captured: bool = False) -> None:
        """`alone` runs are made alone; with `captured`, the last of them is that which a CUDA graph is made of."""
        self.name = name
        self.alone = alone
        self._work, self._device, self._captured = work, device, captured
        self._marks: list[tuple[Any, Any]] = []
        self._peaks: list[Memory] = []

    def __call__(self) -> T:
        """Run it once more."""
        if len(self._marks) >= self.alone:
            return self._run()
        self._reset_peak()
        done = self._run()
        synchronise(self._device)
        self._peaks.append(peak_memory(self._device))
        return done

    def seconds(self) -> list[float]:
        """Of every run so far."""
        synchronise(self._device)
        return [_between(start, end) for start, end in self._marks]

    def result(self) -> PhaseSpeed:
        """What the runs so far tell."""
        seconds = self.seconds()
        early, others = seconds[: self.alone], seconds[self.alone :]
        return PhaseSpeed(
            name=self.name,
            seconds=spread(others or early),
            first=early[0] if others else None,
            capture=early[-1] if self._captured else None,
            tflop=None,
            share=None,
            memory=highest(self._peaks),
        )

    def _run(self) -> T:
        start = _mark(self._device)
        done = self._work()
        self._marks.append((start, _mark(self._device)))
        return done

    def _reset_peak(self) -> None:
        synchronise(self._device)
        if self._device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(self._device)


def _mark(device: str) -> Any:
    """A point in time: an event in the GPU's queue, or the CPU's clock in seconds."""
    if not device.startswith("cuda"):
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _between(start: Any, end: Any) -> float:
    """Seconds from mark to mark."""
    return float(end - start if isinstance(start, float) else start.elapsed_time(end) / 1000)
