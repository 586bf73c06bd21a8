"""``mix2mix benchmark compare`` and ``check``, in-process, on runs of one cell."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import references
from benchmark.results import CellResult, RunRecord
from benchmark.store import key_of, write_cell, write_record
from mix2mix.commands import benchmark_compare
from mix2mix.errors import InputError

DATA = Path(__file__).parents[2] / "benchmark" / "data"
Call = Callable[..., tuple[int, str, str]]


def save_run(folder: Path, dir_: float, *seeds: int) -> Path:
    """A run with one cell a seed, of that Dir."""
    record = RunRecord.model_validate_json((DATA / "run.json").read_bytes())
    write_record(folder, record.model_copy(update={"name": folder.name}))
    cell = CellResult.model_validate_json((DATA / "result.json").read_bytes())
    assert cell.metrics is not None
    metrics = cell.metrics.model_copy(update={"clip_dir": cell.metrics.clip_dir.model_copy(update={"mean": dir_})})
    for seed in seeds:
        identity = cell.identity.model_copy(update={"seed": seed})
        changes = {"identity": identity, "key": key_of(identity), "metrics": metrics, "views": ()}
        write_cell(folder, cell.model_copy(update=changes), {})
    return folder


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs an action and gives its exit status and what it printed."""
    parser = argparse.ArgumentParser()
    benchmark_compare.add_to(parser.add_subparsers())

    def run(*arguments: object) -> tuple[int, str, str]:
        chosen = parser.parse_args(list(map(str, arguments)))
        status: int = chosen.run(chosen)
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


@pytest.fixture
def reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A reference of one cell with Dir 0.15 in two seeds."""
    path = tmp_path / "reference" / "mini-tiny.json"
    assert references.main([str(save_run(tmp_path / "base", 0.15, 0, 1)), "--output", str(path)]) == 0
    capsys.readouterr()
    return path


def test_two_runs_that_agree(call: Call, tmp_path: Path) -> None:
    first, second = save_run(tmp_path / "first", 0.15, 0), save_run(tmp_path / "second", 0.15, 0)
    status, out, err = call("compare", first, second)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0] == f"reads   {first}, {second}"
    assert lines[6].split() == ["inverter", "Dir", "↑", "1", "0.150", "0.150", "+0.000", "-", "0.010", "same"]
    assert lines[-2:] == [
        "second against first: 0 improved, 8 same, 0 worse",
        "cells compared: 1; only in the first: 0; only in the second: 0",
    ]


def test_a_run_that_got_worse_exits_1(call: Call, tmp_path: Path) -> None:
    status, out, _ = call("compare", save_run(tmp_path / "first", 0.15, 0), save_run(tmp_path / "second", 0.1, 0))
    assert status == 1
    assert "0.010  worse (1 of 1 cells)" in out


def test_json_has_every_digit_and_nothing_else_is_printed(call: Call, tmp_path: Path) -> None:
    first, second = save_run(tmp_path / "first", 0.15, 0), save_run(tmp_path / "second", 0.1875, 0)
    status, out, err = call("compare", first, second, "--json")
    document = json.loads(out)
    assert (status, err, document["verdict"]) == (0, "", "improved")
    assert next(one for one in document["changes"] if one["metric"] == "clip_dir")["after"] == 0.1875


def test_one_cell_is_checked_against_the_package_s_reference(
    call: Call, tmp_path: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "files", lambda _package: reference.parents[1])
    status, out, _ = call("check", save_run(tmp_path / "run", 0.15, 0))
    assert status == 0
    assert out.splitlines()[0].endswith("the reference mini-tiny (of 1 runs)")
    assert out.splitlines()[-2] == "run against reference mini-tiny: 0 improved, 7 same, 0 worse"


@pytest.mark.parametrize(("dir_", "expected"), [(0.145, 0), (0.1, 1), (0.2, 0)])
def test_a_check_fails_on_worse_alone(call: Call, tmp_path: Path, reference: Path, dir_: float, expected: int) -> None:
    assert call("check", save_run(tmp_path / "run", dir_, 0), "--reference", reference)[0] == expected


def test_warnings_go_to_stderr(call: Call, tmp_path: Path, reference: Path) -> None:
    document = json.loads(reference.read_text())
    document["origin"]["catalogues"] = ["e" * 64]
    reference.write_text(json.dumps(document))
    _, out, err = call("check", save_run(tmp_path / "run", 0.15, 0), "--reference", reference)
    assert err == "warning: catalogue differs: eeeeeeeeeeee before, cccccccccccc after\n"
    assert "differs" not in out


def test_bad_inputs_are_told(call: Call, tmp_path: Path) -> None:
    run = save_run(tmp_path / "run", 0.15, 0)
    with pytest.raises(InputError, match="budget 'tiny'"):
        call("check", run)
    with pytest.raises(InputError, match="No such file"):
        call("check", run, "--reference", tmp_path / "none.json")
    with pytest.raises(InputError, match="no scored cell in common"):
        call("compare", run, save_run(tmp_path / "other", 0.15, 5))
    with pytest.raises(InputError, match=r"expected a folder with run\.json"):
        call("compare", tmp_path / "nowhere", run)
