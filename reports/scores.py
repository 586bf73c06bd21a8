"""The tables of scores: every method's means, every pair's difference, every cell, and what the edits cost."""

from collections.abc import Callable, Iterable, Mapping
from statistics import median

from benchmark.analysis import PairedDifference, RunStatistics
from benchmark.progress import duration
from benchmark.results import CellResult, MethodRecord
from benchmark.store import Run
from benchmark.tables import Column, number, run_columns
from reports.grids import Entry, Grid, Heading, Line, count, words
from reports.wording import NOTHING, p_value, signed, span


def score_grid(run: Run, statistics: RunStatistics) -> Grid:
    """A row for every method: its counts, and the mean of every score with its interval."""
    means = {(one.method, one.metric): one for one in statistics.summaries}
    by_method = {one.method: one for one in statistics.counts}
    columns = run_columns(run)
    lines = []
    for method in run.record.methods:
        counts = by_method[method.name]
        found = [means.get((method.name, column.key)) for column in columns]
        values = [
            Entry(_shown(one.mean, column), span(one.interval) if column.arrow else "", one.mean)
            if one
            else Entry(NOTHING)
            for one, column in zip(found, columns, strict=True)
        ]
        lines.append(Line((words(method.title), count(counts.succeeded), count(counts.failed), *values)))
    headings = [Heading("Method", wide=True), Heading("ok"), Heading("failed")]
    return Grid("Scores", (*headings, *(Heading(column.heading) for column in columns)), tuple(lines))


def difference_grid(run: Run, statistics: RunStatistics) -> Grid | None:
    """A row for every metric and pair of methods with common cells; None where there is none."""
    titles = {method.name: method.title for method in run.record.methods}
    texts = ("Score", "First method", "Second method")
    numbers = ("cells", "first − second", "95 %", "p, edits", "p, scenes")
    headings = (*(Heading(text, wide=True) for text in texts), *map(Heading, numbers))
    scores = {column.key: column.heading for column in run_columns(run)}
    lines = tuple(_difference_line(found, scores, titles) for found in statistics.differences)
    return Grid("Differences of methods", headings, lines) if lines else None


def cell_grid(run: Run) -> Grid:
    """A row for every cell."""
    headings = (Heading("Edit", wide=True), Heading("Method", wide=True), Heading("seed"), Heading("status", wide=True))
    columns = run_columns(run)
    lines = tuple(_cell_line(cell.result, columns) for cell in run.cells)
    return Grid("Cells", (*headings, *(Heading(column.heading) for column in columns)), lines)


def cost_grid(run: Run) -> Grid:
    """A row for every method: what its edits cost."""
    texts = ("phases", "samples", "peak memory")
    numbers = ("edits", "median", "range", "warm-up")
    headings = (Heading("Method", wide=True), *map(Heading, numbers), *(Heading(text, wide=True) for text in texts))
    return Grid("Runtime", headings, tuple(_cost_line(run, method) for method in run.record.methods))


def _shown(value: float, column: Column) -> str:
    return number(value, column).replace("-", "−")


def _difference_line(found: PairedDifference, scores: Mapping[str, str], titles: Mapping[str, str]) -> Line:
    return Line(
        (
            words(scores[found.metric]),
            words(titles[found.first]),
            words(titles[found.second]),
            count(found.cells),
            Entry(signed(found.difference), key=found.difference),
            Entry(span(found.interval) or NOTHING, key=found.interval.low if found.interval else None),
            *(Entry(p_value(p).removeprefix("p = ").removeprefix("p "), key=p) for p in _holm(found)),
        )
    )


def _holm(found: PairedDifference) -> tuple[float, float]:
    return found.p_edits_holm, found.p_scenes_holm


def _cell_line(result: CellResult, columns: Iterable[Column]) -> Line:
    identity = result.identity
    values = [(column, column.value(result)) for column in columns]
    scores = [Entry(NOTHING) if v is None else Entry(_shown(v, column), key=v) for column, v in values]
    named = (words(result.edit.instruction), words(identity.method), count(identity.seed), words(result.status))
    return Line((*named, *scores))


def _cost_line(run: Run, method: MethodRecord) -> Line:
    results = [cell.result for cell in run.cells if cell.result.identity.method == method.name and cell.result.timing]
    samples = [result.timing.seconds for result in results if result.timing]
    warm_ups = [result.timing.warm_up for result in results if result.timing and result.timing.warm_up is not None]
    spread = f"{duration(min(samples))} to {duration(max(samples))}" if samples else NOTHING
    return Line(
        (
            words(method.title),
            count(len(results)),
            _time(samples),
            Entry(spread, key=min(samples, default=None)),
            _time(warm_ups),
            Entry(_means(results, lambda result: result.timing.phases if result.timing else {}, duration)),
            Entry(_means(results, lambda result: result.counts, lambda value: f"{value:,.0f}")),
            _peak_memory(results),
        )
    )


def _time(samples: list[float]) -> Entry:
    return Entry(duration(median(samples)), key=median(samples)) if samples else Entry(NOTHING)


def _means(
    results: list[CellResult], read: Callable[[CellResult], Mapping[str, float]], show: Callable[[float], str]
) -> str:
    """``teacher 4,000, student 2,150``: the mean of every entry that is not zero."""
    names = dict.fromkeys(name for result in results for name in read(result))
    means = {name: sum(read(result).get(name, 0) for result in results) / len(results) for name in names}
    return ", ".join(f"{name} {show(mean)}" for name, mean in means.items() if mean) or NOTHING


def _peak_memory(results: Iterable[CellResult]) -> Entry:
    found = [result.memory for result in results if result.memory]
    reserved = [memory.device_reserved for memory in found if memory.device_reserved is not None]
    allocated = [memory.device_allocated for memory in found if memory.device_allocated is not None]
    if reserved and allocated:
        text = f"{_gib(max(allocated))} allocated, {_gib(max(reserved))} reserved on the GPU"
        return Entry(text, key=max(allocated))
    process = [memory.process for memory in found if memory.process is not None]
    return Entry(f"{_gib(max(process))} process", key=max(process)) if process else Entry(NOTHING)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"
