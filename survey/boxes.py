"""Rectangles on views, in pairs: what a rater marks for one inconsistency, and its JSON."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

MAX_VIEWS = 64
"""A view's index lies below this."""

ROUNDING = 1e-9
"""By so much may x + w exceed 1: decimals do not add up exactly."""

EXPECTED = (
    'a JSON list of pairs, each a list of two rectangles {"view": 0, "x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4}, '
    f"view a whole number from 0 to {MAX_VIEWS - 1}, x and y from 0, w and h above 0, x + w and y + h at most 1"
)


@dataclass(frozen=True)
class Box:
    """A rectangle on the view of that index: left, top, width and height as parts of the image's, 0 to 1."""

    view: int
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class Pair:
    """One inconsistency: the two areas that contradict each other."""

    first: Box
    second: Box


def is_valid(box: Box) -> bool:
    """Whether the box lies on its view and covers some of it."""
    numbers = (box.x, box.y, box.w, box.h)
    return (
        0 <= box.view < MAX_VIEWS
        and all(map(math.isfinite, numbers))
        and min(box.x, box.y) >= 0
        and min(box.w, box.h) > 0
        and max(box.x + box.w, box.y + box.h) <= 1 + ROUNDING
    )


def pairs_to_json(pairs: Iterable[Pair]) -> str:
    """The text that `pairs_from_json` reads."""
    return json.dumps([[asdict(pair.first), asdict(pair.second)] for pair in pairs], separators=(",", ":"))


def pairs_from_json(text: str) -> tuple[Pair, ...]:
    """The pairs of a JSON text; ValueError where it is anything but `EXPECTED`."""
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return tuple(_pair(entry) for entry in _list(document))


def _pair(entry: object) -> Pair:
    first, second = (_box(part) for part in _list(entry))
    return Pair(first, second)


def _box(entry: object) -> Box:
    if not isinstance(entry, dict) or entry.keys() != {"view", "x", "y", "w", "h"}:
        raise ValueError("a rectangle has view, x, y, w and h")
    if type(entry["view"]) is not int or any(type(entry[key]) not in (int, float) for key in "xywh"):
        raise ValueError("a rectangle is made of numbers")
    try:
        box = Box(entry["view"], *(float(entry[key]) for key in "xywh"))
    except OverflowError as error:
        raise ValueError("a number too large") from error
    if not is_valid(box):
        raise ValueError("the rectangle is not on the view")
    return box


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ValueError("not a list")
    return value


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        raise ValueError("a name stands twice in one rectangle")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
