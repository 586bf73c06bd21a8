"""Plots as places in a small drawing: points with intervals on two axes. The template draws them as SVG.

Lengths are in the drawing's own units, of which a screen shows about one a pixel; y grows downwards, as in SVG.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10


@dataclass(frozen=True)
class Frame:
    """A drawing's size and, within it, the sides of the plot."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int


NAMED = Frame(width=440, height=300, left=46, right=314, top=14, bottom=256)
"""With room for names at the right."""

SMALL = Frame(width=300, height=224, left=40, right=290, top=12, bottom=182)

_LONGEST, _LINE = 18, 15
"""The letters that there is room for beside a plot, and the height of a line."""


@dataclass(frozen=True)
class Point:
    """A value y at x, with its interval and its name."""

    x: float
    y: float
    low: float
    high: float
    name: str


@dataclass(frozen=True)
class Tick:
    """A place on an axis, and what is written there."""

    place: float
    text: str


@dataclass(frozen=True)
class Label:
    """A text with its height beside the plot."""

    y: float
    text: str


@dataclass(frozen=True)
class Mark:
    """A point as it is drawn."""

    x: float
    y: float
    low: float
    high: float
    label: Label


@dataclass(frozen=True)
class Level:
    """A value that holds for every x: a horizontal line."""

    y: float
    label: Label


@dataclass(frozen=True)
class Chart:
    """A plot, ready to be drawn; ``description`` says in words what it shows. A joined one is a curve without names."""

    title: str
    description: str
    frame: Frame
    x_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    levels: tuple[Level, ...]
    joined: bool


@dataclass(frozen=True)
class Axis:
    """Where values lie, and the ticks with their texts."""

    low: float
    high: float
    scale: Callable[[float], float]
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float, start: float, end: float) -> float:
        """Where a value lies between two ends of the drawing."""
        low, high = self.scale(self.low), self.scale(self.high)
        return round(start + (self.scale(value) - low) / (high - low) * (end - start), 1)


_SECONDS = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36_000.0, 360_000.0, 3_600_000.0)
_TEXTS = ("1 ms", "10 ms", "0.1 s", "1 s", "10 s", "1 min", "10 min", "1 h", "10 h", "100 h", "1000 h")


def time_axis(values: Sequence[float]) -> Axis:
    """Seconds on a logarithmic scale, from tick to tick."""
    low = max([tick for tick in _SECONDS[:-1] if tick <= min(values)], default=_SECONDS[0])
    high = min([tick for tick in _SECONDS if tick >= max(values) and tick > low], default=_SECONDS[-1])
    ticks = ((tick, text) for tick, text in zip(_SECONDS, _TEXTS, strict=True) if low <= tick <= high)
    return Axis(low, high, lambda value: log10(min(max(value, low), high)), tuple(ticks))


def value_axis(values: Sequence[float]) -> Axis:
    """A linear scale with about five ticks at 1, 2 or 5 times a power of ten; from 0 where that is near."""
    least, most = min(values), max(values)
    room = (most - least) * 0.08 or abs(most) * 0.1 or 1.0
    low, high = (0.0 if 0 <= least < most / 3 else least - room), most + room
    step = _step((high - low) / 5)
    first, last = -floor(-low / step + 1e-9), floor(high / step + 1e-9)
    digits = max(0, -floor(log10(step) + 1e-9))
    ticks = ((step * place, f"{step * place:.{digits}f}".replace("-", "−")) for place in range(first, last + 1))
    return Axis(low, high, float, tuple(ticks))


def chart(
    title: str,
    axis_titles: tuple[str, str],
    points: Sequence[Point],
    x_axis: Axis,
    levels: Sequence[tuple[float, str]] = (),
    joined: bool = False,
) -> Chart:
    """Draw points on an x axis and on a y axis that fits them; ``levels`` are values for every x, with their names."""
    frame = SMALL if joined else NAMED
    ends = [value for point in points for value in (point.low, point.high)]
    y_axis = value_axis([*ends, *(value for value, _ in levels)])

    def height(value: float) -> float:
        return y_axis.place(value, frame.bottom, frame.top)

    places = [x_axis.place(point.x, frame.left, frame.right) for point in points]
    heights = [height(value) for value in (*(point.y for point in points), *(value for value, _ in levels))]
    names = [*(point.name for point in points), *(name for _, name in levels)]
    labels = [Label(y, _shortened(name)) for y, name in zip(_apart(heights, frame), names, strict=True)]
    named, level_labels = labels[: len(points)], labels[len(points) :]
    return Chart(
        title=title,
        description=_in_words(points, levels, axis_titles),
        frame=frame,
        x_title=axis_titles[0],
        x_ticks=tuple(Tick(x_axis.place(value, frame.left, frame.right), text) for value, text in x_axis.ticks),
        y_ticks=tuple(Tick(height(value), text) for value, text in y_axis.ticks),
        marks=tuple(
            Mark(x, height(point.y), height(point.low), height(point.high), label)
            for x, point, label in zip(places, points, named, strict=True)
        ),
        levels=tuple(Level(height(value), label) for (value, _), label in zip(levels, level_labels, strict=True)),
        joined=joined,
    )


def _step(about: float) -> float:
    """The least of 1, 2 and 5 times a power of ten that is not below."""
    power = 10.0 ** floor(log10(about))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= about * 0.999999)


def _apart(heights: Sequence[float], frame: Frame) -> list[float]:
    """Heights moved as little as it takes to lie a line apart, in their order, and beside the plot."""
    order = sorted(range(len(heights)), key=lambda place: heights[place])
    moved = list(heights)
    ceiling = float(frame.top)
    for place in order:
        moved[place] = max(moved[place], ceiling)
        ceiling = moved[place] + _LINE
    floor_ = float(frame.bottom)
    for place in reversed(order):
        moved[place] = round(min(moved[place], floor_), 1)
        floor_ = moved[place] - _LINE
    return moved


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _in_words(points: Sequence[Point], levels: Sequence[tuple[float, str]], titles: tuple[str, str]) -> str:
    """The points for who does not see them, from left to right."""
    told = [f"{point.name}: {point.y:.3f}" for point in sorted(points, key=lambda point: point.x)]
    told += [f"{text}: {value:.3f}" for value, text in levels]
    return f"{titles[1]} by {titles[0]}, from left to right. {'; '.join(told)}."
