"""``mix2mix benchmark speed``, in-process, with a measurement that is made up."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmark import speed
from benchmark.results import CellResult, Memory
from benchmark.speed_report import (
    DECODE,
    EULER,
    ITERATION,
    LOAD,
    REFERENCE,
    MatrixRate,
    PhaseSpeed,
    Speed,
    extrapolate,
    spread,
)
from mix2mix.commands import benchmark_speed
from mix2mix.errors import InputError

DATA = Path(__file__).parents[2] / "benchmark" / "data"
Call = Callable[..., tuple[int, str, str]]


def made_up() -> Speed:
    """A measurement in which everything takes a second."""
    peak = Memory(device_allocated=None, device_reserved=None, process=2**30)
    rest: dict[str, Any] = {"first": None, "capture": None, "tflop": None, "share": None, "memory": peak}
    names = (LOAD, REFERENCE, ITERATION, EULER, DECODE)
    return Speed(
        schema_version=1,
        scene="face",
        views=4,
        image_size=128,
        threads=1,
        matrix=MatrixRate(dtype="float32", size=2048, tflops=0.1),
        phases=tuple(PhaseSpeed(name=name, seconds=spread([1.0]), **rest) for name in names),
        parts=(),
        sum_of_parts=0.0,
        edit=extrapolate(dict.fromkeys(names, 1.0), 2150, 39),
        peak=peak,
        provenance=CellResult.model_validate_json((DATA / "result.json").read_bytes()).provenance,
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the measurement was asked for, in place of making it."""
    calls: list[Any] = []

    def measure(load: Callable[[], object], *others: object) -> Speed:
        calls.append((load, *others))
        return made_up()

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(speed, "measure", measure)
    return calls


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the action and gives its exit status and what it printed."""
    parser = argparse.ArgumentParser()
    benchmark_speed.add_to(parser.add_subparsers())

    def run(*arguments: object) -> tuple[int, str, str]:
        chosen = parser.parse_args(["speed", *map(str, arguments)])
        status: int = chosen.run(chosen)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def test_the_mini_bundle_on_this_machine(call: Call, asked: Sequence[Any]) -> None:
    status, out, err = call()
    assert (status, err) == (0, "")
    assert out.splitlines()[0] == "reads   bundle mini, built-in scene face: 4 views"
    assert "edit    36 min 31 s, extrapolated" in out  # 1 + 2150 + 39 + 1 s
    assert asked[0][1:4] == (4, "cpu", speed.EFFORTS["cpu"])


def test_json_and_nothing_else_is_printed(call: Call, asked: Sequence[Any]) -> None:
    status, out, err = call("--json")
    assert (status, err) == (0, "")
    assert Speed.model_validate_json(out) == made_up()
    assert json.loads(out)["edit"]["updates"] == 2150


def test_bundle_weights_and_views_are_passed_on(
    call: Call, asked: Sequence[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []
    monkeypatch.setattr("mix2mix.bundles.load_bundle", lambda *given: loaded.append(given))
    call("--bundle", "paper", "--weights", "random", "--views", "8", "--device", "cpu")
    load, views, *_ = asked[0]
    load()
    assert (views, loaded) == (8, [("paper", "cpu", "random")])


def test_low_memory_and_a_missing_compiler_are_passed_on_and_told(
    call: Call, asked: Sequence[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr("mix2mix.compiling.find_spec", lambda name: None)
    _, _, err = call("--bundle", "paper", "--weights", "random", "--memory", "low")
    assert err.startswith("note    triton is not installed: networks run uncompiled")
    assert asked[0][5] == "low"


def test_a_gpu_of_several_gets_a_gpu_s_effort(
    call: Call, asked: Sequence[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    call("--device", "cuda:1")
    assert asked[0][2:4] == ("cuda:1", speed.EFFORTS["cuda"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("--bundle", "huge"), "bundle: got 'huge'"), (("--device", "cuda"), "device: got 'cuda'")],
)
def test_bad_inputs_are_told_before_anything_is_measured(
    call: Call, asked: Sequence[Any], arguments: Sequence[str], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        call(*arguments)
    assert not asked
