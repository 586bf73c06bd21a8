"""Statistics: against scipy and statsmodels, by hand, and by what they promise in simulation."""

import itertools
from collections.abc import Callable, Hashable
from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from benchmark.samples import Place
from benchmark.statistics import (
    RANDOMISATIONS,
    edit_of,
    holm,
    pooled_deviation,
    scene_interval,
    scene_of,
    seed_deviation,
    sign_flip_p,
)

Unit = Callable[[Place], Hashable]


def one_a_scene(*values: float) -> dict[Place, float]:
    """A cell in each of so many scenes."""
    return {Place(f"scene {index}", "edit", 0): value for index, value in enumerate(values)}


def edits_of_a_scene(*values: float) -> dict[Place, float]:
    """So many edits of one scene."""
    return {Place("scene", f"edit {index}", 0): value for index, value in enumerate(values)}


def drawn(seed: int, scenes: int, edits: int, seeds: int) -> dict[Place, float]:
    """Cells that vary by scene, by edit and by seed, all about zero."""
    generator = np.random.default_rng(seed)
    scene, edit = generator.normal(size=(scenes, 1, 1)), generator.normal(size=(scenes, edits, 1))
    values = scene + edit + generator.normal(size=(scenes, edits, seeds))
    return {
        Place(f"scene {i}", f"edit {j}", k): float(values[i, j, k])
        for i, j, k in itertools.product(range(scenes), range(edits), range(seeds))
    }


@pytest.mark.parametrize("values", [(0.1, 0.2, 0.6), (1.0, -2.0, 0.5, 0.25, 4.0)])
def test_with_one_cell_a_scene_the_interval_is_student_s(values: tuple[float, ...]) -> None:
    student = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    interval = scene_interval(one_a_scene(*values))
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((student.low, student.high), rel=0.03)


def test_the_interval_is_that_of_cluster_robust_regression() -> None:
    values = drawn(seed=1, scenes=5, edits=4, seeds=3)
    scenes = [int(place.scene[-1]) for place in values]
    fit = OLS(list(values.values()), np.ones(len(values))).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.array(scenes), "use_correction": False, "df_correction": True},
        use_t=True,
    )
    half = stats.t.ppf(0.975, 4) * sqrt(5 / 4) * fit.bse[0]
    interval = scene_interval(values)
    assert interval is not None
    assert (interval.low + interval.high) / 2 == pytest.approx(fit.params[0])
    assert (interval.high - interval.low) / 2 == pytest.approx(half, rel=0.03)


def test_three_scenes_cover_the_truth_in_95_of_100_studies() -> None:
    intervals = [scene_interval(drawn(seed, scenes=3, edits=2, seeds=2)) for seed in range(600)]
    covered = np.mean([interval is not None and interval.low <= 0 <= interval.high for interval in intervals])
    assert 0.925 <= covered <= 0.975


def test_more_cells_that_say_the_same_do_not_make_it_surer() -> None:
    few = one_a_scene(0.1, 0.2, 0.6)
    many = {place._replace(seed=seed): value for place, value in few.items() for seed in range(10)}
    first, second = scene_interval(few), scene_interval(many)
    assert first is not None
    assert second is not None
    assert (second.low, second.high) == pytest.approx((first.low, first.high))


def test_the_mean_is_over_cells_whatever_the_scenes_sizes() -> None:
    values = {**edits_of_a_scene(1.0, 1.0, 1.0), Place("other", "edit", 0): 5.0}
    interval = scene_interval(values)
    assert interval is not None
    assert (interval.low + interval.high) / 2 == pytest.approx(2.0)


def test_one_scene_has_no_interval() -> None:
    assert scene_interval(edits_of_a_scene(0.1, 0.5, 0.9)) is None


def test_resamples_are_seeded() -> None:
    values = one_a_scene(0.1, 0.2, 0.6)
    assert scene_interval(values, seed=1) == scene_interval(values, seed=1) != scene_interval(values, seed=2)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.floats(-10, 10), min_size=2, max_size=6),
    st.floats(0.1, 5),
    st.floats(-5, 5),
)
def test_the_interval_moves_and_stretches_with_the_values(values: list[float], scale: float, shift: float) -> None:
    plain = scene_interval(one_a_scene(*values))
    moved = scene_interval(one_a_scene(*(scale * value + shift for value in values)))
    assert plain is not None
    assert moved is not None
    assert moved.low == pytest.approx(scale * plain.low + shift, abs=1e-6)
    assert moved.high == pytest.approx(scale * plain.high + shift, abs=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(-20, 20), min_size=2, max_size=9))
def test_sign_flips_agree_with_scipy(values: list[int]) -> None:
    reference = stats.permutation_test(
        (np.array(values, float),), lambda x, axis: x.sum(axis), permutation_type="samples", n_resamples=np.inf
    )
    # scipy doubles the smaller tail; the distribution is symmetric, so that is the part at least as far from zero.
    expected = min(1.0, reference.pvalue)
    assert sign_flip_p(one_a_scene(*map(float, values)), scene_of) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        ((0.1, 0.2, 0.3), 0.25),  # all of one sign: the data and their mirror image, of 8
        ((0.1, 0.2, -0.3), 1.0),  # a sum of zero, though rounding leaves 5e-17
        ((1.0, 2.0, 3.0, -0.5), 0.25),  # 5.5 and 6.5 and their mirror images, of 16
        ((0.0, 0.0), 1.0),
        ((0.7,), 1.0),
    ],
)
def test_sign_flips_by_hand(differences: tuple[float, ...], p: float) -> None:
    assert sign_flip_p(one_a_scene(*differences), scene_of) == p


@pytest.mark.parametrize(("unit", "p"), [(edit_of, 2 / 2**6), (scene_of, 2 / 2**3)])
def test_cells_of_a_unit_flip_together(unit: Unit, p: float) -> None:
    places = itertools.product(range(3), range(2), range(2))
    gains = {Place(f"scene {i}", f"edit {j}", k): 1.0 + i + j + k for i, j, k in places}
    assert sign_flip_p(gains, unit) == p


def test_above_thirty_units_flips_are_drawn_and_the_data_count_as_one() -> None:
    assert sign_flip_p(edits_of_a_scene(*[1.0] * 40), edit_of) == 1 / (RANDOMISATIONS + 1)


def test_drawn_flips_come_near_all_flips() -> None:
    signs = [1.0] * 22 + [-1.0] * 12
    assert sign_flip_p(edits_of_a_scene(*signs), edit_of) == pytest.approx(stats.binomtest(22, 34).pvalue, abs=0.01)


def test_all_flips_of_twenty_edits_are_the_binomial_test_where_all_differ_by_as_much() -> None:
    signs = [0.1] * 15 + [-0.1] * 5
    assert sign_flip_p(edits_of_a_scene(*signs), edit_of) == pytest.approx(stats.binomtest(15, 20).pvalue, rel=1e-12)


@pytest.mark.parametrize("size", [1, 7, 20])
def test_holm_agrees_with_statsmodels(size: int) -> None:
    p_values = np.random.default_rng(size).uniform(0, 0.2, size).tolist()
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])  # 3 x 0.01, 2 x 0.03, then no less than that


def test_holm_of_nothing_is_nothing() -> None:
    assert holm([]) == []


def test_seeds_deviate_within_edits_alone() -> None:
    values = {Place("face", "hat", 0): 1.0, Place("face", "hat", 1): 3.0, Place("bear", "panda", 0): 10.0}
    values |= {Place("bear", "panda", 1): 12.0}
    assert seed_deviation(values) == pytest.approx(sqrt(2))  # variances 2 and 2, one degree of freedom each
    assert seed_deviation(one_a_scene(1.0, 5.0)) is None


@settings(max_examples=30)
@given(st.lists(st.lists(st.floats(-5, 5), min_size=3, max_size=3), min_size=2, max_size=5))
def test_the_pooled_deviation_of_equal_groups_is_the_root_of_their_mean_variance(groups: list[list[float]]) -> None:
    assert pooled_deviation(groups) == pytest.approx(sqrt(np.var(groups, axis=1, ddof=1).mean()), abs=1e-9)
