"""What attention trials and repeats say of a rater. They flag and never drop."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from survey.boxes import Pair
from survey.pictures import covered
from survey.study import ImageSet

ENOUGH = 0.25
"""Share of the planted mark that a rectangle on its view must cover."""

FAR_APART = 2
"""Repeats whose numbers of pairs differ by this much or more are flagged."""


@dataclass(frozen=True)
class Handed:
    """A task that was handed in: what it showed and what was marked."""

    shown: ImageSet
    repeat: bool
    pairs: tuple[Pair, ...]


def passed(shown: ImageSet, pairs: Iterable[Pair]) -> bool:
    """Whether an attention trial was answered as it must be: the planted mark found, nothing seen among equals."""
    boxes = [box for pair in pairs for box in (pair.first, pair.second)]
    if shown.planted is None:
        return not boxes
    return covered(shown.planted, boxes) >= ENOUGH


def attention_passed(tasks: Iterable[Handed]) -> bool | None:
    """Whether all attention trials so far were passed; None where there was none yet."""
    trials = [passed(task.shown, task.pairs) for task in tasks if task.shown.kind != "rating"]
    return all(trials) if trials else None


def repeat_differences(tasks: Sequence[Handed]) -> list[int]:
    """For each repeat, by how many pairs it differs from the first time."""
    first = {task.shown.set_id: len(task.pairs) for task in tasks if not task.repeat}
    return [abs(len(task.pairs) - first[task.shown.set_id]) for task in tasks if task.repeat]


def flags(tasks: Sequence[Handed]) -> list[str]:
    """What an operator should look at, in words."""
    trials = [task for task in tasks if task.shown.kind != "rating"]
    found = [f"missed: {task.shown.kind}" for task in trials if not passed(task.shown, task.pairs)]
    if any(difference >= FAR_APART for difference in repeat_differences(tasks)):
        found.append("repeat differs")
    return found
