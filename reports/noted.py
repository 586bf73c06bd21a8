"""What the methods noted of their own work, over their cells: how well a scene was fitted, what a note stands for."""

from collections import Counter
from collections.abc import Iterable, Sequence

from benchmark.store import Run
from reports.grids import Entry, Grid, Heading, Line, words
from reports.wording import plural

SHOWN = 2
"""Texts of one note that are told; the others are counted."""

Note = str | int | float


def noted_grid(run: Run) -> Grid | None:
    """A row for every note of a method, with its values over that method's ok cells; None where nothing was noted."""
    finished = [cell.result for cell in run.cells if cell.result.status == "ok"]
    noted: dict[tuple[str, str], list[Note]] = {}
    for method in run.record.methods:
        for result in (one for one in finished if one.identity.method == method.name):
            for name, value in result.notes.items():
                noted.setdefault((method.title, name), []).append(value)
    headings = (Heading("Method", wide=True), Heading("Note", wide=True), Heading("Over its cells", wide=True))
    lines = tuple(Line((words(title), words(name), _values(values))) for (title, name), values in noted.items())
    return Grid("Notes", headings, lines) if lines else None


def _values(values: Sequence[Note]) -> Entry:
    numbers = [value for value in values if not isinstance(value, str)]
    return _span(numbers) if len(numbers) == len(values) else _texts(map(str, values))


def _span(numbers: Sequence[float]) -> Entry:
    """``32.7 to 36.3``, or the one number that all have; sorted by the least."""
    low, high = f"{min(numbers):.4g}", f"{max(numbers):.4g}"
    return Entry(low if low == high else f"{low} to {high}", key=min(numbers))


def _texts(texts: Iterable[str]) -> Entry:
    """The commonest texts, with their numbers where there are several."""
    found = Counter(texts).most_common()
    if len(found) == 1:
        return words(found[0][0])
    told = [f"{text} ({count})" for text, count in found[:SHOWN]]
    rest = [plural(len(found) - SHOWN, "other text")] if len(found) > SHOWN else []
    return Entry("; ".join([*told, *rest]))
