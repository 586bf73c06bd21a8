"""Table 2 of the paper from ratings, the published figures beside ours."""

import csv
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import NamedTuple

from benchmark.formats import Data
from benchmark.paper_tables import PaperTable
from survey.results import Analysis
from survey.tables import as_csv, number, table_2


class Published(NamedTuple):
    """A method's row in the paper: mean pairs a task, and per cent."""

    mean_pairs: float
    scene_win_pct: float
    consistent_pct: float
    inconsistent_pct: float


PUBLISHED: Mapping[str, Published] = MappingProxyType(
    {"dge": Published(2.02, 25, 34, 31), "i-mix2mix": Published(1.34, 75, 65, 13)}
)
"""arXiv 2511.14899, Table 2 and appendix B.1."""

BESIDE = {
    "95 %": ("#Pairs, paper", 2),
    "Scene wins % ↑": ("Scene wins %, paper", 0),
    "Consistent % ↑": ("Consistent %, paper", 0),
    "Inconsistent % ↓": ("Inconsistent %, paper", 0),
}
"""After which column of ours each of the paper's stands, its heading and the digits that the paper prints."""


def paper_table_2(analysis: Analysis, methods: Collection[str]) -> PaperTable:
    """The survey's own Table 2 with the paper's columns; `methods` are those of the run that it stands beside."""
    ours = table_2(analysis)
    keys, *values = csv.reader(as_csv(analysis).splitlines())
    return PaperTable(
        number=2,
        title=f"{ours.title}: the survey",
        caption=f"{_label(analysis)}Pairs of contradicting areas that raters marked in a task. Consistent: at most one "
        "pair; inconsistent: three or more.",
        head=_with_published(ours.head, ours.head, {after: heading for after, (heading, _) in BESIDE.items()}),
        rows=tuple(
            _with_published(ours.head, row, _published(method))
            for method, row in zip(analysis.table2, ours.rows, strict=True)
        ),
        notes=(*analysis.notes, *_notes(analysis, methods)),
        data=Data((*keys, *_paper_keys()), tuple((*row, *_paper_values(row[0])) for row in values)),
    )


def _with_published(headings: tuple[str, ...], row: tuple[str, ...], beside: Mapping[str, str]) -> tuple[str, ...]:
    """The row with the paper's texts where `BESIDE` has them."""
    pairs = ((text, beside.get(heading)) for heading, text in zip(headings, row, strict=True))
    return tuple(shown for text, theirs in pairs for shown in (text, theirs) if shown is not None)


def _published(method: str) -> dict[str, str]:
    row = PUBLISHED.get(method)
    values = row or (None,) * len(BESIDE)
    return {after: number(value, digits) for (after, (_, digits)), value in zip(BESIDE.items(), values, strict=True)}


def _paper_keys() -> tuple[str, ...]:
    return tuple(f"{name}_paper" for name in Published._fields)


def _paper_values(method: str) -> tuple[float | None, ...]:
    return PUBLISHED.get(method) or (None,) * len(BESIDE)


def _label(analysis: Analysis) -> str:
    return "SIMULATED: not rated by people. " if analysis.simulated else ""


def _notes(analysis: Analysis, methods: Collection[str]) -> list[str]:
    data = analysis.data
    absent = [name for name in PUBLISHED if name not in analysis.table2]
    strange = [name for name in analysis.table2 if name not in methods]
    return [
        f"Ours: {data.n_ratings} ratings by {data.n_raters} raters of {data.n_scenes} edits.",
        "Paper: Table 2; 200 ratings of 20 edits, DGE against I-Mix2Mix, edits made on an NVIDIA L40S.",
        *([f"Not rated: {', '.join(absent)}."] if absent else []),
        *([f"Rated, but not in this run: {', '.join(strange)}."] if strange else []),
    ]
