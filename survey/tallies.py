"""From ratings to whole numbers: what the raters of each scene marked, method by method.

A scene is here what the paper calls so: one edit of one scene.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd, lcm
from typing import NamedTuple

from survey.ratings import Rating

CONSISTENT_UP_TO = 1
INCONSISTENT_FROM = 3

Measure = Callable[[int], int]
"""From the pairs marked in a task to a number that is summed over tasks."""


def marked(pairs: int) -> int:
    """The number of pairs itself."""
    return pairs


def consistent(pairs: int) -> int:
    """Whether the rater found the views consistent: at most one pair."""
    return int(pairs <= CONSISTENT_UP_TO)


def inconsistent(pairs: int) -> int:
    """Whether the rater found the views inconsistent: three pairs or more."""
    return int(pairs >= INCONSISTENT_FROM)


class SceneKey(NamedTuple):
    """One edit of one scene."""

    scene: str
    edit: str


Counts = Mapping[SceneKey, Sequence[int]]
"""The pairs marked in each task, scene by scene."""


def counts_by_method(ratings: Iterable[Rating]) -> dict[str, dict[SceneKey, list[int]]]:
    """The counts of every method, scenes in the order of their names."""
    found: dict[str, dict[SceneKey, list[int]]] = defaultdict(lambda: defaultdict(list))
    for rating in sorted(ratings, key=lambda rating: (rating.scene, rating.edit, rating.rater_id, rating.set_id)):
        found[rating.method][SceneKey(rating.scene, rating.edit)].append(rating.n_pairs)
    return {method: dict(scenes) for method, scenes in sorted(found.items())}


@dataclass(frozen=True)
class Tally:
    """A measure summed over the tasks of each scene, and how many tasks those are (at least one a scene)."""

    sums: tuple[int, ...]
    tasks: tuple[int, ...]

    @property
    def total(self) -> int:
        """The sum over all tasks."""
        return sum(self.sums)

    @property
    def all_tasks(self) -> int:
        """The number of tasks."""
        return sum(self.tasks)

    @property
    def mean(self) -> float:
        """The mean over all tasks."""
        return self.total / self.all_tasks


def tally(counts: Counts, scenes: Iterable[SceneKey], measure: Measure) -> Tally:
    """The measure over these scenes."""
    scenes = tuple(scenes)
    sums = tuple(sum(map(measure, counts[scene])) for scene in scenes)
    return Tally(sums, tuple(len(counts[scene]) for scene in scenes))


@dataclass(frozen=True)
class Differences:
    """Differences of two methods' means, scene by scene, first minus second: whole numbers over one denominator."""

    numerators: tuple[int, ...]
    denominator: int

    @property
    def mean(self) -> float:
        """The mean over scenes."""
        return sum(self.numerators) / (self.denominator * len(self.numerators))

    @property
    def values(self) -> tuple[float, ...]:
        """The differences as decimals."""
        return tuple(numerator / self.denominator for numerator in self.numerators)


def differences(first: Tally, second: Tally) -> Differences:
    """Per-scene differences of means, over the common denominator of all numbers of tasks, in lowest terms."""
    denominator = lcm(*first.tasks, *second.tasks)
    numerators = [
        sum_1 * (denominator // tasks_1) - sum_2 * (denominator // tasks_2)
        for sum_1, tasks_1, sum_2, tasks_2 in zip(first.sums, first.tasks, second.sums, second.tasks, strict=True)
    ]
    common = gcd(denominator, *numerators)
    return Differences(tuple(numerator // common for numerator in numerators), denominator // common)
