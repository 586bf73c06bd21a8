"""The sign-flip test: hand-computed, by brute force, and as scipy has it."""

from itertools import product
from operator import mul

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import permutation_test

from survey.signflip import EXACT_UP_TO, sampled_sign_flip_test, sign_flip_test

SMALL = st.lists(st.integers(-9, 9), max_size=10)
HUGE = 10**30


def brute_force(differences: list[int]) -> tuple[float, float]:
    """One- and two-sided p-values by all sign flips."""
    sums = [sum(map(mul, signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    observed = sum(differences)
    return (
        sum(total <= observed for total in sums) / len(sums),
        sum(abs(total) >= abs(observed) for total in sums) / len(sums),
    )


def test_three_scenes_by_hand() -> None:
    tails = sign_flip_test([-1, -2, -3])
    assert (tails.p_one_sided, tails.p_two_sided) == (1 / 8, 2 / 8)
    tails = sign_flip_test([-1, -2, 3])
    assert (tails.p_one_sided, tails.p_two_sided) == (5 / 8, 1)
    tails = sign_flip_test([0, -2, -2])
    assert (tails.p_one_sided, tails.p_two_sided) == (1 / 4, 1 / 2)


def test_no_scene_and_no_difference_tell_nothing() -> None:
    assert sign_flip_test([]).p_two_sided == sign_flip_test([0, 0, 0]).p_two_sided == 1


@given(SMALL, st.sampled_from([1, HUGE]))
def test_it_is_brute_force(differences: list[int], scale: int) -> None:
    tails = sign_flip_test([scale * value for value in differences])
    assert (tails.p_one_sided, tails.p_two_sided) == brute_force(differences)


@given(SMALL)
def test_swapping_the_methods_mirrors_it(differences: list[int]) -> None:
    there, back = sign_flip_test(differences), sign_flip_test([-value for value in differences])
    assert there.p_two_sided == back.p_two_sided
    assert there.p_one_sided + back.p_one_sided >= 1


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_scipy(seed: int) -> None:
    differences = np.random.default_rng(seed).integers(-12, 8, 13)
    for alternative, p in (
        ("two-sided", sign_flip_test(differences.tolist()).p_two_sided),
        ("less", sign_flip_test(differences.tolist()).p_one_sided),
    ):
        exact = permutation_test(
            (differences,), np.sum, permutation_type="samples", alternative=alternative, n_resamples=np.inf
        )
        assert p == pytest.approx(exact.pvalue, rel=1e-12)


def test_thirty_equal_differences_have_the_smallest_p_value() -> None:
    assert sign_flip_test([-1] * EXACT_UP_TO).p_two_sided == 2 / 2**EXACT_UP_TO
    assert sign_flip_test([-HUGE] * EXACT_UP_TO).p_one_sided == 1 / 2**EXACT_UP_TO


def test_ties_that_floats_would_miss_are_counted() -> None:
    tenths = [1, 2, -3]
    assert sum(value / 10 for value in tenths) != 0
    assert sign_flip_test(tenths).p_two_sided == 1


def test_the_sampled_test_is_near_the_exact_one_and_repeats_for_its_seed() -> None:
    differences = np.random.default_rng(7).integers(-12, 8, 20).tolist()
    exact, sampled = sign_flip_test(differences), sampled_sign_flip_test(differences, seed=3)
    error = (exact.p_two_sided * (1 - exact.p_two_sided) / 20_000) ** 0.5
    assert sampled.p_two_sided == pytest.approx(exact.p_two_sided, abs=4 * error)
    assert sampled.p_one_sided == pytest.approx(exact.p_one_sided, abs=4 * error)
    assert sampled == sampled_sign_flip_test(differences, seed=3) != sampled_sign_flip_test(differences, seed=4)


def test_the_sampled_test_counts_the_data_and_is_never_zero() -> None:
    assert sampled_sign_flip_test([-1] * 60, resamples=999).p_two_sided == 1 / 1000
    assert sampled_sign_flip_test([0, 0], resamples=999).p_two_sided == 1


def test_the_sampled_test_adds_huge_numbers_exactly() -> None:
    differences = np.random.default_rng(1).integers(-9, 6, 12).tolist()
    huge = [HUGE * value for value in differences]
    assert sampled_sign_flip_test(huge, 2_000) == sampled_sign_flip_test(differences, 2_000)
