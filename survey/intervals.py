"""Bootstrap intervals clustered by scene: whole scenes are drawn anew, with all ratings of them.

Assumes that the scenes are a random sample of those that one means to speak of, independent of each other. With few
scenes plain percentiles are too narrow; the levels are widened as a t interval for a mean would be
(T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, section 5.3).
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from survey.tallies import Tally

LEVEL = 0.95
RESAMPLES = 10_000

Estimates = NDArray[np.float64]
"""One estimate a resample; not finite where a resample has none."""


@dataclass(frozen=True)
class Interval:
    """A two-sided interval."""

    low: float
    high: float


@dataclass(frozen=True)
class SceneBootstrap:
    """Resamples of scenes: how often each scene is drawn, [resamples, scenes]."""

    weights: NDArray[np.int64]

    def mean(self, values: tuple[float, ...]) -> Estimates:
        """The mean over scenes, in every resample."""
        return np.asarray(self.weights @ np.asarray(values) / self.weights.shape[1])

    def rate(self, tally: Tally) -> Estimates:
        """The mean over tasks, in every resample."""
        return np.asarray(self.weights @ np.array(tally.sums) / (self.weights @ np.array(tally.tasks)))

    def interval(self, estimates: Estimates) -> Interval | None:
        """The widened percentile interval; None where the estimates do not vary, or a resample has none."""
        if not np.isfinite(estimates).all() or np.ptp(estimates) == 0:
            return None
        low, high = np.quantile(estimates, widened_levels(self.weights.shape[1]))
        return Interval(float(low), float(high))


@lru_cache(maxsize=4)
def scene_bootstrap(scenes: int, resamples: int = RESAMPLES, seed: int = 0) -> SceneBootstrap:
    """Draw the resamples."""
    generator = np.random.default_rng(seed)
    return SceneBootstrap(generator.multinomial(scenes, np.full(scenes, 1 / scenes), size=resamples))


def widened_levels(scenes: int, level: float = LEVEL) -> tuple[float, float]:
    """The percentiles to take, as parts of 1, for the stated level with that many scenes (at least two)."""
    quantile = stats.t.ppf((1 - level) / 2, scenes - 1) * sqrt(scenes / (scenes - 1))
    low = float(stats.norm.cdf(quantile))
    return low, 1 - low
