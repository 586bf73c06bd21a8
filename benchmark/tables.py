"""The summary of a run, a row a method, for the terminal and as CSV, Markdown and LaTeX. No torch.

Cons stands beside Dir in every one of them: alone it rewards views that were not edited at all.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark.formats import FORMATS, Data, Table, as_text
from benchmark.results import CellResult, Metrics, ReprojectionScores
from benchmark.store import Run, read_run, replace_file


@dataclass(frozen=True)
class Column:
    """A mean over the ok cells of a method: its name, which way is better, and its value in one cell."""

    key: str
    title: str
    arrow: str
    value: Callable[[CellResult], float | None]

    @property
    def heading(self) -> str:
        """The title with its arrow."""
        return f"{self.title} {self.arrow}".strip()


@dataclass(frozen=True)
class Row:
    """A method: its name and title, its cells by status, and a mean for every column (None where nothing has one)."""

    method: str
    title: str
    ok: int
    failed: int
    skipped: int
    values: tuple[float | None, ...]


def _metric(read: Callable[[Metrics], float | None]) -> Callable[[CellResult], float | None]:
    return lambda result: read(result.metrics) if result.metrics else None


def _error(scores: ReprojectionScores | None) -> float | None:
    return scores.error if scores else None


def _relative(scores: ReprojectionScores | None) -> float | None:
    return scores.relative if scores else None


def _seconds(result: CellResult) -> float | None:
    return sum(result.timing.edit) / len(result.timing.edit) if result.timing else None


COLUMNS = (
    Column("clip_cons", "Cons", "↑", _metric(lambda metrics: metrics.clip_cons.mean)),
    Column("clip_sim", "Sim", "↑", _metric(lambda metrics: metrics.clip_sim.mean)),
    Column("clip_dir", "Dir", "↑", _metric(lambda metrics: metrics.clip_dir.mean)),
    Column(
        "clip_cons_consecutive", "Cons (consecutive)", "↑", _metric(lambda metrics: metrics.clip_cons_consecutive.mean)
    ),
    Column("reprojection", "Reprojection", "↓", _metric(lambda metrics: _error(metrics.reprojection))),
    Column("relative_error", "Relative error", "↓", _metric(lambda metrics: _relative(metrics.reprojection))),
    Column("background", "Background", "↓", _metric(lambda metrics: _error(metrics.background))),
    Column("seconds", "s/edit", "", _seconds),
)

CAPTION = (
    "Means over each method's own ok cells. Cons rewards views that were not edited: read it beside Dir. "
    "Relative error: reprojection error over the subject / its chance level."
)


def rows(run: Run) -> list[Row]:
    """A row for every method of the run, in its order."""
    return [_row(method.name, method.title, run) for method in run.record.methods]


def common_cells(run: Run) -> int:
    """How many edits (scene, edit and seed) every method of the run has finished."""
    done = Counter(
        (identity.scene, identity.edit, identity.seed)
        for identity in (cell.result.identity for cell in run.cells if cell.result.status == "ok")
    )
    return sum(count == len(run.record.methods) for count in done.values())


def table(run: Run) -> Table:
    """The table with its caption; its data has full precision."""
    found = rows(run)
    values = tuple((row.method, row.ok, row.failed, row.skipped, *row.values) for row in found)
    return Table(
        title="",
        caption=caption(run),
        head=HEADINGS,
        rows=tuple(map(_texts, found)),
        data=Data(("method", "ok", "failed", "skipped", *(column.key for column in COLUMNS)), values),
    )


def summary(run: Run) -> str:
    """The table for a terminal, with its caption."""
    return as_text(table(run))


def caption(run: Run) -> str:
    """What the numbers are means of, and over how many cells."""
    done = sum(cell.result.status == "ok" for cell in run.cells)
    return f"{CAPTION}\nOk cells: {done}. Edits that every method has finished: {common_cells(run)}."


def write_tables(folder: Path) -> tuple[Path, ...]:
    """Write ``table.csv``, ``table.md`` and ``table.tex`` into the folder of a run."""
    made = table(read_run(folder))
    texts = {folder / f"table.{kind}": FORMATS[kind](made) for kind in ("csv", "md", "tex")}
    for path, text in texts.items():
        replace_file(path, text.encode())
    return tuple(texts)


HEADINGS = ("Method", "ok", "failed", *(column.heading for column in COLUMNS))


def number(value: float | None, column: Column) -> str:
    """A mean as it is shown: three decimals, seconds one; a dash where nothing has one."""
    if value is None:
        return "-"
    return f"{value:.1f}" if column.key == "seconds" else f"{value:.3f}"


def _row(method: str, title: str, run: Run) -> Row:
    results = [cell.result for cell in run.cells if cell.result.identity.method == method]
    ok = [result for result in results if result.status == "ok"]
    skipped = sum(result.status == "skipped" for result in results)
    values = tuple(_mean(map(column.value, ok)) for column in COLUMNS)
    return Row(method, title, len(ok), len(results) - len(ok) - skipped, skipped, values)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _texts(row: Row) -> tuple[str, ...]:
    numbers = (number(value, column) for value, column in zip(row.values, COLUMNS, strict=True))
    return row.method, str(row.ok), str(row.failed), *numbers
