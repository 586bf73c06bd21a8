"""Intervals and tests for means over cells that come in scenes. Seeded; no torch.

The cells of a scene are alike, and so are the seeds of an edit: thirty cells of three scenes are not thirty
independent observations. Intervals therefore draw whole scenes anew, with all edits and seeds in them.

What three scenes can give. The range of three scenes covers their mean in only 75 of 100 studies, so that percentiles
of a bootstrap cannot be 95 % intervals. The bootstrap's standard error can: with a t quantile of (scenes - 1) degrees
of freedom it covers 94 - 96 % in simulations with three scenes, one to seven edits each and one to five seeds. That
quantile is 4.3, so the interval is wide. Drawing edits and seeds within the drawn scenes as well would count their
variation twice (98 - 100 %). A test over three scenes has no p-value below 2 / 2**3 = 0.25.
"""

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from math import fsum, sqrt
from statistics import fmean

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import stdtrit

from benchmark.results import Record
from benchmark.samples import Place, Values

LEVEL = 0.95
RESAMPLES = 10_000
"""Draws of scenes: the standard error is known to about 1 %."""

EXACT_UP_TO = 30
"""Units up to which all sign flips are counted: 2**15 sums of either half; the catalogue has twenty edits."""

RANDOMISATIONS = 20_000
"""Sign flips that are drawn where there are more units; the paper's number."""

ROUNDING = 1e-9
"""Sums closer than this part of the sum of magnitudes are ties that rounding parted."""


class Interval(Record):
    """A two-sided 95 % interval."""

    low: float = Field(description="lower end")
    high: float = Field(description="upper end")


def scene_of(place: Place) -> Hashable:
    """The scene as a unit: what is found is to hold for other scenes of the kind."""
    return place.scene


def edit_of(place: Place) -> Hashable:
    """The edit of a scene as a unit: what is found is to hold for these scenes."""
    return place.scene, place.edit


def scene_interval(values: Values, seed: int = 0) -> Interval | None:
    """Bootstrap-t interval of the mean over cells, clustered by scene; None with fewer than two scenes.

    mean +- t * sqrt(A / (A - 1)) * standard deviation of the mean over resamples of the A scenes, with a t quantile of
    A - 1 degrees of freedom. Assumes that the scenes are independent draws of those one means to speak of.
    T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American Statistician 69, 2015, section 5.
    """
    groups = _grouped(values, scene_of)
    scenes = len(groups)
    if scenes < 2:
        return None
    drawn = unit_draws(scenes, seed)
    means = drawn @ np.array([fsum(group) for group in groups]) / (drawn @ np.array([len(group) for group in groups]))
    half = half_width(float(means.std()), scenes)
    mean = fmean(values.values())
    return Interval(low=mean - half, high=mean + half)


def sign_flip_p(differences: Values, unit: Callable[[Place], Hashable], seed: int = 0) -> float:
    """Two-sided p-value of paired differences: how often random signs give a mean at least as far from zero.

    All cells of a unit flip together. Exact up to 30 units; above, 20,000 flips are drawn and the data count as one of
    them. Assumes that units are independent and that, without an effect, the two methods could be swapped in each.
    """
    sums = np.array([fsum(group) for group in _grouped(differences, unit)])
    observed = abs(fsum(sums)) - ROUNDING * float(abs(sums).sum())
    if len(sums) <= EXACT_UP_TO:
        return _part_beyond(sums, observed)
    signs = 2 * np.random.default_rng(seed).integers(0, 2, (RANDOMISATIONS, len(sums))) - 1
    return (int(np.sum(abs(signs @ sums) >= observed)) + 1) / (RANDOMISATIONS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction of a family of p-values, in their order, whatever their dependence."""
    order = np.argsort(p_values, kind="stable")
    steps = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(p) for p in corrected]


def seed_deviation(values: Values) -> float | None:
    """Standard deviation between seeds of one edit, pooled over edits; None where no edit has two seeds."""
    return pooled_deviation(_grouped(values, edit_of))


def pooled_deviation(groups: Sequence[Sequence[float]]) -> float | None:
    """Standard deviation within groups, pooled; None where no group has two values."""
    freedom = sum(len(group) - 1 for group in groups)
    if not freedom:
        return None
    return sqrt(fsum((value - fmean(group)) ** 2 for group in groups for value in group) / freedom)


def _grouped(values: Values, unit: Callable[[Place], Hashable]) -> list[list[float]]:
    groups: dict[Hashable, list[float]] = {}
    for place in sorted(values):
        groups.setdefault(unit(place), []).append(values[place])
    return list(groups.values())


@lru_cache(maxsize=8)
def unit_draws(units: int, seed: int) -> NDArray[np.float64]:
    """How often each unit (a scene, say) is drawn, [resamples, units]."""
    draws = np.random.default_rng(seed).multinomial(units, np.full(units, 1 / units), size=RESAMPLES)
    return draws.astype(np.float64)


def half_width(deviation: float, units: int) -> float:
    """Half of a bootstrap-t interval, from a statistic's standard deviation over resamples of so many units."""
    return float(stdtrit(units - 1, (1 + LEVEL) / 2)) * sqrt(units / (units - 1)) * deviation


def _part_beyond(sums: NDArray[np.float64], observed: float) -> float:
    """The part of all sign flips whose total is at least so far from zero.

    Each total is one of the first half's plus one of the second's, which are sorted: a search for each of the first.
    """
    half = len(sums) // 2
    first, second = _flipped(sums[:half]), np.sort(_flipped(sums[half:]))
    above = len(second) - np.searchsorted(second, observed - first, side="left")
    below = np.searchsorted(second, -observed - first, side="right")
    return min(1.0, (int(above.sum()) + int(below.sum())) / float(2 ** len(sums)))


def _flipped(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The total under every choice of signs, [2 ** units]."""
    totals = np.zeros(1)
    for value in sums:
        totals = np.concatenate([totals - value, totals + value])
    return totals
