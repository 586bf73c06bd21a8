"""What a measurement of speed tells: its schema, and the same as a text. No torch."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from benchmark.formats import aligned
from benchmark.results import Memory, Provenance, Record

LOAD, REFERENCE, ITERATION, EULER, DECODE = "load", "reference edit", "iteration", "Euler step", "decode"
DRAWS, FORWARD, TEACHER, BACKWARD, OPTIMISER = "draws", "student forward", "teacher", "backward", "optimiser"

HEADINGS = ("Phase", "median", "quartiles", "range", "runs", "first", "capture", "TFLOP", "of rate")


class Spread(Record):
    """Seconds of several runs."""

    runs: int
    median: float
    quartiles: tuple[float, float] = Field(description="first and third, interpolated linearly")
    range: tuple[float, float] = Field(description="the shortest and the longest run")


class PhaseSpeed(Record):
    """A phase of an edit, or a part of its iteration."""

    name: str
    seconds: Spread
    first: float | None = Field(description="seconds of the first run, not in the spread; absent where it is the only")
    capture: float | None = Field(description="seconds of the run that became a CUDA graph, not in the spread")
    tflop: float | None = Field(description="TFLOP of matrix products, convolutions and attention, where counted")
    share: float | None = Field(description="tflop / median, as a share of the device's matrix rate")
    memory: Memory = Field(description="peak during its first runs; `process` is the peak since the start")

    def counted(self, tflop: float, rate: float) -> "PhaseSpeed":
        """The same with its arithmetic, on a device of so many TFLOP/s."""
        return self.model_copy(update={"tflop": tflop, "share": tflop / self.seconds.median / rate})


class MatrixRate(Record):
    """What the device makes of a large matrix product."""

    dtype: str
    size: int = Field(description="rows and columns of the square matrices")
    tflops: float = Field(description="TFLOP/s, by the median time")


class Extrapolation(Record):
    """The time of a whole edit, by its measured phases."""

    seconds: float = Field(description="reference edit + updates x iteration + Euler steps + decode, by medians")
    updates: int
    euler_steps: int


class KernelKind(Record):
    """The kernels of an iteration that do the same."""

    name: str
    seconds: float
    launches: int


class Speed(Record):
    """A measurement."""

    schema_version: Literal[1]
    scene: str
    views: int
    image_size: int
    memory: Literal["normal", "low"] = Field(default="normal", description="how much the distillation might take")
    threads: int = Field(description="threads of a CPU's kernels")
    matrix: MatrixRate
    phases: tuple[PhaseSpeed, ...] = Field(description="load, reference edit, iteration, Euler step, decode")
    parts: tuple[PhaseSpeed, ...] = Field(description="of an iteration, each by itself (on a GPU a CUDA graph each)")
    sum_of_parts: float = Field(description="seconds, by medians; the iteration is measured as a whole beside it")
    kernels: tuple[KernelKind, ...] = Field(
        default=(), description="of an iteration on a GPU, by what they do; what is left of it are gaps between them"
    )
    edit: Extrapolation = Field(description="extrapolated, not measured")
    peak: Memory = Field(description="over the phases; the parts are apart, each with a graph's memory of its own")
    provenance: Provenance


def spread(samples: Sequence[float]) -> Spread:
    """Median, quartiles and range of seconds [n], n at least 1."""
    least, low, median, high, most = map(float, np.quantile(samples, [0, 0.25, 0.5, 0.75, 1]))
    return Spread(runs=len(samples), median=median, quartiles=(low, high), range=(least, most))


def highest(peaks: Sequence[Memory]) -> Memory:
    """The highest of each kind of peak, where it was measured."""
    measured = {kind: [getattr(peak, kind) for peak in peaks] for kind in Memory.model_fields}
    return Memory(**{kind: None if None in values else max(values) for kind, values in measured.items()})


def extrapolate(medians: Mapping[str, float], updates: int, euler_steps: int) -> Extrapolation:
    """The time of an edit of so many updates and Euler steps, of the phases' median seconds."""
    seconds = medians[REFERENCE] + updates * medians[ITERATION] + euler_steps * medians[EULER] + medians[DECODE]
    return Extrapolation(seconds=seconds, updates=updates, euler_steps=euler_steps)


def text(speed: Speed) -> str:
    """The measurement for reading: a table, the extrapolated edit, and what is to be known of it."""
    return "\n".join([*_origin(speed), "", *_table(speed), "", *_kernels(speed), *_ending(speed)])


def _origin(speed: Speed) -> list[str]:
    hardware, matrix = speed.provenance.hardware, speed.matrix
    where = hardware.gpus[_index(hardware.device)] if hardware.device != "cpu" else hardware.cpu
    threads = f", kernel threads: {speed.threads}" if hardware.device == "cpu" else ""
    size = f"{matrix.size} x {matrix.size}, {matrix.dtype}"
    return [
        f"on      {where} ({hardware.device}{threads})",
        f"rate    {matrix.tflops:.3g} TFLOP/s in matrix products ({size})",
    ]


def _index(device: str) -> int:
    return int(device.partition(":")[2] or 0)


def _table(speed: Speed) -> list[str]:
    headings = (*HEADINGS, *_memory_headings(speed.phases[0].memory))
    return aligned([headings, *_rows(speed)])


def _rows(speed: Speed) -> list[tuple[str, ...]]:
    """Phases in their order, the iteration's parts and their sum below it."""
    rows = []
    for phase in speed.phases:
        rows.append(_row(phase, phase.name))
        if phase.name == ITERATION:
            rows.extend(_row(part, f"  {part.name}") for part in speed.parts)
            rows.append(("  sum of these", _time(speed.sum_of_parts), *[""] * (len(rows[0]) - 2)))
    return rows


def _row(phase: PhaseSpeed, name: str) -> tuple[str, ...]:
    seconds = phase.seconds
    ranges = (" - ".join(map(_time, pair)) if seconds.runs > 1 else "-" for pair in (seconds.quartiles, seconds.range))
    early = ("-" if value is None else _time(value) for value in (phase.first, phase.capture))
    tflop = "-" if phase.tflop is None else f"{phase.tflop:.3g}"
    share = "-" if phase.share is None else f"{phase.share:.0%}"
    return (name, _time(seconds.median), *ranges, str(seconds.runs), *early, tflop, share, *_memory(phase.memory))


def _kernels(speed: Speed) -> list[str]:
    """The iteration's kernels by kind, where they are known, and an empty line."""
    if not speed.kernels:
        return []
    (whole,) = (phase.seconds.median for phase in speed.phases if phase.name == ITERATION)
    rows = [
        (kind.name, _time(kind.seconds), f"{kind.seconds / whole:.0%}", str(kind.launches)) for kind in speed.kernels
    ]
    return [*aligned([("Kernels", "time", "of an iteration", "launches"), *rows]), ""]


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _memory_headings(memory: Memory) -> tuple[str, ...]:
    return ("allocated", "reserved") if memory.device_allocated is not None else ("resident",)


def _memory(memory: Memory) -> tuple[str, ...]:
    on_gpu = memory.device_allocated is not None
    values = (memory.device_allocated, memory.device_reserved) if on_gpu else (memory.process,)
    return tuple("-" if value is None else f"{value / 2**30:.2f} GiB" for value in values)


def _ending(speed: Speed) -> list[str]:
    edit = speed.edit
    minutes, seconds = divmod(round(edit.seconds), 60)
    peaks = zip(_memory_headings(speed.peak), _memory(speed.peak), strict=True)
    lines = [
        f"edit    {minutes} min {seconds} s, extrapolated: reference edit + {edit.updates} iterations + "
        f"{edit.euler_steps} Euler steps + decode",
        f"peak    {', '.join(f'{value} {kind}' for kind, value in peaks)}",
    ]
    if speed.memory == "low":
        lines.append("note    memory was to be low: blocks of the student are computed twice")
    if speed.provenance.bundle.random_weights:
        lines.append("note    the weights are random: speed and memory are those of trained ones, nothing else is")
    return lines
