"""A table of the page as data: every one has a name, headings that can be sorted by, and a heading for each row."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """What stands in a field: its text, something smaller under it, and what it is sorted by (None: it comes last)."""

    text: str
    detail: str = ""
    key: float | str | None = None


@dataclass(frozen=True)
class Heading:
    """Of a column; ``wide`` ones hold text, the others numbers."""

    text: str
    wide: bool = False


@dataclass(frozen=True)
class Line:
    """A row; a ``quiet`` one stands beside those that are compared."""

    entries: tuple[Entry, ...]
    quiet: bool = False


@dataclass(frozen=True)
class Grid:
    """A table with its name for a screen reader."""

    label: str
    headings: tuple[Heading, ...]
    lines: tuple[Line, ...]


def words(text: str) -> Entry:
    """A text, sorted by itself."""
    return Entry(text, key=text.casefold())


def count(value: int) -> Entry:
    """A whole number."""
    return Entry(f"{value:,}", key=value)


def text_grid(label: str, headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> Grid:
    """A table of texts: the first `texts` columns are names, the others are sorted by the numbers they begin with."""
    lines = (
        Line(tuple(words(text) if place < texts else _number(text) for place, text in enumerate(row))) for row in rows
    )
    return Grid(label, tuple(Heading(text, place < texts) for place, text in enumerate(headings)), tuple(lines))


def _number(text: str) -> Entry:
    found = re.match(r"[-+]?\d[\d,]*(\.\d+)?", text.replace("−", "-"))
    return Entry(text, key=float(found[0].replace(",", "")) if found else None)
