"""Effect sizes of one method against another, first minus second; each says how large, none whether by chance."""

from dataclasses import dataclass
from statistics import stdev

from survey.tallies import Differences, Tally


@dataclass(frozen=True)
class Wins:
    """Scenes whose mean is lower for the first method, for the second, and the same."""

    wins: int
    losses: int
    ties: int

    @property
    def superiority(self) -> float:
        """The chance that the first method is the better one in a scene, ties counted half."""
        return (self.wins + self.ties / 2) / (self.wins + self.losses + self.ties)


def count_wins(differences: Differences) -> Wins:
    """Compare the exact means of each scene."""
    signs = [(number > 0) - (number < 0) for number in differences.numerators]
    return Wins(signs.count(-1), signs.count(1), signs.count(0))


def standardised_difference(differences: Differences) -> float | None:
    """Cohen's d_z: mean difference over the standard deviation of differences; None where they do not vary."""
    spread = stdev(differences.values) if len(differences.values) > 1 else 0.0
    return differences.mean / spread if spread else None


def ratio_of_means(first: Tally, second: Tally) -> float | None:
    """Mean pairs a task of the first method over the second's; None where the second has none."""
    return first.mean / second.mean if second.total else None


def odds_ratio(first: Tally, second: Tally) -> float | None:
    """Odds of the first method's tasks over the second's, as observed; None where a product of counts is zero."""
    against = (first.all_tasks - first.total) * second.total
    return first.total * (second.all_tasks - second.total) / against if against else None
