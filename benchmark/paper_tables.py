"""Tables 1 and 3 to 6 of the paper (arXiv 2511.14899) from a run, the published column beside ours. No torch.

Table 2 is the survey's, from ratings: `survey/paper_table.py`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

from benchmark import published
from benchmark.analysis import MethodCounts, MetricSummary, analyse
from benchmark.catalogue import CatalogueEdit, catalogue
from benchmark.extrapolation import Extrapolation, extrapolations
from benchmark.formats import Data, Table, Value
from benchmark.results import CellResult, EditRecord, Hardware
from benchmark.store import Run
from benchmark.tables import COLUMNS

PAPER_HARDWARE = "NVIDIA L40S"
PAPER = (
    f"SEVA 1.1 and InstructPix2Pix on photographs, {PAPER_HARDWARE}. Levels depend on models, images and hardware: "
    "between ours and the paper's compare the order of rows."
)
TITLES = {1: "methods", 3: "ablations", 4: "runtimes", 5: "updates k and sharpness f", 6: "the edits"}
CONS_TRAP = "Cons rewards views that were not edited: read it beside Dir."
SIX_EDITS = "The paper's figures are over six edits, which ones is not known; ours are over all edits of the run."
SWEEP = "I-Mix2Mix itself is k = 50, f = 0.5 in the paper; here what a row does not set is the bundle's and budget's."
MEANS = "Means over each method's own ok cells, ± half of a 95 % interval clustered by scene (none with one scene)."
HEADINGS = {column.key: column.heading for column in COLUMNS}


@dataclass(frozen=True, kw_only=True)
class PaperTable(Table):
    """A table of the paper, by its number there."""

    number: int


class Columns(NamedTuple):
    """Some neighbouring columns: headings and texts by row, keys and values by row for the data."""

    head: tuple[str, ...]
    keys: tuple[str, ...]
    cells: tuple[tuple[tuple[str, ...], tuple[Value, ...]], ...]

    @property
    def measured(self) -> bool:
        """Whether any row has a value of ours, which comes first."""
        return any(values[0] is not None for _, values in self.cells)


@dataclass(frozen=True)
class Measured:
    """A run with its statistics, by method and metric."""

    run: Run
    common: int
    counts: Mapping[str, MethodCounts]
    summaries: Mapping[tuple[str, str], MetricSummary]

    @property
    def attempted(self) -> tuple[str, ...]:
        """The methods with a cell that was run, in the run's order."""
        return tuple(method for method, count in self.counts.items() if count.attempted)


def paper_tables(run: Run) -> tuple[PaperTable, ...]:
    """Every table but the survey's of which the run has a value."""
    measured = _measure(run)
    made = (
        _scores(measured, published.TABLE_1, others=True),
        _scores(measured, published.TABLE_3, SIX_EDITS),
        _runtimes(measured),
        _scores(measured, published.TABLE_5, f"{SWEEP} {SIX_EDITS}", timed=True),
        _edits(run),
    )
    return tuple(table for table in made if table)


def labels(run: Run) -> str:
    """What a caption must say first of a run whose pictures or scores mean nothing; empty for others."""
    told = {
        "RANDOM WEIGHTS: the models were not trained; times alone are real. ": (
            run.record.provenance.bundle.random_weights
        ),
        "SMOKE RUN: its numbers mean nothing. ": run.record.budget == "smoke",
    }
    return "".join(text for text, applies in told.items() if applies)


def setting(run: Run) -> str:
    """What the numbers of a run come from: models, amount of work, views, edits, seeds and hardware."""
    ok = [cell.result for cell in run.cells if cell.result.status == "ok"]
    views = "/".join(map(str, sorted({len(result.views) for result in ok})))
    edits = len({(result.identity.scene, result.identity.edit) for result in ok})
    seeds = len({result.identity.seed for result in ok})
    work = f"bundle {run.record.provenance.bundle.name}, budget {run.record.budget} ({run.record.purpose})"
    cells = (f"N = {views}", _counted(edits, "edit"), _counted(seeds, "seed")) if ok else ("no ok cell",)
    return ", ".join([work, *cells, *machines(ok)])


def machines(results: Iterable[CellResult]) -> tuple[str, ...]:
    """What did the work, each once."""
    return tuple(dict.fromkeys(_processor(result.provenance.hardware) for result in results if result.timing))


def mean_text(mean: float, half: float | None, digits: int = 3) -> str:
    """A mean with half of its interval's width, where it has one."""
    return f"{mean:.{digits}f}" if half is None else f"{mean:.{digits}f} ± {half:.{digits}f}"


def _measure(run: Run) -> Measured:
    found = analyse(run)
    return Measured(
        run,
        found.common,
        {count.method: count for count in found.counts},
        {(summary.method, summary.metric): summary for summary in found.summaries},
    )


def _scores(
    measured: Measured, source: published.Table, remark: str = "", *, others: bool = False, timed: bool = False
) -> PaperTable | None:
    rows = _rows(measured, source, others)
    scores = [
        _metric(measured, rows, "clip_cons", "Cons", lambda row: row.cons),
        _metric(measured, rows, "clip_sim", "Sim", lambda row: row.sim),
        _metric(measured, rows, "clip_dir", "Dir", lambda row: row.dir),
        _error(measured, rows),
    ]
    if timed:
        scores.append(_minutes(measured, rows))
    return _table(measured, source, rows, scores, (CONS_TRAP, remark))


def _runtimes(measured: Measured) -> PaperTable | None:
    source, longer = published.TABLE_4, extrapolations(measured.run)
    shortened = [replace(row, method=name) for name, made in longer.items() if (row := source.row(made.method))]
    rows = (*shortened, *_rows(measured, source, others=True))
    times = [_minutes(measured, rows), _fitting(measured, rows, longer), _extrapolated(measured, rows, longer)]
    several = len(machines(cell.result for cell in measured.run.cells)) > 1
    remarks = (
        "SEVERAL MACHINES: rows do not compare." if several else "",
        "The edit of a scene, models loaded; fitting the scene is apart.",
        *(f"Extrapolated: {made.words}." for made in longer.values()),
    )
    return _table(measured, source, rows, times, remarks, [made.method for made in longer.values()])


def _rows(measured: Measured, source: published.Table, others: bool) -> tuple[published.Row, ...]:
    """The paper's rows that the run has; then, if asked, its methods that are no ablation."""
    rows = [row for row in source.rows if row.method in measured.attempted]
    if others:
        more = [name for name in measured.attempted if "@" not in name or name in published.TABLE_1.beside]
        rows += [published.Row(name) for name in more if source.row(name) is None]
    return tuple(rows)


def _table(
    measured: Measured,
    source: published.Table,
    rows: Sequence[published.Row],
    parts: Sequence[Columns],
    remarks: Sequence[str],
    extrapolated: Collection[str] = (),
) -> PaperTable | None:
    """The table, without columns that no row of ours has a value for; None where the paper's methods have none.

    `extrapolated` are methods for which a row with fewer steps stands.
    """
    known, here = [part for part in parts if part.measured], {*measured.attempted, *extrapolated}
    if not known or not here & set(source.methods):
        return None
    absent = [row.method for row in source.rows if row.method not in here]
    return _joined(
        [_names(measured, rows), *known],
        number=source.number,
        caption=" ".join([labels(measured.run) + MEANS, *filter(None, remarks)]),
        notes=(
            f"Edits that every method of the run has finished: {measured.common}.",
            *_sources(measured.run, f"Table {source.number}, {source.caption}; {PAPER}", absent),
        ),
    )


def _joined(
    parts: Sequence[Columns], *, number: int, caption: str, notes: tuple[str, ...], texts: int = 1
) -> PaperTable:
    rows = list(zip(*(part.cells for part in parts), strict=True))
    keys = tuple(key for part in parts for key in part.keys)
    return PaperTable(
        number=number,
        title=f"Table {number}: {TITLES[number]}",
        caption=caption,
        head=tuple(text for part in parts for text in part.head),
        rows=tuple(tuple(text for shown, _ in row for text in shown) for row in rows),
        notes=notes,
        texts=texts,
        data=Data(keys, tuple(tuple(value for _, values in row for value in values) for row in rows)),
    )


def _names(measured: Measured, rows: Iterable[published.Row]) -> Columns:
    titles = {method.name: method.title for method in measured.run.record.methods}
    counts = [measured.counts[row.method] for row in rows]
    return Columns(
        ("Method", "Cells"),
        ("method", "attempted", "succeeded", "failed"),
        tuple(
            (
                (titles[count.method], f"{count.succeeded}/{count.attempted}"),
                (count.method, count.attempted, count.succeeded, count.failed),
            )
            for count in counts
        ),
    )


def _metric(
    measured: Measured,
    rows: Iterable[published.Row],
    key: str,
    name: str,
    expected: Callable[[published.Row], float | None],
) -> Columns:
    def cell(row: published.Row) -> tuple[tuple[str, ...], tuple[Value, ...]]:
        summary, theirs = measured.summaries.get((row.method, key)), expected(row)
        return (_mean(summary), _number(theirs)), (*_values(summary), theirs)

    keys = (key, f"{key}_low", f"{key}_high", f"{key}_paper")
    return Columns((HEADINGS[key], f"{name}, paper"), keys, tuple(map(cell, rows)))


def _error(measured: Measured, rows: Iterable[published.Row]) -> Columns:
    """The truth that photographs do not have."""
    key = "relative_error"
    found = [measured.summaries.get((row.method, key)) for row in rows]
    cells = tuple(((_mean(summary),), _values(summary)) for summary in found)
    return Columns((HEADINGS[key],), (key, f"{key}_low", f"{key}_high"), cells)


def _minutes(measured: Measured, rows: Iterable[published.Row]) -> Columns:
    def cell(row: published.Row) -> tuple[tuple[str, ...], tuple[Value, ...]]:
        summary = measured.summaries.get((row.method, "seconds"))
        theirs = "-" if row.minutes is None else f"{row.minutes:g}"
        return (_mean(summary, 60, 2), theirs), (*_values(summary), row.minutes)

    keys = ("seconds", "seconds_low", "seconds_high", "minutes_paper")
    return Columns(("Minutes", f"Minutes, paper ({PAPER_HARDWARE})"), keys, tuple(map(cell, rows)))


def _fitting(measured: Measured, rows: Iterable[published.Row], longer: Mapping[str, Extrapolation]) -> Columns:
    """What fitting the scene before any edit takes, or would in all its steps; no value where nothing is fitted."""

    def cell(row: published.Row) -> tuple[tuple[str, ...], tuple[Value, ...]]:
        made = longer.get(row.method)
        seconds = [made.fit(p) if made else p.get("fit", 0.0) for p in _phases(measured.run, row.method)]
        mean = fmean(seconds) if any(seconds) else None
        return ("-" if mean is None else f"{mean / 60:.2f}",), (mean,)

    return Columns(("Fitting the scene, minutes",), ("seconds_fit",), tuple(map(cell, rows)))


def _extrapolated(measured: Measured, rows: Iterable[published.Row], longer: Mapping[str, Extrapolation]) -> Columns:
    """What rows with fewer steps than the paper's would take with all of them."""

    def cell(row: published.Row) -> tuple[tuple[str, ...], tuple[Value, ...]]:
        phases = _phases(measured.run, row.method)
        if row.method not in longer or not phases:
            return ("-",), (None,)
        mean = fmean(map(longer[row.method].seconds, phases))
        return (f"{mean / 60:.2f}",), (mean,)

    return Columns(("Minutes, extrapolated",), ("seconds_extrapolated",), tuple(map(cell, rows)))


def _edits(run: Run) -> PaperTable | None:
    """Table 6: the catalogue's edits that the run has, with the guidance that was asked for."""
    cells = [cell.result for cell in run.cells]
    found = {(one.identity.scene, one.identity.edit): one.edit for one in cells}
    here = [entry for entry in catalogue() if (entry.scene, entry.slug) in found]
    if not here:
        return None
    edits = [(entry, found[entry.scene, entry.slug]) for entry in here]
    absent = [entry.edit.instruction for entry in catalogue() if entry not in here]
    return _joined(
        [_wording(edits), _cells_of(edits, cells), _guidance(edits)],
        number=6,
        caption=f"{labels(run)}S_T and S_I are guidance by text and by image, as asked for: a bundle may carry one "
        "factor on S_T. Cells: succeeded of attempted, all methods and seeds.",
        notes=_sources(run, "Table 6, 20 edits of photographs.", absent),
        texts=4,
    )


Edits = Sequence[tuple[CatalogueEdit, EditRecord]]
"""The paper's edit and ours."""


def _wording(edits: Edits) -> Columns:
    texts = [(entry.scene, ours.instruction, ours.original_prompt, ours.edited_prompt) for entry, ours in edits]
    head = ("Scene", "Instruction", "Original prompt", "Edited prompt")
    return Columns(head, ("scene", "instruction", "original_prompt", "edited_prompt"), tuple((t, t) for t in texts))


def _cells_of(edits: Edits, cells: Sequence[CellResult]) -> Columns:
    def count(entry: CatalogueEdit) -> tuple[tuple[str, ...], tuple[Value, ...]]:
        here = [one.status for one in cells if (one.identity.scene, one.identity.edit) == (entry.scene, entry.slug)]
        attempted, succeeded = len(here) - here.count("skipped"), here.count("ok")
        return (f"{succeeded}/{attempted}",), (attempted, succeeded)

    return Columns(("Cells",), ("attempted", "succeeded"), tuple(count(entry) for entry, _ in edits))


def _guidance(edits: Edits) -> Columns:
    values = [
        (ours.text_guidance, entry.edit.text_guidance, ours.image_guidance, entry.edit.image_guidance)
        for entry, ours in edits
    ]
    keys = ("text_guidance", "text_guidance_paper", "image_guidance", "image_guidance_paper")
    cells = tuple((tuple(f"{value:g}" for value in row), row) for row in values)
    return Columns(("S_T", "S_T, paper", "S_I", "S_I, paper"), keys, cells)


def _sources(run: Run, table: str, absent: Sequence[str]) -> tuple[str, ...]:
    """Where both columns come from, and what of the paper's the run lacks."""
    return (
        f"Ours: {setting(run)}.",
        f"Paper (arXiv 2511.14899): {table}",
        *([f"Not in this run: {', '.join(absent)}."] if absent else []),
    )


def _phases(run: Run, method: str) -> list[Mapping[str, float]]:
    """Seconds by phase of a method's cells that are ok and timed."""
    found = (cell.result for cell in run.cells if cell.result.identity.method == method)
    return [one.timing.phases for one in found if one.status == "ok" and one.timing]


def _mean(summary: MetricSummary | None, unit: float = 1, digits: int = 3) -> str:
    if summary is None:
        return "-"
    half = None if summary.interval is None else (summary.interval.high - summary.interval.low) / 2 / unit
    return mean_text(summary.mean / unit, half, digits)


def _values(summary: MetricSummary | None) -> tuple[Value, ...]:
    if summary is None:
        return None, None, None
    ends = (summary.interval.low, summary.interval.high) if summary.interval else (None, None)
    return summary.mean, *ends


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _processor(hardware: Hardware) -> str:
    if hardware.device.startswith("cuda") and hardware.gpus:
        return hardware.gpus[int(hardware.device.partition(":")[2] or 0)]
    return f"{hardware.cpu}, {hardware.cores} cores"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
