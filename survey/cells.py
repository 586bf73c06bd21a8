"""The cells of a ratings file: from text to value and back, nothing coerced.

A spreadsheet takes a cell that begins with = + - or @ for a formula, and runs it. Such a text is written behind an
apostrophe, as is one that begins with an apostrophe; reading takes one apostrophe off where one of these follows it.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from survey.boxes import EXPECTED as EXPECTED_PAIRS
from survey.boxes import pairs_from_json, pairs_to_json

MAX_PAIRS = 1000
"""No rater marks more pairs than this in one task."""

FORMULA = tuple("=+-@＝＋－＠")
WHOLE = re.compile(r"0|[1-9][0-9]*")
DECIMAL = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
DAMAGED = re.compile(r"[0-9]([.,][0-9]+)?E\+[0-9]+|#(N/A|NAME\?|REF!|VALUE!|NUM!|DIV/0!|NULL!|#+)")
"""What a spreadsheet makes of a long number, of a formula that fails, and of a column that is too narrow."""

MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}")
TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Column:
    """A column: its name, whether its cells may be empty, what they must hold, and how they are read and written.

    `read` raises ValueError where the text is not as expected.
    """

    name: str
    expected: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    optional: bool = False


def read_text(cell: str) -> str:
    """A text without the apostrophe that kept it from being a formula."""
    if not cell or cell != cell.strip() or DAMAGED.fullmatch(cell) or any(map(_is_control, cell)):
        raise ValueError("not a clean text")
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell


def write_text(text: str) -> str:
    """The cell that reads as this text, and that no spreadsheet runs."""
    return f"'{text}" if text.startswith((*FORMULA, "'")) else text


def read_token(cell: str) -> str:
    """A text that stays one cell under either separator: an outsider may have chosen it."""
    if re.search(r'[,;"]', cell):
        raise ValueError("not one cell everywhere")
    return read_text(cell)


def read_count(cell: str) -> int:
    """A number of pairs."""
    if not WHOLE.fullmatch(cell) or len(cell) > len(str(MAX_PAIRS)) or int(cell) > MAX_PAIRS:
        raise ValueError("not a number of pairs")
    return int(cell)


def read_seconds(cell: str) -> float:
    """A duration in seconds."""
    if not DECIMAL.fullmatch(cell) or float(cell) == float("inf"):
        raise ValueError("not a duration")
    return float(cell)


def read_truth(cell: str) -> bool:
    """True or false, in any case: spreadsheets write capitals."""
    try:
        return TRUTH[cell.lower()]
    except KeyError as error:
        raise ValueError("neither true nor false") from error


def read_time(cell: str) -> datetime:
    """A moment with its offset from UTC."""
    moment = datetime.fromisoformat(cell)
    if not MOMENT.match(cell) or moment.tzinfo is None:
        raise ValueError("not a moment of a known time zone")
    return moment


@lru_cache(4096)
def look(text: str) -> str:
    """What remains of a text when case, spaces, invisible characters and accents' forms are set aside."""
    shown = "".join(character for character in text if unicodedata.category(character) != "Cf")
    return "".join(unicodedata.normalize("NFKC", shown).casefold().split())


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character == "\ufffd"


_TEXT = "a text without spaces around it, line breaks or marks of damage by a spreadsheet (1.2E+11, #NAME?)"
_TOKEN = f'{_TEXT}, and without , ; or "'

COLUMNS = (
    Column("set_id", _TOKEN, read_token, write_text),
    Column("scene", _TEXT, read_text, write_text),
    Column("edit", _TEXT, read_text, write_text),
    Column("method", _TOKEN, read_token, write_text),
    Column("rater_id", _TOKEN, read_token, write_text),
    Column("n_pairs", f"a whole number from 0 to {MAX_PAIRS}", read_count, str),
    Column("pairs", EXPECTED_PAIRS, pairs_from_json, pairs_to_json, optional=True),
    Column("duration_s", "seconds from 0 up, such as 41.5", read_seconds, repr, optional=True),
    Column("attention_passed", "true or false", read_truth, lambda passed: str(passed).lower(), optional=True),
    Column(
        "submitted_at",
        "a time such as 2026-05-01T14:03:20+00:00, with its offset (a spreadsheet may have changed its format)",
        read_time,
        datetime.isoformat,
        optional=True,
    ),
)
"""In the order in which they are written."""

NAMES = ("set_id", "scene", "edit", "method", "rater_id")
"""Columns whose texts are names: two that only look alike are one name mistyped."""
