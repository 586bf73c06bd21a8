"""A table, and the formats that it is written in: text for a terminal, CSV, Markdown, LaTeX and HTML. No torch."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import StringIO
from types import MappingProxyType

Value = str | int | float | None


@dataclass(frozen=True)
class Data:
    """A table for machines: names of columns, and rows of values with full precision; None is an empty field."""

    keys: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


@dataclass(frozen=True)
class Table:
    """A table for people, and its data.

    ``title`` is empty where the table stands by itself. The first ``texts`` columns are names, the others numbers.
    Without ``data`` a CSV holds the texts.
    """

    title: str
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    texts: int = 1
    data: Data | None = None


def as_text(table: Table) -> str:
    """For a terminal."""
    body = "\n".join(aligned([table.head, *table.rows], table.texts))
    return _blocks(table.title, body, "\n".join(filter(None, [table.caption, *table.notes])))


def aligned(lines: Sequence[Sequence[str]], texts: int = 1) -> list[str]:
    """Lines in columns, the first ``texts`` of them to the left, the others to the right; a rule below the first."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join(_placed(line, widths, texts)).rstrip() for line in lines]
    return [shown[0], "-" * len(shown[0]), *shown[1:]]


def as_csv(table: Table) -> str:
    """The data, or else the texts."""
    data = table.data or Data(table.head, table.rows)
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(data.keys)
    writer.writerows([_field(value) for value in row] for row in data.rows)
    return buffer.getvalue()


def as_markdown(table: Table) -> str:
    """A section under its title."""
    rule = ["---" if place < table.texts else "---:" for place in range(len(table.head))]
    lines = [_markdown(table.head), rule, *map(_markdown, table.rows)]
    title = f"## {table.title.translate(MARKDOWN)}" if table.title else ""
    notes = "\n".join(f"- {note.translate(MARKDOWN)}" for note in table.notes)
    caption = "\n".join(line.translate(MARKDOWN) for line in table.caption.splitlines())
    return _blocks(title, "\n".join("| " + " | ".join(line) + " |" for line in lines), caption, notes) + "\n"


def as_latex(table: Table) -> str:
    """A float with its caption, or without a title a tabular below a comment; it says which packages it needs."""
    if not table.title:
        return "\n".join([PREAMBLE, *(f"% {line}" for line in table.caption.splitlines()), *_tabular(table), ""])
    caption = f"{table.title}. {table.caption}".rstrip().translate(LATEX)
    notes = [rf"\par{{\footnotesize {note.translate(LATEX)}\par}}" for note in table.notes]
    head = [PREAMBLE, r"\begin{table}", r"\centering", rf"\caption{{{caption}}}"]
    return "\n".join([*head, *_tabular(table), *notes, r"\end{table}", ""])


def as_html(table: Table) -> str:
    """A page of its own, for light and dark screens; everything from outside is escaped."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in table.head)
    notes = "".join(f"<li>{escape(note)}</li>" for note in table.notes)
    lines = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(table.title)}</title>',
        f"<style>{STYLE % (table.texts + 1)}</style></head><body>",
        f"<table><caption><strong>{escape(table.title)}</strong> {escape(table.caption)}</caption>",
        f"<thead><tr>{head}</tr></thead><tbody>",
        *map(_html_row, table.rows),
        "</tbody></table>",
        *([f"<ul>{notes}</ul>"] if notes else []),
        "</body></html>",
        "",
    ]
    return "\n".join(lines)


FORMATS: Mapping[str, Callable[[Table], str]] = MappingProxyType(
    {"html": as_html, "csv": as_csv, "md": as_markdown, "tex": as_latex}
)
"""What writes a file, by the ending of its name."""

STYLE = (
    ":root{color-scheme:light dark}body{font:15px/1.45 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}"
    "caption{text-align:left;max-width:60rem;padding-bottom:.6rem}th,td{padding:.3rem .7rem;text-align:left}"
    "thead th,tbody tr:last-child>*{border-bottom:1px solid}thead th{border-top:1px solid}tbody th{font-weight:normal}"
    "tr>:nth-child(n+%d){text-align:right;font-variant-numeric:tabular-nums}"
)
"""Of the page; takes the number of the first column of numbers, counted from 1."""

MARKDOWN = str.maketrans({"\n": " "} | {character: f"\\{character}" for character in "\\`*[]<>|"})

PREAMBLE = r"% needs \usepackage{booktabs,graphicx}"

WIDE = 30
"""Characters from which on a column of names is set in lines of `LINE`."""

LINE = "p{11em}"

SHRUNK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""Begins what is made as narrow as the page where it is wider."""

LATEX = str.maketrans(
    {
        "\n": " ",
        "\\": r"\textbackslash{}",
        "[": "{[}",  # at the beginning of a row it would be an argument of the line above
        "*": "{*}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "±": r"$\pm$",
    }
    | {character: f"\\{character}" for character in "&%$#_{}"}
)


def _blocks(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block)


def _placed(line: Sequence[str], widths: Sequence[int], texts: int) -> list[str]:
    placed = enumerate(zip(line, widths, strict=True))
    return [text.ljust(width) if place < texts else text.rjust(width) for place, (text, width) in placed]


def _field(value: Value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else repr(value)


def _markdown(line: Sequence[str]) -> list[str]:
    return [text.translate(MARKDOWN) for text in line]


def _tabular(table: Table) -> list[str]:
    columns = list(zip(table.head, *table.rows, strict=True))
    names = [LINE if max(map(len, texts)) > WIDE else "l" for texts in columns[: table.texts]]
    layout = "".join(names) + "r" * (len(columns) - table.texts)
    head, *body = (" & ".join(text.translate(LATEX) for text in line) + r" \\" for line in (table.head, *table.rows))
    begin = rf"\begin{{tabular}}{{{layout}}}"
    return [SHRUNK, begin, r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}}"]


def _html_row(row: Sequence[str]) -> str:
    cells = "".join(f"<td>{escape(text)}</td>" for text in row[1:])
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'
