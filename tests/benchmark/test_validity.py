"""Validity: rank correlation with the truth against scipy and by hand, and the cases where a metric is fooled."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit
from scipy.stats import spearmanr

from benchmark.results import CellResult, RunRecord
from benchmark.store import Run, StoredCell, folder_of
from benchmark.validity import ASSUMPTIONS, Correlation, MetricValidity, spearman, validate

Scored = dict[tuple[str, str, str], tuple[float, float]]
"""Cons and relative error by method, scene and edit."""

MakeRun = Callable[..., Run]
VALUES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=12)


def scored(example: CellResult, place: tuple[str, str, str], cons: float, error: float, seed: int) -> CellResult:
    assert example.metrics is not None
    assert example.metrics.reprojection is not None
    method, scene, edit = place
    changes = {"method": method, "scene": scene, "edit": edit, "seed": seed}
    still = {"values": (0.0, 0.0), "mean": 0.0} if method == "unedited" else {}
    metrics = example.metrics.model_copy(
        update={
            "clip_cons": example.metrics.clip_cons.model_copy(update={"mean": cons}),
            "clip_dir": example.metrics.clip_dir.model_copy(update=still),
            "reprojection": example.metrics.reprojection.model_copy(update={"relative": error}),
        }
    )
    identity = example.identity.model_copy(update=changes)
    return example.model_copy(update={"identity": identity, "metrics": metrics})


@pytest.fixture
def make_run(example: CellResult, example_run: RunRecord) -> MakeRun:
    def make(cells: Scored, seeds: tuple[int, ...] = (0,), **changes: Any) -> Run:
        results = [
            scored(example, place, *values, seed).model_copy(update=changes)
            for place, values in cells.items()
            for seed in seeds
        ]
        stored = tuple(StoredCell(folder_of(Path("run"), one.identity), one) for one in results)
        return Run(Path("run"), example_run, stored, (), 0)

    return make


def correlation(found: MetricValidity | None, metric: str, scene: str | None) -> Correlation:
    assert found is not None
    (one,) = [one for one in found.correlations if (one.metric, one.scene) == (metric, scene)]
    return one


def once(first: list[float], second: list[float]) -> float:
    return float(spearman(first, second, np.ones((1, len(first))))[0])


def test_ranks_that_agree_disagree_or_almost_agree() -> None:
    assert once([1, 2, 3], [10, 20, 90]) == pytest.approx(1)
    assert once([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    # One neighbouring swap of four: 1 - 6 * (1 + 1) / (4 * 15).
    assert once([1, 2, 3, 4], [1, 2, 4, 3]) == pytest.approx(0.8)


def test_what_is_the_same_everywhere_ranks_nothing() -> None:
    assert once([1, 1, 1], [1, 2, 3]) == 0


@given(VALUES)
def test_it_is_scipy_s(pairs: list[tuple[int, int]]) -> None:
    first, second = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    if len(set(first)) > 1 and len(set(second)) > 1:
        assert once(first, second) == pytest.approx(spearmanr(first, second).statistic)


@given(VALUES, st.data())
def test_a_weight_is_so_many_copies(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)).filter(any))
    first, second = ([float(pair[side]) for pair in pairs] for side in (0, 1))
    copies = [
        [value for value, times in zip(side, weights, strict=True) for _ in range(times)] for side in (first, second)
    ]
    assert float(spearman(first, second, [weights])[0]) == pytest.approx(once(*copies), abs=1e-9)


def test_one_means_that_the_metric_agrees_with_the_truth(make_run: MakeRun) -> None:
    run = make_run(
        {("a", "face", "hat"): (0.9, 0.1), ("b", "face", "hat"): (0.5, 0.2), ("c", "face", "hat"): (0.1, 0.3)}
    )
    found = validate(run)
    assert correlation(found, "clip_cons", "face").rho == pytest.approx(1)
    assert correlation(found, "clip_cons", None).cells == 3
    assert correlation(found, "clip_sim", "face").rho == 0  # the same in every cell


def test_each_scene_is_told_and_all_together(make_run: MakeRun) -> None:
    up = {(method, "face", "hat"): (cons, 1 - cons) for method, cons in (("a", 0.1), ("b", 0.2), ("c", 0.3))}
    down = {(method, "bear", "panda"): (cons, cons) for method, cons in (("a", 0.1), ("b", 0.2), ("c", 0.3))}
    found = validate(make_run(up | down))
    assert correlation(found, "clip_cons", "face").rho == pytest.approx(1)
    assert correlation(found, "clip_cons", "bear").rho == pytest.approx(-1)
    together = spearmanr([0.1, 0.2, 0.3] * 2, [-0.9, -0.8, -0.7, -0.1, -0.2, -0.3]).statistic
    assert correlation(found, "clip_cons", None).rho == pytest.approx(together)


def test_the_interval_draws_whole_scenes_anew(make_run: MakeRun) -> None:
    """Two scenes, of 1 and of -1 by themselves: a resample is one of them twice, or both."""
    up = {(method, "face", "hat"): (cons, 1 - cons) for method, cons in (("a", 0.5), ("b", 0.6), ("c", 0.7))}
    down = {(method, "bear", "panda"): (cons, cons) for method, cons in (("a", 0.5), ("b", 0.6), ("c", 0.7))}
    found = correlation(validate(make_run(up | down)), "clip_cons", None)
    half = float(stdtrit(1, 0.975)) * 2**0.5 * np.std([1, found.rho, found.rho, -1])
    assert half > 2  # so that the interval is cut to what a correlation can be
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (-1, 1)


def test_the_interval_is_that_of_all_resamples(make_run: MakeRun) -> None:
    """Five edits of one scene with one method each: against every one of the 5**5 resamples."""
    cons, errors = [0.1, 0.2, 0.3, 0.4, 0.5], [0.50, 0.49, 0.47, 0.48, 0.1]
    cells = {("a", "face", f"edit-{i}"): pair for i, pair in enumerate(zip(cons, errors, strict=True))}
    found = correlation(validate(make_run(cells)), "clip_cons", "face")
    draws = np.stack(np.meshgrid(*[range(5)] * 5), axis=-1).reshape(-1, 5)
    weights = np.stack([(draws == i).sum(axis=1) for i in range(5)], axis=1)
    half = float(stdtrit(4, 0.975)) * (5 / 4) ** 0.5 * np.std(spearman(cons, [-e for e in errors], weights))
    assert found.interval is not None
    assert found.interval.high == min(1.0, found.rho + half)
    assert found.interval.low == pytest.approx(found.rho - half, abs=0.03)


def test_an_edit_s_methods_and_seeds_are_drawn_together(make_run: MakeRun) -> None:
    cells = {(m, "face", "hat"): (c, 1 - c) for m, c in (("a", 0.5), ("b", 0.6), ("c", 0.7))}
    assert correlation(validate(make_run(cells, seeds=(0, 1, 2))), "clip_cons", "face").interval is None


def test_resamples_that_do_not_vary_give_no_interval(make_run: MakeRun) -> None:
    found = validate(make_run({("a", "face", f"edit-{i}"): (0.1 * i, 0.9 - 0.1 * i) for i in range(4)}))
    assert correlation(found, "clip_sim", "face").interval is None  # the same in every cell


def test_two_cells_are_no_ranking(make_run: MakeRun) -> None:
    found = validate(make_run({("a", "face", "hat"): (0.9, 0.1), ("b", "face", "hat"): (0.5, 0.2)}))
    assert found is not None
    assert found.correlations == ()


def test_without_known_geometry_there_is_nothing_to_say(make_run: MakeRun, example: CellResult) -> None:
    assert example.metrics is not None
    blind = example.metrics.model_copy(update={"reprojection": None})
    assert validate(make_run({("a", "face", "hat"): (0.9, 0.1)}, metrics=blind)) is None
    assert validate(make_run({("a", "face", "hat"): (0.9, 0.1)}, status="failed", metrics=None)) is None


def test_cons_is_fooled_by_the_input_as_it_is(make_run: MakeRun) -> None:
    run = make_run(
        {
            ("unedited", "face", "hat"): (1.0, 0.05),
            ("a", "face", "hat"): (0.7, 0.1),
            ("b", "face", "hat"): (0.4, 0.3),
            ("c", "face", "hat"): (0.995, 0.2),  # within the tolerance of 0.01
        }
    )
    found = validate(run)
    assert found is not None
    (case,) = [one for one in found.fooled if one.metric == "clip_cons" and "unedited" in one.better]
    assert case.better == "cells/unedited/face/hat/seed-0"
    assert case.worse == "cells/b/face/hat/seed-0"
    assert case.by == pytest.approx(0.6)
    assert case.why == "the input as it is scores above 2 of 3 edits"


def test_an_edit_that_agrees_less_and_scores_higher_fools_too(make_run: MakeRun) -> None:
    run = make_run(
        {
            ("a", "face", "hat"): (0.5, 0.40),
            ("b", "face", "hat"): (0.3, 0.10),  # by 0.2 x 0.3
            ("c", "face", "hat"): (0.1, 0.35),  # by 0.4 x 0.05
            ("d", "face", "wig"): (0.0, 0.00),  # another edit: not compared
        }
    )
    found = validate(run)
    assert found is not None
    cases = [one for one in found.fooled if one.metric == "clip_cons"]
    assert [(one.better[6], one.worse[6]) for one in cases] == [("a", "b"), ("a", "c")]
    assert cases[0].by == pytest.approx(0.2)
    assert cases[0].why == "relative error 0.400 against 0.100"


@pytest.mark.parametrize(("cons", "error"), [(0.505, 0.9), (0.9, 0.305)])
def test_a_margin_within_the_tolerance_is_no_case(make_run: MakeRun, cons: float, error: float) -> None:
    found = validate(make_run({("a", "face", "hat"): (cons, error), ("b", "face", "hat"): (0.5, 0.3)}))
    assert found is not None
    assert found.fooled == ()


def test_the_same_seed_gives_the_same_and_a_file_keeps_it(make_run: MakeRun) -> None:
    generator = np.random.default_rng(0)
    cells = {(m, s, e): tuple(generator.random(2)) for m in "abc" for s in ("x", "y", "z") for e in ("one", "two")}
    run = make_run(cells)
    found = validate(run, seed=3)
    assert found == validate(run, seed=3)
    assert found is not None
    assert MetricValidity.model_validate_json(found.model_dump_json()) == found
    assert found.assumptions == ASSUMPTIONS


def test_it_needs_no_torch() -> None:
    code = "import sys, benchmark.validity, benchmark.findings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
