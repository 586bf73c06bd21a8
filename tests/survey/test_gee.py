"""The clustered logistic model, beside what is known without fitting one."""

import numpy as np
import pytest

from survey.gee import FEWEST_SCENES, fit_gee
from survey.simulate import Design, simulate_counts
from survey.tallies import Tally, consistent

BALANCED = Tally((4, 2, 5, 1, 3, 4), (5,) * 6), Tally((2, 1, 3, 1, 2, 0), (5,) * 6)


def test_with_equal_numbers_of_raters_the_odds_ratio_is_the_observed_one() -> None:
    fit = fit_gee(*BALANCED)
    assert fit.odds_ratio == pytest.approx((19 * 21) / (11 * 9))
    assert (fit.converged, fit.note) == (True, "converged")
    assert fit.p_two_sided is not None
    assert 0.01 < fit.p_two_sided < 0.1


def test_swapping_the_methods_inverts_the_ratio() -> None:
    there, back = fit_gee(*BALANCED), fit_gee(*reversed(BALANCED))
    assert there.odds_ratio is not None
    assert back.odds_ratio == pytest.approx(1 / there.odds_ratio)
    assert back.p_two_sided == pytest.approx(there.p_two_sided)


def test_copies_of_a_rating_within_its_set_are_worth_nothing_new() -> None:
    tenfold = [Tally(tuple(10 * n for n in tally.sums), tuple(10 * n for n in tally.tasks)) for tally in BALANCED]
    assert fit_gee(*tenfold).p_two_sided == pytest.approx(fit_gee(*BALANCED).p_two_sided, rel=0.3)


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (Tally((1,) * 4, (5,) * 4), Tally((2,) * 4, (5,) * 4), f"at least {FEWEST_SCENES}"),
        (Tally((0,) * 6, (5,) * 6), BALANCED[1], "0 or 100 %"),
        (BALANCED[0], Tally((5,) * 6, (5,) * 6), "0 or 100 %"),
    ],
)
def test_where_there_is_no_fit_the_reason_is_told(first: Tally, second: Tally, reason: str) -> None:
    fit = fit_gee(first, second)
    assert (fit.odds_ratio, fit.p_two_sided, fit.converged) == (None, None, False)
    assert fit.note.startswith("not estimable: ")
    assert reason in fit.note


def test_whatever_the_study_it_ends_with_a_word() -> None:
    generator = np.random.default_rng(0)
    for means in ((0.1, 4.0), (2.0, 2.0), (8.0, 0.3)):
        for _ in range(10):
            study = simulate_counts(Design(scenes=6, raters_per_set=2, raters=6, means=means, set_sd=1.0), generator)
            fit = fit_gee(study.tally(0, consistent), study.tally(1, consistent))
            assert (fit.p_two_sided is None) == fit.note.startswith("not estimable")
            assert fit.p_two_sided is None or 0 <= fit.p_two_sided <= 1
