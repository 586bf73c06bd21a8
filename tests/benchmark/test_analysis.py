"""A run's statistics: counts, means and paired differences, against values worked out by hand."""

from pathlib import Path

import pytest

from benchmark.analysis import PairedDifference, RunStatistics, analyse
from benchmark.results import CellResult, MethodRecord, RunRecord
from benchmark.store import Run, StoredCell

BETTER = {("face", "hat"): (0.5, 0.7), ("face", "mask"): (0.6, 0.6), ("bear", "panda"): (0.4, 0.6)}
"""Dir of the better method in two seeds of each edit; the other method has 0.1 less."""


def stored(example: CellResult, method: str, place: tuple[str, str, int], dir_: float, status: str) -> StoredCell:
    assert example.metrics is not None
    scene, edit, seed = place
    changes = {"method": method, "scene": scene, "edit": edit, "seed": seed}
    scores = example.metrics.clip_dir.model_copy(update={"mean": dir_})
    metrics = example.metrics.model_copy(update={"clip_dir": scores}) if status == "ok" else None
    identity = example.identity.model_copy(update=changes)
    result = example.model_copy(update={"identity": identity, "status": status, "metrics": metrics})
    return StoredCell(Path("run/cells", method, scene, edit, f"seed-{seed}"), result)


@pytest.fixture
def run(example: CellResult, example_run: RunRecord) -> Run:
    """Two methods on three edits of two scenes with two seeds; the second fails once and lacks a cell that is planned.

    A third method was skipped everywhere it was tried.
    """
    cells = []
    for (scene, edit), values in BETTER.items():
        for seed, value in enumerate(values):
            place = (scene, edit, seed)
            status = "failed" if place == ("face", "mask", 1) else "ok"
            cells.append(stored(example, "good", place, value, "ok"))
            cells.append(stored(example, "poor", place, value - 0.1, status))
    cells.append(stored(example, "barred", ("face", "hat", 0), 0.0, "skipped"))
    methods = tuple(
        MethodRecord(name=name, title=name, paper=None, description="", published=None)
        for name in ("good", "poor", "barred")
    )
    planned = ("cells/poor/face/wig/seed-0",)
    return Run(Path("run"), example_run.model_copy(update={"methods": methods, "cells": planned}), tuple(cells), (), 0)


def difference(found: RunStatistics, metric: str) -> PairedDifference:
    (one,) = [one for one in found.differences if one.metric == metric]
    return one


def test_cells_are_counted_by_how_they_ended(run: Run) -> None:
    good, poor, barred = analyse(run).counts
    assert (good.attempted, good.succeeded, good.failed, good.skipped, good.absent) == (6, 6, 0, 0, 0)
    assert (poor.attempted, poor.succeeded, poor.failed, poor.skipped, poor.absent) == (6, 5, 1, 0, 1)
    assert (barred.attempted, barred.skipped) == (0, 1)


def test_a_damaged_cell_is_absent(run: Run) -> None:
    damaged = Run(run.folder, run.record, run.cells, (("cells/good/face/wig/seed-0", "torn"),), 0)
    assert analyse(damaged).counts[0].absent == 1


def test_a_mean_is_told_with_what_it_is_over(run: Run) -> None:
    (found,) = [one for one in analyse(run).summaries if (one.method, one.metric) == ("good", "clip_dir")]
    assert (found.cells, found.scenes, found.seeds) == (6, 2, 2)
    assert found.mean == pytest.approx(3.4 / 6)
    assert found.seed_deviation == pytest.approx(((0.02 + 0 + 0.02) / 3) ** 0.5)
    assert found.interval is not None
    assert found.interval.low < found.mean < found.interval.high


def test_methods_are_paired_over_the_cells_that_both_have(run: Run) -> None:
    found = difference(analyse(run), "clip_dir")
    assert (found.first, found.second, found.cells, found.scenes) == ("good", "poor", 5, 2)
    assert found.difference == pytest.approx(0.1)
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == pytest.approx((0.1, 0.1))


def test_p_values_are_over_three_edits_and_over_two_scenes(run: Run) -> None:
    found = difference(analyse(run), "clip_dir")
    assert (found.p_edits, found.p_scenes) == (2 / 2**3, 2 / 2**2)


def test_holm_is_over_all_metrics(run: Run) -> None:
    found = analyse(run).differences
    assert len(found) == 7  # metrics of one pair; six of them never differ
    assert difference(analyse(run), "clip_dir").p_edits_holm == 1.0
    assert sorted(one.p_edits_holm for one in found) == [1.0] * 7


def test_times_have_means_and_no_test(run: Run) -> None:
    found = analyse(run)
    assert "seconds" in {one.metric for one in found.summaries}
    assert "seconds" not in {one.metric for one in found.differences}


def test_what_is_assumed_goes_with_the_numbers(run: Run) -> None:
    found = analyse(run)
    assert any("0.25 with three" in text for text in found.assumptions)
    assert RunStatistics.model_validate_json(found.model_dump_json()) == found
