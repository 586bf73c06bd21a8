"""The summary of a run, a row a method, for the terminal and as CSV, Markdown and LaTeX. No torch.

Cons stands beside Dir in every one of them: alone it rewards views that were not edited at all.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.formats import FORMATS, Data, Table, as_text
from benchmark.results import CellResult, ExtraScores, Metrics, ReprojectionScores
from benchmark.store import Run, read_run, replace_file
from benchmark.tolerances import FLOORS


@dataclass(frozen=True)
class Column:
    """A mean over the ok cells of a method: its name, which way is better, and its value in one cell.

    ``floor`` is the least difference of two runs that counts; a time, which has none, is judged by its part.
    ``origin`` is the package that brings the metric, where another does.
    """

    key: str
    title: str
    arrow: str
    value: Callable[[CellResult], float | None]
    floor: float | None
    origin: str = ""

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


def _score(key: str, title: str, arrow: str, read: Callable[[Metrics], float | None]) -> Column:
    return Column(key, title, arrow, lambda result: read(result.metrics) if result.metrics else None, FLOORS[key])


def _error(scores: ReprojectionScores | None) -> float | None:
    return scores.error if scores else None


def _relative(scores: ReprojectionScores | None) -> float | None:
    return scores.relative if scores else None


def _seconds(result: CellResult) -> float | None:
    return result.timing.seconds if result.timing else None


COLUMNS = (
    _score("clip_cons", "Cons", "↑", lambda metrics: metrics.clip_cons.mean),
    _score("clip_sim", "Sim", "↑", lambda metrics: metrics.clip_sim.mean),
    _score("clip_dir", "Dir", "↑", lambda metrics: metrics.clip_dir.mean),
    _score("clip_cons_consecutive", "Cons (consecutive)", "↑", lambda metrics: metrics.clip_cons_consecutive.mean),
    _score("reprojection", "Reprojection", "↓", lambda metrics: _error(metrics.reprojection)),
    _score("relative_error", "Relative error", "↓", lambda metrics: _relative(metrics.reprojection)),
    _score("background", "Background", "↓", lambda metrics: _error(metrics.background)),
    Column("seconds", "s/edit", "", _seconds, floor=None),
)
"""What every run has; metrics of other packages come after them, see `columns_of`."""

CAPTION = (
    "Means over each method's own ok cells. Cons rewards views that were not edited: read it beside Dir. "
    "Relative error: reprojection error over the subject / its chance level."
)


def columns_of(results: Iterable[CellResult]) -> tuple[Column, ...]:
    """Our columns, and one for each metric of another package that any of these cells was scored with."""
    found: dict[str, list[ExtraScores]] = {}
    for result in results:
        for name, scores in (result.metrics.extra if result.metrics else {}).items():
            found.setdefault(name, []).append(scores)
    return *COLUMNS, *(_extra(name, scores) for name, scores in sorted(found.items()))


def run_columns(run: Run) -> tuple[Column, ...]:
    """The columns of a run's cells."""
    return columns_of(cell.result for cell in run.cells)


def rows(run: Run) -> list[Row]:
    """A row for every method of the run, in its order."""
    columns = run_columns(run)
    return [_row(method.name, method.title, run, columns) for method in run.record.methods]


def common_cells(run: Run) -> int:
    """How many edits (scene, edit and seed) every method of the run has finished."""
    done = Counter(
        (identity.scene, identity.edit, identity.seed)
        for identity in (cell.result.identity for cell in run.cells if cell.result.status == "ok")
    )
    return sum(count == len(run.record.methods) for count in done.values())


def table(run: Run) -> Table:
    """The table with its caption; its data has full precision."""
    found, columns = rows(run), run_columns(run)
    values = tuple((row.method, row.ok, row.failed, row.skipped, *row.values) for row in found)
    return Table(
        title="",
        caption=caption(run),
        head=("Method", "ok", "failed", *(column.heading for column in columns)),
        rows=tuple(_texts(row, columns) for row in found),
        data=Data(("method", "ok", "failed", "skipped", *(column.key for column in columns)), values),
    )


def summary(run: Run) -> str:
    """The table for a terminal, with its caption."""
    return as_text(table(run))


def caption(run: Run) -> str:
    """What the numbers are means of, and over how many cells."""
    done = sum(cell.result.status == "ok" for cell in run.cells)
    return f"{legend(run)}\nOk cells: {done}. Edits that every method has finished: {common_cells(run)}."


def legend(run: Run) -> str:
    """What the numbers are, and who brings those that are not ours."""
    return " ".join([CAPTION, *origins(run_columns(run))])


def origins(columns: Iterable[Column]) -> tuple[str, ...]:
    """Who brings the metrics that are not ours, a sentence each."""
    return tuple(f"{column.title} is a metric of {column.origin}." for column in columns if column.origin)


def write_tables(folder: Path) -> tuple[Path, ...]:
    """Write ``table.csv``, ``table.md`` and ``table.tex`` into the folder of a run."""
    made = table(read_run(folder))
    texts = {folder / f"table.{kind}": FORMATS[kind](made) for kind in ("csv", "md", "tex")}
    for path, text in texts.items():
        replace_file(path, text.encode())
    return tuple(texts)


def number(value: float | None, column: Column) -> str:
    """A mean as it is shown: three decimals, seconds one; a dash where nothing has one."""
    if value is None:
        return "-"
    return f"{value:.1f}" if column.key == "seconds" else f"{value:.3f}"


def _row(method: str, title: str, run: Run, columns: Iterable[Column]) -> Row:
    results = [cell.result for cell in run.cells if cell.result.identity.method == method]
    ok = [result for result in results if result.status == "ok"]
    skipped = sum(result.status == "skipped" for result in results)
    values = tuple(_mean(map(column.value, ok)) for column in columns)
    return Row(method, title, len(ok), len(results) - len(ok) - skipped, skipped, values)


def _extra(name: str, scores: Sequence[ExtraScores]) -> Column:
    """The column of another package's metric; versions of it may differ from cell to cell, and are all named."""
    latest = scores[-1]

    def value(result: CellResult) -> float | None:
        found = result.metrics.extra.get(name) if result.metrics else None
        return found.mean if found else None

    arrow = "↑" if latest.better == "higher" else "↓"
    origins = " and ".join(dict.fromkeys(score.origin for score in scores))
    return Column(f"extra_{name}", latest.title, arrow, value, latest.tolerance, origins)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _texts(row: Row, columns: Iterable[Column]) -> tuple[str, ...]:
    numbers = (number(value, column) for value, column in zip(row.values, columns, strict=True))
    return row.method, str(row.ok), str(row.failed), *numbers
