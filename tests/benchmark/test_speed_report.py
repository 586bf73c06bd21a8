"""What is told of a measurement: by hand, and as JSON there and back."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmark.results import Bundle, CellResult, Hardware, Memory, Provenance
from benchmark.speed_report import (
    DECODE,
    EULER,
    FORWARD,
    ITERATION,
    LOAD,
    REFERENCE,
    TEACHER,
    KernelKind,
    MatrixRate,
    PhaseSpeed,
    Speed,
    extrapolate,
    highest,
    spread,
    text,
)

GIB = 2**30
MEDIANS = {LOAD: 12.0, REFERENCE: 6.5, ITERATION: 0.1, EULER: 0.02, DECODE: 0.5}


def memory(allocated: float | None, reserved: float | None, process: float | None) -> Memory:
    sizes = (None if size is None else int(size * GIB) for size in (allocated, reserved, process))
    return Memory(**dict(zip(Memory.model_fields, sizes, strict=True)))


def phase(name: str, median: float, peak: Memory, *, captured: bool = False, single: bool = False) -> PhaseSpeed:
    samples = [median] if single else [median * factor for factor in (0.9, 0.95, 1.0, 1.1, 1.5)]
    first, capture = None if single else 4 * median, 2 * median if captured else None
    return PhaseSpeed(
        name=name, seconds=spread(samples), first=first, capture=capture, tflop=None, share=None, memory=peak
    )


def measured(origin: Provenance, device: str, peak: Memory, random_weights: bool) -> Speed:
    hardware = Hardware(
        platform="Linux", cpu="A CPU", cores=2, memory=GIB, gpus=("GPU A", "GPU B") * (device != "cpu"), device=device
    )
    bundle = Bundle(name="paper", digest="0" * 64, random_weights=random_weights)
    on_gpu = device != "cpu"
    phases = [phase(name, median, peak, single=name == LOAD) for name, median in MEDIANS.items()]
    phases[2] = phase(ITERATION, 0.1, peak, captured=on_gpu).counted(34.0, 500.0)
    parts = (phase(FORWARD, 0.03, peak).counted(8.0, 500.0), phase(TEACHER, 0.04, peak).counted(9.6, 500.0))
    return Speed(
        schema_version=1,
        scene="face",
        views=4,
        image_size=576,
        threads=1,
        matrix=MatrixRate(dtype="bfloat16", size=8192, tflops=500.0),
        phases=tuple(phases),
        parts=parts,
        sum_of_parts=0.07,
        kernels=(
            (
                KernelKind(name="convolutions", seconds=0.0258, launches=658),
                KernelKind(name="attention", seconds=0.0142, launches=96),
            )
            * on_gpu
        ),
        edit=extrapolate(MEDIANS, 2150, 39),
        peak=peak,
        provenance=origin.model_copy(update={"hardware": hardware, "bundle": bundle}),
    )


@pytest.fixture
def on_gpu(example: CellResult) -> Speed:
    return measured(example.provenance, "cuda:1", memory(30.5, 34, 8), random_weights=True)


@pytest.fixture
def on_cpu(example: CellResult) -> Speed:
    return measured(example.provenance, "cpu", memory(None, None, 1.25), random_weights=False)


def test_quartiles_by_hand():
    told = spread([5.0, 1.0, 2.0, 4.0])
    assert (told.runs, told.median, told.quartiles, told.range) == (4, 3.0, (1.75, 4.25), (1.0, 5.0))


def test_one_run_has_no_spread():
    told = spread([2.5])
    assert (told.runs, told.median, told.quartiles, told.range) == (1, 2.5, (2.5, 2.5), (2.5, 2.5))


@given(st.lists(st.floats(1e-6, 1e4), min_size=1))
def test_a_spread_is_ordered_and_its_median_numpy_s(samples):
    told = spread(samples)
    (low, high), (least, most) = told.quartiles, told.range
    assert math.isclose(told.median, float(np.median(samples)))
    assert least == min(samples)
    assert most == max(samples)
    assert least <= low <= told.median * (1 + 1e-12)
    assert told.median <= high * (1 + 1e-12) <= most * (1 + 1e-11)


def test_an_edit_is_its_reference_its_iterations_its_euler_steps_and_its_decoding():
    told = extrapolate(MEDIANS, 2150, 39)
    assert told.seconds == pytest.approx(6.5 + 215 + 0.78 + 0.5)  # loading is not in it
    assert (told.updates, told.euler_steps) == (2150, 39)


def test_the_share_is_of_what_the_device_can_do_in_the_median_time():
    counted = phase(ITERATION, 0.1, memory(1, 1, 1)).counted(34.0, 500.0)
    assert counted.tflop == 34.0
    assert counted.share == pytest.approx(0.68)  # 340 of 500 TFLOP/s


def test_the_highest_of_each_kind_of_memory():
    assert highest([memory(3, 9, 1), memory(5, 6, 2)]) == memory(5, 9, 2)
    assert highest([memory(None, None, 1)]) == memory(None, None, 1)


def test_kernels_are_told_by_their_share_of_an_iteration(on_gpu, on_cpu):
    lines = text(on_gpu).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("Kernels"))
    assert [line.split() for line in lines[start + 2 : start + 4]] == [
        ["convolutions", "25.8", "ms", "26%", "658"],
        ["attention", "14.2", "ms", "14%", "96"],
    ]
    assert lines[start + 4] == ""
    assert "Kernels" not in text(on_cpu)


def test_json_there_and_back(on_gpu):
    assert Speed.model_validate_json(on_gpu.model_dump_json(indent=2)) == on_gpu


def test_json_of_another_schema_is_refused(on_gpu):
    document = on_gpu.model_dump_json()
    for changed in (document.replace('"schema_version":1', '"schema_version":2'), document.replace("views", "view")):
        with pytest.raises(ValidationError):
            Speed.model_validate_json(changed)


def test_a_gpu_s_text(on_gpu):
    lines = text(on_gpu).splitlines()
    assert lines[:3] == ["on      GPU B (cuda:1)", "rate    500 TFLOP/s in matrix products (8192 x 8192, bfloat16)", ""]
    assert lines[3].split() == ["Phase", "median", "quartiles", "range", "runs", "first", "capture", "TFLOP", "of",
                                "rate", "allocated", "reserved"]  # fmt: skip
    table = {line.split("  ")[0]: line.split() for line in lines[5:] if line[:1].strip()}
    assert table["load"][1:] == ["12.00", "s", "-", "-", "1", "-", "-", "-", "-", "30.50", "GiB", "34.00", "GiB"]
    assert " ".join(table["iteration"][1:]) == (
        "100 ms 95 ms - 110 ms 90 ms - 150 ms 5 400 ms 200 ms 34 68% 30.50 GiB 34.00 GiB"
    )
    assert [line.strip().split("  ")[0] for line in lines if line.startswith("  ")] == [
        "student forward",
        "teacher",
        "sum of these",
    ]
    assert lines[-3:] == [
        "edit    3 min 43 s, extrapolated: reference edit + 2150 iterations + 39 Euler steps + decode",
        "peak    30.50 GiB allocated, 34.00 GiB reserved",
        "note    the weights are random: speed and memory are those of trained ones, nothing else is",
    ]


def test_a_cpu_s_text(on_cpu):
    lines = text(on_cpu).splitlines()
    assert lines[0] == "on      A CPU (cpu, kernel threads: 1)"
    assert lines[3].endswith("of rate  resident")
    assert lines[-1] == "peak    1.25 GiB resident"  # no word of random weights
