"""Formats: one table in text, CSV, Markdown, LaTeX and HTML, each escaped in its own way."""

import csv
from collections.abc import Callable
from html.parser import HTMLParser
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.formats import FORMATS, Data, Table, as_csv, as_html, as_latex, as_markdown, as_text

PLAIN = Table("Title", "A caption.", ("Name", "Value ↑"), (("a", "1.5"), ("longer", "10")), ("A note.",))
HOSTILE = "<b>&a_b|c\\`*[x](y)~^%$#{}"


class Page(HTMLParser):
    """The texts of a page by tag, and the tags that are in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.texts: list[tuple[str, str]] = []
        self.tags = [""]
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1], data))


def test_text_is_aligned_under_its_title() -> None:
    assert as_text(PLAIN).splitlines() == [
        "Title",
        "",
        "Name    Value ↑",
        "---------------",
        "a           1.5",
        "longer       10",
        "",
        "A caption.",
        "A note.",
    ]


def test_as_many_columns_as_are_texts_are_aligned_left() -> None:
    table = Table("", "", ("a", "b", "c"), (("x", "long text", "1"), ("y", "z", "23")), texts=2)
    assert as_text(table).splitlines() == [
        "a  b           c",
        "----------------",
        "x  long text   1",
        "y  z          23",
    ]
    assert as_markdown(table).splitlines()[1] == "| --- | --- | ---: |"
    assert r"\begin{tabular}{llr}" in as_latex(table)


def test_csv_holds_the_data_with_full_precision_or_else_the_texts() -> None:
    data = Data(("name", "value", "low"), (("a", 0.1 + 0.2, None), ("b", 3, -1.0)))
    table = Table("", "", ("Name", "Value"), (("a", "0.3"), ("b", "3")), data=data)
    assert as_csv(table) == "name,value,low\na,0.30000000000000004,\nb,3,-1.0\n"
    assert as_csv(PLAIN) == "Name,Value ↑\na,1.5\nlonger,10\n"


def test_markdown_is_a_section() -> None:
    assert as_markdown(PLAIN).splitlines() == [
        "## Title",
        "",
        "| Name | Value ↑ |",
        "| --- | ---: |",
        "| a | 1.5 |",
        "| longer | 10 |",
        "",
        "A caption.",
        "",
        "- A note.",
    ]


def test_latex_is_a_float_that_shows_its_caption_and_notes() -> None:
    assert as_latex(PLAIN).splitlines() == [
        r"% needs \usepackage{booktabs,graphicx}",
        r"\begin{table}",
        r"\centering",
        r"\caption{Title. A caption.}",
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"Name & Value $\uparrow$ \\",
        r"\midrule",
        r"a & 1.5 \\",
        r"longer & 10 \\",
        r"\bottomrule",
        r"\end{tabular}}",
        r"\par{\footnotesize A note.\par}",
        r"\end{table}",
    ]


def test_latex_without_a_title_is_a_bare_tabular_below_a_comment() -> None:
    lines = as_latex(Table("", "One\nTwo", ("a", "b"), (("x", "1"),))).splitlines()
    assert lines[0].startswith("% needs ")
    assert (lines[1:3], lines[4]) == (["% One", "% Two"], r"\begin{tabular}{lr}")
    assert lines[-1] == r"\end{tabular}}"


def test_latex_takes_no_row_for_an_argument_of_the_line_above() -> None:
    lines = as_latex(Table("T", "", ("a", "b"), (("[x] y", "1"), ("* z", "2")))).splitlines()
    assert lines[lines.index(r"\midrule") + 1 :][:2] == [r"{[}x] y & 1 \\", r"{*} z & 2 \\"]


def test_latex_breaks_the_lines_of_long_names() -> None:
    table = Table("T", "", ("a", "b", "c"), (("short", 31 * "x", "1"),), texts=2)
    assert r"\begin{tabular}{lp{11em}r}" in as_latex(table)


def test_html_is_a_whole_page_with_headings_that_a_screen_reader_finds() -> None:
    text = as_html(PLAIN)
    assert text.startswith("<!doctype html>")
    assert '<th scope="col">Name</th><th scope="col">Value ↑</th>' in text
    assert '<tr><th scope="row">longer</th><td>10</td></tr>' in text
    assert "color-scheme:light dark" in text
    assert ("li", "A note.") in Page(text).texts


def test_nothing_from_outside_is_markup() -> None:
    table = Table(HOSTILE, HOSTILE, (HOSTILE, "b"), ((HOSTILE, HOSTILE),), (HOSTILE,))
    page = Page(as_html(table))
    assert "b" not in page.tags
    assert "".join(text for tag, text in page.texts if tag == "td").strip() == HOSTILE
    assert r"\<b\>&a_b\|c\\\`\*\[x\](y)" in as_markdown(table)
    assert r"\textless{}b\textgreater{}\&a\_b\textbar{}c\textbackslash{}" in as_latex(table)
    assert r"\textasciitilde{}\textasciicircum{}\%\$\#\{\}" in as_latex(table)


TEXTS = st.text(st.characters(exclude_characters="\r\0", exclude_categories=["Cs"]))


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1))
def test_a_csv_is_read_back_the_same(rows: list[tuple[str, str]]) -> None:
    table = Table("", "", ("a", "b"), tuple(rows))
    assert [tuple(row) for row in csv.reader(StringIO(as_csv(table), newline=""))] == [("a", "b"), *rows]


@pytest.mark.parametrize("write", [as_markdown, as_latex])
def test_a_row_stays_on_one_line(write: Callable[[Table], str]) -> None:
    table = Table("", "", ("a", "b"), (("x\ny", "1"),))
    assert any("x y" in line for line in write(table).splitlines())


def test_every_format_is_known_by_the_ending_of_its_files() -> None:
    assert {kind: write(PLAIN)[:4] for kind, write in FORMATS.items()} == {
        "html": "<!do",
        "csv": "Name",
        "md": "## T",
        "tex": "% ne",
    }
