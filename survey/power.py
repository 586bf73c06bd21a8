"""The power of each test, by simulation: how often a study of that size finds an effect of that size."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from benchmark.formats import Table
from survey.comparison import Paired, Settings, clustered_test, sign_flip
from survey.effects import count_wins
from survey.exact import Share, fisher_test, sign_test
from survey.simulate import Design, SimulatedCounts, simulate_counts
from survey.tallies import Tally, consistent, differences, inconsistent, marked

ALPHA = 0.05


@dataclass(frozen=True)
class Rejections:
    """How many of the studies a test rejected in at the level `ALPHA`."""

    rejected: int
    studies: int

    @property
    def rate(self) -> float:
        """The part of the studies, 0 to 1."""
        return self.rejected / self.studies

    @property
    def error(self) -> float:
        """The standard error of `rate` from the number of studies."""
        return sqrt(self.rate * (1 - self.rate) / self.studies)


def simulate_power(design: Design, studies: int, seed: int = 0) -> dict[str, Rejections]:
    """The power of every two-sided test that is quick, by its name; the design's first method against its second."""
    generator = np.random.default_rng(seed)
    return count_rejections(p_values(paired(simulate_counts(design, generator))) for _ in range(studies))


def power_table(effects: Sequence[float], found: Sequence[Mapping[str, Rejections]]) -> Table:
    """A row a test, a column an effect: power in per cent with its standard error."""
    rows = tuple(
        (test, *(f"{100 * by_test[test].rate:.1f} ± {100 * by_test[test].error:.1f}" for by_test in found))
        for test in found[0]
    )
    title = f"Power at {ALPHA}, two-sided, % of {next(iter(found[0].values())).studies} SIMULATED studies"
    return Table(title, "", ("Test", *(f"effect {effect:+g}" for effect in effects)), rows)


def power_record(found: Mapping[str, Rejections]) -> dict[str, dict[str, float]]:
    """The same for machines: power and its standard error as parts of 1, under names without spaces."""
    return {
        re.sub(r"[^a-z]+", "_", test): {"power": counted.rate, "standard_error": counted.error}
        for test, counted in found.items()
    }


def count_rejections(studies: Iterable[Mapping[str, float | None]]) -> dict[str, Rejections]:
    """Count by test over the p-values of studies; a test without a p-value does not reject."""
    rejected: dict[str, int] = {}
    total = 0
    for found in studies:
        total += 1
        for name, p in found.items():
            rejected[name] = rejected.get(name, 0) + (p is not None and p <= ALPHA)
    return {name: Rejections(count, total) for name, count in rejected.items()}


def paired(study: SimulatedCounts) -> Paired:
    """The first two methods of a simulated study."""
    by_measure = ((study.tally(0, measure), study.tally(1, measure)) for measure in (marked, consistent, inconsistent))
    return Paired(*by_measure)


def p_values(study: Paired) -> dict[str, float | None]:
    """Two-sided p-values of the tests that are quick."""
    found = differences(*study.marked)
    wins = count_wins(found)
    return {
        "sign flip": sign_flip(found.numerators, Settings())[0].p_two_sided,
        "wins, sign test": sign_test(wins.wins, wins.losses).p_two_sided,
        **_rate_p_values("consistent", *study.consistent),
        **_rate_p_values("inconsistent", *study.inconsistent),
    }


def _rate_p_values(name: str, first: Tally, second: Tally) -> dict[str, float]:
    shares = Share(first.total, first.all_tasks), Share(second.total, second.all_tasks)
    return {
        f"{name}, Fisher": fisher_test(*shares, more_is_better=True).p_two_sided,
        f"{name}, sign flip by scene": clustered_test(first, second, Settings(), more_is_better=True).p_two_sided,
    }
