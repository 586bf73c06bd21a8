"""Cells: what they may hold, and that spreadsheets run none of them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey import cells

BY_NAME = {column.name: column for column in cells.COLUMNS}


def clean(text: str) -> bool:
    """Whether a text may be a name at all."""
    return bool(text) and text == text.strip() and not any(map(cells._is_control, text))


@given(st.text(max_size=30).filter(clean).filter(lambda text: not cells.DAMAGED.fullmatch(text)))
def test_a_text_survives_and_never_begins_a_formula(text: str) -> None:
    cell = cells.write_text(text)
    assert cells.read_text(cell) == text
    assert cell[0] not in cells.FORMULA


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("-5", "'-5"), ("@a", "'@a"), ("'=1", "''=1"), ("it's", "it's"), ("'n", "''n"), ("a=b", "a=b")],
)
def test_an_apostrophe_keeps_a_formula_from_being_one(text: str, cell: str) -> None:
    assert cells.write_text(text) == cell
    assert cells.read_text(cell) == text


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *[
            ("scene", bad)
            for bad in ("", " face", "face ", "fa\nce", "fa\x00ce", "fa\ufffdce", "fa\ud800ce", "\u00a0face")
        ],
        *[("scene", bad) for bad in ("1.2E+11", "1,2E+11", "5E+10", "#NAME?", "#N/A", "#####")],
        *[("rater_id", bad) for bad in ("a,b", "a;=b", 'a"b')],
        *[
            ("n_pairs", bad)
            for bad in ("", "-1", "1.0", "01", "+1", " 1", "1e1", "1_0", "١", "1001", "9" * 5000, "one")
        ],
        *[("duration_s", bad) for bad in ("-1", "nan", "inf", "1e999", ".5", "5.", "1_0", "0x1", "00.5", "1,5")],
        *[("attention_passed", bad) for bad in ("1", "0", "yes", "WAHR", " true")],
        *[("submitted_at", bad) for bad in ("2026-05-01", "2026-05-01T14:03", "01/05/2026 14:03", "1777644200")],
        *[("submitted_at", bad) for bad in ("2026-13-01T14:03+00:00", "20260501T140320Z", "now")],
        *[("pairs", bad) for bad in ("{}", "[[]]", "3")],
    ],
)
def test_a_cell_that_is_not_as_expected_is_refused(column: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        BY_NAME[column].read(text)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("n_pairs", "0", 0),
        ("n_pairs", "1000", 1000),
        ("duration_s", "12.5", 12.5),
        ("duration_s", "1e-05", 0.00001),
        ("attention_passed", "TRUE", True),
        ("attention_passed", "false", False),
        ("submitted_at", "2026-05-01T14:03:20Z", datetime(2026, 5, 1, 14, 3, 20, tzinfo=UTC)),
        ("submitted_at", "2026-05-01 14:03+02:00", datetime(2026, 5, 1, 14, 3, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_cell_that_is_as_expected_is_read(column: str, text: str, value: object) -> None:
    assert BY_NAME[column].read(text) == value
    assert BY_NAME[column].read(BY_NAME[column].write(value)) == value


@pytest.mark.parametrize("other", ["DGE", "d ge", "dge\u200b", "ｄｇｅ"])
def test_names_that_look_the_same_are_told(other: str) -> None:
    assert cells.look(other) == cells.look("dge")
    assert cells.look("e\u0301dit") == cells.look("\u00e9dit") != cells.look("edit")
