"""Two methods against each other: hand-computed, mirrored, and corrected by Holm."""

import pytest

from benchmark.statistics import holm
from mix2mix.errors import InputError
from survey.comparison import FAMILY, Settings, compare, rate_interval, sign_flip, with_holm
from survey.simulate import Design
from survey.simulated_ratings import simulate_ratings
from survey.tallies import SceneKey, Tally, counts_by_method

QUICK = Settings(randomisations=500, resamples=500)
A, B, C = (SceneKey("face", edit) for edit in "abc")
COUNTS = {
    "x": {A: [0, 1], B: [1, 1], C: [2, 5]},
    "y": {A: [3, 3], B: [1, 4, 1], C: [3]},
}


def test_three_scenes_by_hand() -> None:
    found = compare(COUNTS, "x", "y", QUICK)
    tests = found.tests
    assert found.n_scenes == tests.sign_flip.n_scenes == 3
    # Differences 0.5 - 3, 1 - 2, 3.5 - 3: of the eight sums of signs only +-(2.5 + 1 + 0.5) and +-3 reach 3.
    assert tests.sign_flip.mean_difference == pytest.approx((-2.5 - 1 + 0.5) / 3)
    assert (tests.sign_flip.p_two_sided, tests.sign_flip.p_one_sided) == (4 / 8, 2 / 8)
    assert (tests.wins.wins, tests.wins.losses, tests.wins.ties) == (2, 1, 0)
    assert (tests.wins.p_one_sided, tests.wins.p_two_sided) == (4 / 8, 1)
    assert tests.consistent.counts == ((4, 6), (2, 6))
    assert tests.inconsistent.counts == ((1, 6), (4, 6))
    assert tests.consistent.p_one_sided == pytest.approx((15 * 15 + 6 * 6 + 1 * 1) / 924)


def test_the_clustered_rate_tests_flip_the_scenes_rates() -> None:
    tests = compare(COUNTS, "x", "y", QUICK).tests
    assert tests.consistent.clustered is not None
    assert tests.inconsistent.clustered is not None
    # Consistent rates 1 - 0, 1 - 2/3, 0 - 0; inconsistent 0 - 1, 0 - 1/3, 1/2 - 1: for both the first method is better.
    assert tests.consistent.clustered.mean_difference == pytest.approx((1 + 1 / 3) / 3)
    assert tests.inconsistent.clustered.mean_difference == pytest.approx((-1 - 1 / 3 - 1 / 2) / 3)
    assert (tests.consistent.clustered.p_one_sided, tests.consistent.clustered.p_two_sided) == (2 / 8, 4 / 8)
    assert (tests.inconsistent.clustered.p_one_sided, tests.inconsistent.clustered.p_two_sided) == (1 / 8, 2 / 8)


def test_swapping_the_methods_mirrors_everything() -> None:
    there, back = compare(COUNTS, "x", "y", QUICK), compare(COUNTS, "y", "x", QUICK)
    assert back.tests.sign_flip.mean_difference == -there.tests.sign_flip.mean_difference
    for name in FAMILY:
        assert getattr(back.tests, name).p_two_sided == getattr(there.tests, name).p_two_sided
    assert back.effects.superiority == pytest.approx(1 - there.effects.superiority)
    assert back.effects.inconsistent_difference == -there.effects.inconsistent_difference


def test_only_common_scenes_are_compared() -> None:
    lacking = {"x": COUNTS["x"], "y": {key: counts for key, counts in COUNTS["y"].items() if key != A}}
    found = compare(lacking, "x", "y", QUICK)
    assert found.n_scenes == 2
    assert found.tests.consistent.counts == ((2, 4), (2, 4))
    with pytest.raises(InputError, match="no scene and edit that both were rated on"):
        compare({"x": {A: [1]}, "y": {B: [1]}}, "x", "y", QUICK)


def test_one_scene_is_enough_for_an_answer_without_intervals() -> None:
    found = compare({"x": {A: [1, 2]}, "y": {A: [1]}}, "x", "y", QUICK)
    assert found.tests.sign_flip.p_two_sided == 1
    assert found.effects.mean_difference_interval is None
    assert rate_interval(Tally((1,), (2,)), QUICK) is None


def test_above_thirty_scenes_the_test_is_sampled_and_says_so() -> None:
    assert sign_flip([-1, 2] * 15, QUICK)[1] is True
    assert sign_flip([-1, 2] * 16, QUICK)[1] is False
    counts = counts_by_method(simulate_ratings(Design(scenes=31, raters=40), ["x", "y"]))
    tests = compare(counts, "x", "y", QUICK).tests
    assert tests.sign_flip.exact is False
    assert tests.sign_flip.p_two_sided == tests.sign_flip_sampled.p_two_sided


def test_holm_is_over_the_published_tests_of_all_comparisons() -> None:
    counts = counts_by_method(simulate_ratings(Design(means=(1.0, 1.5, 2.5)), ["x", "y", "z"]))
    pairs = [("x", "y"), ("x", "z"), ("y", "z")]
    corrected = with_holm([compare(counts, *pair, QUICK) for pair in pairs])
    tests = [getattr(comparison.tests, name) for comparison in corrected for name in FAMILY]
    assert [test.p_holm for test in tests] == holm([test.p_two_sided for test in tests])
