"""Exact tests of counts in whole-number arithmetic: the binomial sign test and Fisher's test."""

from dataclasses import dataclass
from fractions import Fraction
from math import comb

from mix2mix.errors import InputError

MAX_COUNT = 10_000
"""Exact sums over more would take minutes."""


@dataclass(frozen=True)
class Tails:
    """P-values: one-sided for the first being better, and two-sided."""

    p_one_sided: float
    p_two_sided: float


@dataclass(frozen=True)
class Share:
    """So many of so many, 0 <= hits <= tasks."""

    hits: int
    tasks: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.tasks or not 0 < self.tasks <= MAX_COUNT:
            raise InputError(
                "a count",
                got=f"{self.hits}/{self.tasks}",
                expected=f"hits/tasks with 0 <= hits <= tasks and 1 <= tasks <= {MAX_COUNT}",
                fix="Give it as in 65/100.",
            )

    @property
    def rate(self) -> float:
        """The part that hits are of the tasks, 0 to 1."""
        return self.hits / self.tasks


def sign_test(wins: int, losses: int) -> Tails:
    """Binomial sign test of wins against losses, ties left out; one-sided for more wins than losses.

    Assumes that the scenes are independent, and that each is won or lost with equal chance where no method is better.
    """
    played = wins + losses
    at_least = sum(comb(played, count) for count in range(wins, played + 1))
    at_most = sum(comb(played, count) for count in range(wins + 1))
    everything = 2**played
    two_sided = min(2 * min(at_least, at_most), everything)
    return Tails(float(Fraction(at_least, everything)), float(Fraction(two_sided, everything)))


def fisher_test(first: Share, second: Share, *, more_is_better: bool) -> Tails:
    """Fisher's exact test of two rates; one-sided for the first rate being better.

    Two-sided adds the tables that are as unlikely as the one given, or more so. Assumes that all tasks are independent.
    """
    hits = first.hits + second.hits
    weights = dict.fromkeys(range(max(0, hits - second.tasks), min(hits, first.tasks) + 1), 0)
    weight = comb(first.tasks, min(weights)) * comb(second.tasks, hits - min(weights))
    for count in weights:
        weights[count] = weight
        weight = weight * (first.tasks - count) * (hits - count)
        weight //= (count + 1) * (second.tasks - hits + count + 1)
    everything = sum(weights.values())
    tail = sum(weight for count, weight in weights.items() if _as_good(count, first.hits, more_is_better))
    rare = sum(weight for weight in weights.values() if weight <= weights[first.hits])
    return Tails(float(Fraction(tail, everything)), float(Fraction(rare, everything)))


def _as_good(count: int, observed: int, more_is_better: bool) -> bool:
    return count >= observed if more_is_better else count <= observed
