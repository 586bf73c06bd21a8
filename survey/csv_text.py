"""CSV as spreadsheets write it: from bytes to rows of cells with their line numbers, and nothing else understood."""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

WIDEST = 2**24
"""Characters that one cell may have."""


class CsvError(ValueError):
    """The bytes are no CSV: the line where that shows, what is there and what should be."""

    def __init__(self, line: int, got: str, expected: str) -> None:
        super().__init__(f"line {line}: got {got}; expected {expected}")
        self.line = line
        self.got = got
        self.expected = expected


@dataclass(frozen=True)
class Row:
    """The cells of a row, and the number of its first line."""

    line: int
    cells: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether no cell holds anything, as in the rows that spreadsheets leave behind a table."""
        return not any(self.cells)


@dataclass(frozen=True)
class CsvText:
    """A file's rows, header first, and the separator that they were written with."""

    separator: str
    rows: tuple[Row, ...]


def parse(data: bytes) -> CsvText:
    """The rows of UTF-8 text with or without BOM, separated by commas or semicolons; CsvError where it is not that.

    A first line ``sep=;``, which some spreadsheets write, is obeyed. Rows without any content are left out.
    """
    text = _decoded(data)
    first, *rest = re.split("\r\n|\r|\n", text, maxsplit=1)
    if first.lower() in ("sep=,", "sep=;"):
        return _table("".join(rest), separator=first[4], skipped=1)
    return _table(text, _separator(first), skipped=0)


def _table(text: str, separator: str, skipped: int) -> CsvText:
    return CsvText(separator, tuple(row for row in _rows(text, separator, skipped) if not row.empty))


def _decoded(data: bytes) -> str:
    expected = "UTF-8: save it as 'CSV UTF-8'"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise CsvError(1, "UTF-16", expected)
    try:
        return data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CsvError(line, f"byte 0x{data[error.start]:02x}", expected) from error


def _separator(header: str) -> str:
    """Names of columns hold neither, so the more frequent one separates them."""
    if header.count("\t") > max(header.count(","), header.count(";")):
        raise CsvError(1, "tabs between the cells", "commas or semicolons")
    return ";" if header.count(";") > header.count(",") else ","


def _rows(text: str, separator: str, skipped: int) -> Iterator[Row]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    earlier_limit = csv.field_size_limit(WIDEST)
    line = 1
    try:
        for cells in reader:
            yield Row(line + skipped, tuple(cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise CsvError(line + skipped, str(error), "cells in straight double quotes, closed on their row") from error
    finally:
        csv.field_size_limit(earlier_limit)
