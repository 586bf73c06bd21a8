"""Ratings, a row a rated task: their schema, and the CSV that carries them.

Attention trials and repeats of a set are not rows of the file: they tell of a rater, in ``attention_passed``.
Every fault of a file is listed; a file with one is not read at all, so that nothing is dropped or guessed.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TextIO

from mix2mix.errors import InputError
from survey import cells
from survey.boxes import Box, Pair
from survey.csv_text import CsvError, CsvText, Row, parse

__all__ = ["COLUMNS", "Box", "Fault", "Pair", "Rating", "RatingsError", "faults_of", "read_ratings", "write_ratings"]

COLUMNS = tuple(column.name for column in cells.COLUMNS)
"""The header, in the order in which it is written; in a file that is read, any order will do."""

OPTIONAL = tuple(column.name for column in cells.COLUMNS if column.optional)
LONGEST_SHOWN = 60
DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+")


@dataclass(frozen=True)
class Rating:
    """What one rater marked on one set of views: a set shows one edit of a scene by one method.

    `edit` is the instruction's text; a scene and an edit together are what the tests call a scene. `n_pairs` is the
    number of inconsistencies marked; None in what follows it means that it was not recorded.
    """

    set_id: str
    scene: str
    edit: str
    method: str
    rater_id: str
    n_pairs: int
    pairs: tuple[Pair, ...] | None = None
    duration_s: float | None = None
    attention_passed: bool | None = None
    submitted_at: datetime | None = None


@dataclass(frozen=True)
class Fault:
    """Where a file is wrong: line, column, the value there and what was expected."""

    line: int
    column: str
    value: str
    expected: str

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= LONGEST_SHOWN else f"{self.value[:LONGEST_SHOWN]}..."
        return f"line {self.line}, {self.column}: got {shown!r}; expected {self.expected}"


class RatingsError(InputError):
    """A file of ratings with faults, all of them in `faults`."""

    def __init__(self, path: Path, faults: Sequence[Fault]) -> None:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        listed = "".join(f"\n  {fault}" for fault in faults)
        fix = f"Nothing was read. Mend the file, or export it again:{listed}"
        super().__init__(f"ratings {path}", got=count, expected="a CSV file of ratings, all rows whole", fix=fix)
        self.faults = tuple(faults)


def read_ratings(path: Path) -> list[Rating]:
    """The ratings of a CSV file, in its order; `RatingsError` lists every fault, `InputError` tells a missing file.

    UTF-8 with or without BOM; commas or semicolons (then a decimal comma will do); any order of columns.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        expected, fix = "a CSV file that can be read", "Check the path."
        raise InputError(f"ratings {path}", got=error.strerror or str(error), expected=expected, fix=fix) from error
    try:
        ratings, faults = _read(parse(data))
    except CsvError as error:
        raise RatingsError(path, [Fault(error.line, "text", error.got, error.expected)]) from error
    if faults:
        raise RatingsError(path, sorted(faults, key=lambda fault: fault.line))
    return ratings


def write_ratings(stream: TextIO, ratings: Iterable[Rating]) -> None:
    """Write the CSV that `read_ratings` reads back the same; no cell of it is a formula to a spreadsheet.

    Raises InputError for a rating that could not be read back. Open the stream with ``newline=""`` and UTF-8.
    """
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for rating in ratings:
        for fault in faults_of(rating):
            fix = "Mend the rating before it is written."
            raise InputError(f"a rating's {fault.column}", got=repr(fault.value), expected=fault.expected, fix=fix)
        writer.writerow(_to_cells(rating).values())


def faults_of(rating: Rating) -> list[Fault]:
    """What would keep a rating from being written and read back (on line 0); empty where nothing would."""
    faults: list[Fault] = []
    if _rating(0, _to_cells(rating), faults) not in (rating, None):
        faults.append(Fault(0, "rating", repr(rating), "values of the types that Rating tells"))
    return faults


def _to_cells(rating: Rating) -> dict[str, str]:
    values = ((column, getattr(rating, column.name)) for column in cells.COLUMNS)
    return {column.name: "" if value is None else column.write(value) for column, value in values}


def _read(text: CsvText) -> tuple[list[Rating], list[Fault]]:
    """The ratings, and the faults of the header, of each row, and between rows."""
    if not text.rows:
        return [], [Fault(1, "header", "", f"the columns {', '.join(COLUMNS)}")]
    header = _without_empty_end(text.rows[0].cells)
    faults = list(_header_faults(text.rows[0].line, header))
    if faults:
        return [], faults
    found = [(row.line, _from_row(row, header, text.separator, faults)) for row in text.rows[1:]]
    whole = [(line, rating) for line, rating in found if rating is not None]
    if not found:
        faults.append(Fault(text.rows[0].line, "rows", "none", "a row for every rated task"))
    faults += [*_lookalikes(whole), *_repeats(whole), *_mixed_sets(whole)]
    return [rating for _, rating in whole], faults


def _without_empty_end(row: Sequence[str]) -> tuple[str, ...]:
    """Spreadsheets write cells without content after a table's last column."""
    width = len(row)
    while width and not row[width - 1]:
        width -= 1
    return tuple(row[:width])


def _header_faults(line: int, header: Sequence[str]) -> Iterator[Fault]:
    for index, name in enumerate(header):
        if name not in COLUMNS:
            near = get_close_matches(name, COLUMNS, n=1)
            yield Fault(line, "header", name, near[0] if near else f"one of {', '.join(COLUMNS)}")
        elif name in header[:index]:
            yield Fault(line, "header", name, "every column once")
    for name in COLUMNS:
        if name not in header and name not in OPTIONAL:
            yield Fault(line, "header", ", ".join(header), f"a column {name} too")


def _from_row(row: Row, header: Sequence[str], separator: str, faults: list[Fault]) -> Rating | None:
    """The rating of a row, or None where faults were added."""
    width = max(len(header), len(_without_empty_end(row.cells)))
    if not len(row.cells) >= width == len(header):
        expected = f"{len(header)} cells as in the header (is a quote, a separator or the line's end missing?)"
        faults.append(Fault(row.line, "row", f"{len(row.cells)} cells", expected))
        return None
    found = dict.fromkeys(COLUMNS, "") | dict(zip(header, row.cells, strict=False))
    if separator == ";" and DECIMAL_COMMA.fullmatch(found["duration_s"]):
        found["duration_s"] = found["duration_s"].replace(",", ".")
    return _rating(row.line, found, faults)


def _rating(line: int, found: Mapping[str, str], faults: list[Fault]) -> Rating | None:
    """The rating that the cells make up, or None where faults were added."""
    values: dict[str, Any] = {}
    before = len(faults)
    for column in cells.COLUMNS:
        cell = found[column.name]
        try:
            values[column.name] = None if not cell and column.optional else column.read(cell)
        except ValueError:
            faults.append(Fault(line, column.name, cell, column.expected))
    pairs = values.get("pairs")
    if pairs is not None and values.get("n_pairs", len(pairs)) != len(pairs):
        faults.append(Fault(line, "n_pairs", found["n_pairs"], f"{len(pairs)}, the number of pairs in the row"))
    return Rating(**values) if len(faults) == before else None


Numbered = Sequence[tuple[int, Rating]]
"""Ratings with their lines."""


def _lookalikes(ratings: Numbered) -> Iterator[Fault]:
    """Names that differ only in ways that nobody sees or means."""
    for column in cells.NAMES:
        first: dict[str, tuple[int, str]] = {}
        for line, rating in ratings:
            name: str = getattr(rating, column)
            earlier_line, earlier = first.setdefault(cells.look(name), (line, name))
            if name != earlier:
                expected = f"{earlier!r} as on line {earlier_line}, or a name that differs in more than case or spaces"
                yield Fault(line, column, name, expected)


def _repeats(ratings: Numbered) -> Iterator[Fault]:
    first: dict[tuple[str, str], int] = {}
    for line, rating in ratings:
        key = (rating.set_id, rating.rater_id)
        earlier = first.setdefault(key, line)
        if earlier != line:
            expected = f"each rater's rating of a set once; line {earlier} has it already"
            yield Fault(line, "set_id, rater_id", ", ".join(key), expected)


def _mixed_sets(ratings: Numbered) -> Iterator[Fault]:
    first: dict[str, tuple[int, tuple[str, str, str]]] = {}
    for line, rating in ratings:
        shown = (rating.scene, rating.edit, rating.method)
        earlier_line, earlier = first.setdefault(rating.set_id, (line, shown))
        if shown != earlier:
            expected = f"a set's one scene, edit and method, which are {', '.join(earlier)} on line {earlier_line}"
            yield Fault(line, "scene, edit, method", ", ".join(shown), expected)
