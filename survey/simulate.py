"""Simulated studies with known effects, labelled as such: for tests, demonstrations and power.

A task's number of pairs is Poisson; the logarithm of its mean is the method's, plus normal effects of the scene (all
methods alike), of the set (this method on this scene) and of the rater. What is asked for is what is true of such a
study: a method's mean is its mean over all scenes, sets and raters there could be.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from mix2mix.errors import InputError
from survey.cells import MAX_PAIRS
from survey.tallies import Measure, Tally

CARELESS_UP_TO = 6
"""A careless rater marks 0 to so many pairs, whatever there is to see."""

QUADRATURE = 80
"""Nodes of the Gauss-Hermite rule that averages over scenes, sets and raters."""


@dataclass(frozen=True)
class Design:
    """A study to simulate; the defaults come near the published one.

    `means`: the methods' mean numbers of pairs a task. `raters_per_set` of `raters` see each set. The three `_sd` are
    standard deviations on the logarithmic scale. `between`: a rater sees one method only. `careless`: the part of the
    raters who mark at random and fail the attention trials; no mean speaks of them.
    """

    scenes: int = 20
    raters_per_set: int = 5
    raters: int = 20
    means: tuple[float, ...] = (1.34, 2.02)
    scene_sd: float = 0.4
    set_sd: float = 0.3
    rater_sd: float = 0.3
    between: bool = False
    careless: float = 0.0

    def __post_init__(self) -> None:
        spreads = (self.scene_sd, self.set_sd, self.rater_sd)
        pool = self.raters // (len(self.means) if self.between else 1)
        for name, value, valid, expected in (
            ("scenes", self.scenes, 1 <= self.scenes <= 1000, "1 to 1000"),
            ("raters per set", self.raters_per_set, 1 <= self.raters_per_set <= pool, f"1 to {pool}, those there are"),
            ("raters", self.raters, self.raters <= 1000, "at most 1000"),
            (
                "mean pairs",
                self.means,
                len(self.means) > 1 and all(0 < mean <= 50 for mean in self.means),
                "above 0, at most 50",
            ),
            ("spreads", spreads, all(0 <= spread <= 2 for spread in spreads), "0 to 2 each"),
            ("careless", self.careless, 0 <= self.careless < 1, "a part from 0 to below 1"),
        ):
            if not valid:
                raise InputError(f"a simulated study's {name}", got=value, expected=expected, fix="Change the option.")

    @property
    def sd(self) -> float:
        """The standard deviation of all three effects together, on the logarithmic scale."""
        return sqrt(self.scene_sd**2 + self.set_sd**2 + self.rater_sd**2)

    def true_rate(self, method: int, measure: Measure) -> float:
        """The mean of a measure over all tasks of a method that there could be."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE)
        values = np.array([measure(count) for count in range(MAX_PAIRS)])
        means = self.means[method] * np.exp(self.sd * nodes - self.sd**2 / 2)
        chances = stats.poisson.pmf(np.arange(MAX_PAIRS), means[:, None])
        return float(weights @ chances @ values / sqrt(2 * pi))


@dataclass(frozen=True)
class SimulatedCounts:
    """Pairs marked, and by which rater, [methods, scenes, raters per set]; which raters are careless, [raters]."""

    counts: NDArray[np.int64]
    raters: NDArray[np.int64]
    careless: NDArray[np.bool_]

    def tally(self, method: int, measure: Measure) -> Tally:
        """A measure of one method by scenes."""
        measured = np.array([[measure(count) for count in scene] for scene in self.counts[method].tolist()])
        return Tally(tuple(measured.sum(axis=1).tolist()), (measured.shape[1],) * len(measured))


def simulate_counts(design: Design, generator: np.random.Generator) -> SimulatedCounts:
    """Draw one study."""
    methods = len(design.means)
    raters = _assignment(design, generator)
    level = np.log(design.means)[:, None, None] - design.sd**2 / 2
    level = level + generator.normal(0, design.scene_sd, (1, design.scenes, 1))
    level = level + generator.normal(0, design.set_sd, (methods, design.scenes, 1))
    level = level + generator.normal(0, design.rater_sd, design.raters)[raters]
    counts = np.minimum(generator.poisson(np.exp(level)), MAX_PAIRS)
    careless = generator.random(design.raters) < design.careless
    guesses = generator.integers(0, CARELESS_UP_TO, counts.shape, endpoint=True)
    return SimulatedCounts(np.where(careless[raters], guesses, counts), raters, careless)


def _assignment(design: Design, generator: np.random.Generator) -> NDArray[np.int64]:
    """Raters of each set: those with the fewest tasks so far, ties by lot, [methods, scenes, raters per set]."""
    methods = len(design.means)
    raters = np.zeros((methods, design.scenes, design.raters_per_set), np.int64)
    load = np.zeros(design.raters)
    for place in generator.permutation(methods * design.scenes).tolist():
        method, scene = divmod(place, design.scenes)
        allowed = np.arange(design.raters) % methods == method if design.between else np.ones(design.raters, bool)
        order = np.argsort(np.where(allowed, load + generator.random(design.raters), np.inf))
        raters[method, scene] = order[: design.raters_per_set]
        load[raters[method, scene]] += 1
    return raters
