"""CSV as spreadsheets write it."""

import pytest

from survey.csv_text import CsvError, CsvText, Row, parse

ROWS = (Row(1, ("a", "b")), Row(2, ("1", "x, y; z")))


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_separator_line_ends_and_bom_do_not_matter(separator: str, ending: str, bom: str) -> None:
    text = bom + separator.join("ab") + ending + separator.join(["1", '"x, y; z"']) + ending
    assert parse(text.encode()) == CsvText(separator, ROWS)


def test_a_first_line_that_names_the_separator_is_obeyed_and_counted() -> None:
    text = parse(b'sep=;\r\na;b\r\n1;"x, y; z"\r\n')
    assert text == CsvText(";", (Row(2, ("a", "b")), Row(3, ("1", "x, y; z"))))


def test_rows_without_content_are_left_out_and_lines_still_counted() -> None:
    assert parse(b'a,b\n,,\n\n1,"x\ny"\n2,z\n').rows == (Row(1, ("a", "b")), Row(4, ("1", "x\ny")), Row(6, ("2", "z")))


def test_nothing_has_no_rows() -> None:
    assert parse(b"").rows == ()


@pytest.mark.parametrize(
    ("data", "line", "got"),
    [
        ("a,b\n1,é\n".encode("latin-1"), 2, "byte 0xe9"),
        ("a,b\n".encode("utf-16"), 1, "UTF-16"),
        (b"a\tb\n1\t2\n", 1, "tabs"),
        (b'a,b\n1,"2\n3,4\n', 2, "unexpected end of data"),
        (b'a,b\n1,"2"3\n', 2, "expected after"),
        (b"a,b\n1," + b"x" * (2**24 + 1) + b"\n", 2, "field larger"),
    ],
)
def test_what_is_no_csv_is_told_with_its_line(data: bytes, line: int, got: str) -> None:
    with pytest.raises(CsvError) as caught:
        parse(data)
    assert (caught.value.line, got in caught.value.got) == (line, True), caught.value.got
