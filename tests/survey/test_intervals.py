"""Bootstrap intervals clustered by scene."""

import numpy as np
import pytest
from scipy import stats

from survey.intervals import SceneBootstrap, scene_bootstrap, widened_levels
from survey.tallies import Tally


def test_the_levels_widen_as_a_t_interval_does() -> None:
    low, high = widened_levels(20)
    assert low == pytest.approx(stats.norm.cdf(-2.093024 * (20 / 19) ** 0.5), abs=1e-6)
    assert (low + high, low < 0.025) == (1, True)
    assert widened_levels(100_000) == pytest.approx((0.025, 0.975), abs=1e-4)


def test_every_resample_draws_as_many_scenes_as_there_are() -> None:
    draws = scene_bootstrap(7, resamples=50, seed=1)
    assert draws.weights.shape == (50, 7)
    assert (draws.weights.sum(axis=1) == 7).all()
    assert scene_bootstrap(7, resamples=50, seed=1) is draws
    assert (scene_bootstrap(7, resamples=50, seed=2).weights != draws.weights).any()


def test_a_scene_is_drawn_with_all_its_tasks() -> None:
    draws = SceneBootstrap(np.array([[2, 0], [1, 1], [0, 2]]))
    assert draws.rate(Tally(sums=(1, 6), tasks=(2, 3))).tolist() == [1 / 2, 7 / 5, 2]
    assert draws.mean((1.0, 3.0)).tolist() == [1, 2, 3]


def test_the_interval_of_a_mean_is_near_the_t_interval() -> None:
    values = tuple(np.random.default_rng(0).normal(3, 1, 20).tolist())
    draws = scene_bootstrap(20)
    found = draws.interval(draws.mean(values))
    assert found is not None
    low, high = stats.t.interval(0.95, 19, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.06)


def test_estimates_that_do_not_vary_or_are_missing_have_no_interval() -> None:
    draws = scene_bootstrap(5, resamples=100)
    assert draws.interval(np.zeros(100)) is None
    assert draws.interval(np.append(np.arange(99.0), np.nan)) is None
