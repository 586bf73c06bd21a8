"""Who rates what, in which order: fixed before the first rater comes, from one seed.

Raters come in blocks, a place for each method. All places of a block see the same edits in the same order, each with
another method at every step (a Latin square), so that every method stands equally often at every position. The steps
of the blocks are dealt from shuffled rounds of all edits, so that every set is rated equally often.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from mix2mix.errors import InputError

Check = Literal["planted", "identical"]
CHECKS: tuple[Check, ...] = ("planted", "identical")
"""Attention trials, in turn: an inconsistency that cannot be missed, and views that are all the same."""


@dataclass(frozen=True)
class Design:
    """The size of a study.

    Every set is rated by `raters_per_set` raters; a rater rates at most `tasks_per_rater` sets, sees `repeats` of them
    a second time at the end, and meets `attention` trials whose answer is known.
    """

    methods: tuple[str, ...]
    raters_per_set: int
    tasks_per_rater: int
    attention: int
    repeats: int
    seed: int


@dataclass(frozen=True)
class Step:
    """A step of one rater that shows the set of an edit and a method, both by index, perhaps for the second time."""

    edit: int
    method: int
    repeat: bool = False


@dataclass(frozen=True)
class AttentionStep:
    """A step of one rater that shows the attention trial of that index."""

    trial: int


AnyStep = Step | AttentionStep


def assign(edits: int, design: Design) -> tuple[tuple[AnyStep, ...], ...]:
    """The steps of every place, those of a block side by side; InputError where the design cannot be met."""
    check(edits, design)
    generator = random.Random(design.seed)
    methods = len(design.methods)
    places: list[tuple[AnyStep, ...]] = []
    for block in deal(edits, design, generator):
        first = turns(block, methods, generator)
        for place in range(methods):
            steps = [Step(edit, (turn + place) % methods) for edit, turn in zip(block, first, strict=True)]
            repeated = [*steps, *repeats(steps, design.repeats, generator)]
            places.append(tuple(with_attention(repeated, design.attention, generator)))
    return tuple(places)


def check(edits: int, design: Design) -> None:
    """Raise InputError for a design that cannot be met with that many edits."""
    sets = edits * len(design.methods) if edits > 1 else 1
    _check_range("raters per set", design.raters_per_set, 1, 1000)
    _check_range("tasks per rater", design.tasks_per_rater, 1, min(sets, 200))
    _check_range("attention trials", design.attention, 0, 10)
    _check_range("repeats", design.repeats, 0, most_repeats(edits, design))


def most_repeats(edits: int, design: Design) -> int:
    """How many sets a rater may see twice: a third of the tasks of those who have fewest."""
    return min(_lengths(edits, design)) // 3


def deal(edits: int, design: Design, generator: random.Random) -> list[list[int]]:
    """The edits of every block, in order; lengths differ by at most one.

    An edit comes again in a block only after all others, and never twice in a row.
    """
    blocks: list[list[int]] = []
    left: list[int] = []
    for length in _lengths(edits, design):
        block: list[int] = []
        while len(block) < length:
            left = left or _round(edits, block, generator)
            block.append(left.pop(0))
        blocks.append(block)
    return blocks


def turns(block: Sequence[int], methods: int, generator: random.Random) -> list[int]:
    """The method of every step for the first place: about as many of each; an edit that returns has the next one."""
    edits = list(dict.fromkeys(block))
    balanced = [index % methods for index in range(len(edits))]
    generator.shuffle(balanced)
    upcoming = dict(zip(edits, balanced, strict=True))
    found = []
    for edit in block:
        found.append(upcoming[edit])
        upcoming[edit] = (upcoming[edit] + 1) % methods
    return found


def repeats(steps: Sequence[Step], count: int, generator: random.Random) -> list[Step]:
    """Steps of the first half once more, none of them behind a step of the same edit."""
    candidates = list(steps[: ceil(len(steps) / 2)])
    generator.shuffle(candidates)
    found: list[Step] = []
    last = steps[-1]
    for _ in range(count):
        waiting = Counter(step.edit for step in candidates)
        allowed = [step for step in candidates if step.edit != last.edit]
        last = max(allowed, key=lambda step: waiting[step.edit])
        candidates.remove(last)
        found.append(Step(last.edit, last.method, repeat=True))
    return found


def with_attention(steps: Sequence[AnyStep], count: int, generator: random.Random) -> list[AnyStep]:
    """The steps with attention trials spread among them, none of them first."""
    mixed = list(steps)
    for trial in reversed(range(count)):
        low = 1 + trial * len(steps) // count
        high = max(low + 1, 1 + (trial + 1) * len(steps) // count)
        mixed.insert(generator.randrange(low, high), AttentionStep(trial))
    return mixed


def _lengths(edits: int, design: Design) -> list[int]:
    total = edits * design.raters_per_set
    blocks = ceil(total / design.tasks_per_rater)
    return [total // blocks + (index < total % blocks) for index in range(blocks)]


def _round(edits: int, block: Sequence[int], generator: random.Random) -> list[int]:
    """All edits once, shuffled; those that the block has had least come first, its last one never."""
    had = Counter(block)
    order = list(range(edits))
    generator.shuffle(order)
    order.sort(key=lambda edit: (had[edit], edit in block[-1:]))
    return order


def _check_range(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        fix = "Choose another number; more edits or fewer repeats widen the range."
        raise InputError(what, got=str(value), expected=f"a number from {low} to {high}", fix=fix)
