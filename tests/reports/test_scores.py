"""The tables of scores: what stands in each field."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import store
from benchmark.analysis import analyse
from reports.grids import Grid
from reports.scores import cell_grid, cost_grid, difference_grid, score_grid

MakeRun = Callable[..., Path]
METHODS = {"ours": (0.2, 0.1, 5.0), "theirs": (0.5, 0.2, 70.0)}


def texts(grid: Grid, row: int = 0) -> list[str]:
    return [entry.text for entry in grid.lines[row].entries]


def test_scores_are_means_with_intervals_under_them(make_scored_run: MakeRun) -> None:
    run = store.read_run(make_scored_run(METHODS))
    grid = score_grid(run, analyse(run))
    assert texts(grid) == ["Ours", "2", "0", "0.400", "0.260", "0.100", "0.500", "0.041", "0.205", "–", "5.0"]
    relative = grid.lines[0].entries[8]
    low, high = (float(end) for end in relative.detail.split(" to "))  # t of one degree of freedom * 0.005
    assert (low, high) == pytest.approx((0.205 - 12.706 * 0.005, 0.205 + 12.706 * 0.005), abs=0.002)
    assert relative.key == pytest.approx(0.205)
    assert [heading.text for heading in grid.headings][:4] == ["Method", "ok", "failed", "Cons ↑"]


def test_differences_are_of_every_pair_and_score(make_scored_run: MakeRun) -> None:
    run = store.read_run(make_scored_run(METHODS))
    grid = difference_grid(run, analyse(run))
    assert grid is not None
    rows = {texts(grid, row)[0]: texts(grid, row) for row in range(len(grid.lines))}
    assert rows["Dir ↑"] == ["Dir ↑", "Ours", "Theirs", "2", "−0.100", "−0.100 to −0.100", "1.00", "1.00"]
    assert "s/edit" not in rows


def test_one_method_differs_from_none(make_scored_run: MakeRun) -> None:
    run = store.read_run(make_scored_run({"ours": (0.2, 0.1, 5.0)}))
    assert difference_grid(run, analyse(run)) is None


def test_every_cell_has_a_row(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    folder = make_run()
    add_cell(folder, "ours", "turn-him-into-a-knight", status="failed", reason="because")
    grid = cell_grid(store.read_run(folder))
    assert len(grid.lines) == 4
    assert texts(grid, 1)[:6] == ["Turn him into a knight", "ours", "0", "failed", "–", "–"]


def test_costs_are_medians_with_what_they_consist_of(make_run: MakeRun) -> None:
    grid = cost_grid(store.read_run(make_run()))
    expected = ["Ours", "2", "12 s", "12 s to 12 s", "0.5 s", "edit 12 s, decode 0.2 s", "teacher 4", "0.5 GiB process"]
    assert texts(grid) == expected


def test_a_method_without_a_timed_edit_has_dashes(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    folder = make_run(("ours",))
    for slug in ("give-him-a-venetian-mask", "turn-him-into-a-knight"):
        add_cell(folder, "ours", slug, status="failed", reason="because")
    assert texts(cost_grid(store.read_run(folder))) == ["Ours", "0", "–", "–", "–", "–", "–", "–"]
