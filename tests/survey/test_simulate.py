"""Simulated studies have the effects that were asked for."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mix2mix.errors import InputError
from survey.simulate import CARELESS_UP_TO, Design, simulate_counts
from survey.tallies import Tally, consistent, inconsistent, marked

SPREAD = Design(scenes=200, raters=80, scene_sd=0.4, set_sd=0.3, rater_sd=0.3)


def test_without_spread_the_true_rates_are_poisson_s() -> None:
    plain = Design(means=(1.34, 2.02), scene_sd=0, set_sd=0, rater_sd=0)
    assert plain.true_rate(0, consistent) == pytest.approx(stats.poisson.cdf(1, 1.34))
    assert plain.true_rate(1, inconsistent) == pytest.approx(stats.poisson.sf(2, 2.02))


def test_the_stated_mean_is_the_true_one_whatever_the_spread() -> None:
    assert [SPREAD.true_rate(method, marked) for method in (0, 1)] == pytest.approx(SPREAD.means)
    assert replace(SPREAD, set_sd=0.9).true_rate(1, marked) == pytest.approx(2.02)


def test_many_studies_have_the_true_rates() -> None:
    generator = np.random.default_rng(0)
    studies = [simulate_counts(SPREAD, generator) for _ in range(40)]
    for method in (0, 1):
        for measure in (marked, consistent, inconsistent):
            means = [study.tally(method, measure).mean for study in studies]
            error = np.std(means, ddof=1) / np.sqrt(len(means))
            assert np.mean(means) == pytest.approx(SPREAD.true_rate(method, measure), abs=4 * error)


def test_spread_of_sets_makes_their_ratings_alike() -> None:
    def spread(design: Design) -> float:
        counts = simulate_counts(design, np.random.default_rng(0)).counts[0]
        return float(counts.mean(axis=1).var() / counts.mean(axis=1).mean())

    alike = Design(scenes=500, raters=50, scene_sd=0, set_sd=0, rater_sd=0)
    assert spread(alike) == pytest.approx(1 / 5, rel=0.2)
    assert spread(replace(alike, set_sd=0.8)) > 0.6


@pytest.mark.parametrize("between", [False, True])
def test_every_set_has_its_raters_and_raters_have_equal_loads(between: bool) -> None:
    study = simulate_counts(Design(between=between), np.random.default_rng(3))
    assert study.raters.shape == study.counts.shape == (2, 20, 5)
    assert all(len(set(raters)) == 5 for method in study.raters.tolist() for raters in method)
    assert set(np.bincount(study.raters.ravel(), minlength=20)) == {10}
    assert between == (not set(study.raters[0].ravel()) & set(study.raters[1].ravel()))


def test_careless_raters_mark_at_random() -> None:
    study = simulate_counts(Design(scenes=400, raters=60, careless=0.5), np.random.default_rng(1))
    guesses = study.counts[study.careless[study.raters]]
    assert set(guesses.tolist()) == set(range(CARELESS_UP_TO + 1))
    assert guesses.mean() == pytest.approx(CARELESS_UP_TO / 2, abs=0.2)


def test_a_tally_sums_the_raters_of_a_scene() -> None:
    study = simulate_counts(Design(scenes=3), np.random.default_rng(0))
    assert study.tally(1, marked) == Tally(tuple(study.counts[1].sum(axis=1).tolist()), (5, 5, 5))
    assert study.tally(0, consistent).sums == tuple((study.counts[0] <= 1).sum(axis=1).tolist())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"scenes": 0}, "scenes"),
        ({"raters_per_set": 21}, "raters per set"),
        ({"raters_per_set": 11, "between": True}, "raters per set"),
        ({"raters": 1001}, "raters"),
        ({"means": (1.0,)}, "mean pairs"),
        ({"means": (0.0, 1.0)}, "mean pairs"),
        ({"set_sd": -1.0}, "spreads"),
        ({"rater_sd": float("nan")}, "spreads"),
        ({"careless": 1.0}, "careless"),
    ],
)
def test_a_study_that_cannot_be_is_refused(change: dict[str, object], what: str) -> None:
    with pytest.raises(InputError, match=f"a simulated study's {what}: got"):
        Design(**change)  # type: ignore[arg-type]
