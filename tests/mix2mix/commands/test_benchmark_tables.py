"""``mix2mix benchmark tables``, in-process, on a run of two methods."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kstest

from benchmark.results import CellResult, MethodRecord, RunRecord
from benchmark.store import key_of, write_cell, write_record
from mix2mix.commands import benchmark_tables
from mix2mix.commands.benchmark_tables import DRAWS, TAU, UPPER, teacher_curves
from mix2mix.errors import InputError
from survey.ratings import write_ratings
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings

DATA = Path(__file__).parents[2] / "benchmark" / "data"
METHODS = ("i-mix2mix", "t2vz", "unedited")
KINDS = ("html", "csv", "md", "tex")
Call = Callable[..., tuple[int, str]]


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Three methods on one edit."""
    folder = tmp_path / "run"
    methods = tuple(MethodRecord(name=name, title=name, paper=None, description="", published=None) for name in METHODS)
    record = RunRecord.model_validate_json((DATA / "run.json").read_bytes())
    write_record(folder, record.model_copy(update={"methods": methods, "cells": ()}))
    cell = CellResult.model_validate_json((DATA / "result.json").read_bytes())
    for name in METHODS:
        identity = cell.identity.model_copy(update={"method": name})
        changes = {"identity": identity, "key": key_of(identity), "views": ()}
        write_cell(folder, cell.model_copy(update=changes), {})
    return folder


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    path = tmp_path / "ratings.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_ratings(stream, simulate_ratings(Design(), ["i-mix2mix", "t2vz"], seed=0))
    return path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs the action and gives its exit status and what it printed."""
    parser = argparse.ArgumentParser()
    benchmark_tables.add_to(parser.add_subparsers())

    def run(*arguments: object) -> tuple[int, str]:
        chosen = parser.parse_args(list(map(str, arguments)))
        status: int = chosen.run(chosen)
        return status, capsys.readouterr().out

    return run


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_everything_is_written_beside_the_run(call: Call, run_folder: Path) -> None:
    status, out = call("tables", run_folder)
    tables = {f"table-{number}.{kind}" for number in (1, 3, 4, 5, 6) for kind in KINDS}
    others = {"statistics.json", "statistics.md", "validity.json", "figure-7.svg", "figure-7.png", "figure-7.csv"}
    assert (status, names(run_folder / "tables")) == (0, tables | others)
    assert out.splitlines()[:2] == [f"reads   {run_folder}", f"writes  {run_folder / 'tables'}"]
    assert out.splitlines()[-1].endswith(str((run_folder / "tables").resolve()))
    assert "note    no Table 2: no ratings were given" in out


def test_ratings_make_table_2(call: Call, run_folder: Path, ratings: Path, tmp_path: Path) -> None:
    _, out = call("tables", run_folder, "--ratings", ratings, "--output", tmp_path / "out")
    assert {f"table-2.{kind}" for kind in KINDS} <= names(tmp_path / "out")
    assert "SIMULATED" in (tmp_path / "out" / "table-2.html").read_text(encoding="utf-8")
    assert "tables 1, 2, 3, 4, 5, 6, figure 7 and statistics: " in out


def test_the_statistics_are_shown_and_saved(call: Call, run_folder: Path) -> None:
    _, out = call("tables", run_folder)
    saved = json.loads((run_folder / "tables" / "statistics.json").read_text(encoding="utf-8"))
    assert [count["succeeded"] for count in saved["counts"]] == [1, 1, 1]
    assert {(one["first"], one["second"]) for one in saved["differences"]} >= {("i-mix2mix", "t2vz")}
    for title in ("Cells", "Paired differences", "CLIP metrics against the truth"):
        assert title in out
        assert f"## {title}" in (run_folder / "tables" / "statistics.md").read_text(encoding="utf-8")


def test_the_terminal_shows_the_differences_of_our_method_and_the_file_all(call: Call, run_folder: Path) -> None:
    _, out = call("tables", run_folder)
    text = (run_folder / "tables" / "statistics.md").read_text(encoding="utf-8")
    assert not any(line.split()[:2] == ["t2vz", "unedited"] for line in out.splitlines())
    assert "| t2vz | unedited |" in text


def test_an_earlier_folder_is_replaced_whole(call: Call, run_folder: Path, ratings: Path) -> None:
    call("tables", run_folder, "--ratings", ratings)
    call("tables", run_folder)
    assert "table-2.md" not in names(run_folder / "tables")


def test_a_folder_of_something_else_is_left_alone(call: Call, run_folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="something else there already"):
        call("tables", run_folder, "--output", other)
    assert names(other) == {"thesis.tex"}


def test_a_folder_that_is_no_run_is_told(call: Call, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with run\.json"):
        call("tables", tmp_path)


def test_the_figure_s_draws_follow_its_closed_form() -> None:
    """Kolmogorov and Smirnov's test on t + 1/2, whose half a timestep of 925 is far below what it can see."""
    for curve in teacher_curves():
        assert sum(curve.draws) == DRAWS
        assert len(curve.draws) == len(curve.density) == UPPER - TAU
        assert sum(curve.density) == pytest.approx(1, abs=1e-5)
        centres = np.arange(TAU, UPPER) + 0.5
        below = np.cumsum(curve.density)
        drawn = np.repeat(centres, curve.draws)
        assert kstest(drawn, lambda t, below=below: below[(t - TAU).astype(int)]).pvalue > 0.001
