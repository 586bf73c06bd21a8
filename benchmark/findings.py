"""What a run's statistics and the validity of its metrics say, as tables. No torch."""

from collections.abc import Iterable, Mapping, Sequence

from benchmark.analysis import PairedDifference, RunStatistics
from benchmark.formats import Table
from benchmark.paper_tables import CONS_TRAP, labels
from benchmark.store import Run
from benchmark.tables import COLUMNS, Column, origins, run_columns
from benchmark.validity import CLIP_METRICS, Correlation, MetricValidity

COMPARED = ("clip_cons", "clip_sim", "clip_dir", "relative_error")
"""The metrics of ours that a table of differences shows: the paper's, and the truth."""

TITLES = {column.key: column.title for column in COLUMNS}


def count_table(run: Run, found: RunStatistics) -> Table:
    """How the cells of each method ended."""
    rows = [
        (count.method, *map(str, (count.attempted, count.succeeded, count.failed, count.skipped, count.absent)))
        for count in found.counts
    ]
    return Table(
        title="Cells",
        caption=f"{labels(run)}Edits, with a seed each, that every method has finished: {found.common}.",
        head=("Method", "attempted", "succeeded", "failed", "skipped", "absent"),
        rows=tuple(rows),
    )


def difference_table(run: Run, differences: Iterable[PairedDifference]) -> Table:
    """Methods against each other, a row a pair."""
    columns = [column for column in run_columns(run) if column.key in COMPARED or column.origin]
    pairs: dict[tuple[str, str], dict[str, PairedDifference]] = {}
    for one in differences:
        if one.metric in {column.key for column in columns}:
            pairs.setdefault((one.first, one.second), {})[one.metric] = one
    return Table(
        title="Paired differences",
        caption=f"{labels(run)}First minus second over their common cells, ± half of a 95 % interval clustered by "
        f"scene; p over edits after Holm, over every metric and pair of the run. {CONS_TRAP}",
        head=("First", "Second", "Cells", *(f"{column.title}, p" for column in columns)),
        rows=tuple((*names, *_pair_texts(by_metric, columns)) for names, by_metric in pairs.items()),
        notes=origins(columns),
        texts=2,
    )


def of_method(found: RunStatistics, method: str) -> list[PairedDifference]:
    """The differences of one method from the others; all of them where it was not compared."""
    own = [one for one in found.differences if method in (one.first, one.second)]
    return own or list(found.differences)


def correlation_table(run: Run, found: MetricValidity) -> Table:
    """How each metric ranks cells against the truth, a row a scene and one for all."""
    scenes: dict[str, dict[str, Correlation]] = {}
    for one in found.correlations:
        scenes.setdefault(one.scene or "all", {})[one.metric] = one
    return Table(
        title="CLIP metrics against the truth",
        caption=f"{labels(run)}Spearman's rank correlation with the true relative error over cells, with its 95 % "
        "interval; 1: the metric agrees with the truth.",
        head=("Scene", "Cells", *(TITLES[key] for key in CLIP_METRICS)),
        rows=tuple((scene, *_correlation_texts(by_metric)) for scene, by_metric in scenes.items()),
        notes=found.assumptions,
    )


def fooled_table(run: Run, found: MetricValidity) -> Table:
    """Where a metric prefers the worse of two view sets."""
    rows = [
        (TITLES[case.metric], _short(case.better), _short(case.worse), case.why, f"{case.by:.3f}")
        for case in found.fooled
    ]
    return Table(
        title="Where they are fooled",
        caption=f"{labels(run)}The largest margins of each metric.",
        head=("Metric", "prefers", "to", "although", "by"),
        rows=tuple(rows),
        texts=4,
    )


def _pair_texts(by_metric: Mapping[str, PairedDifference], columns: Iterable[Column]) -> list[str]:
    counts = sorted({one.cells for one in by_metric.values()})
    return ["-".join(map(str, counts)), *(_difference(by_metric.get(column.key)) for column in columns)]


def _difference(one: PairedDifference | None) -> str:
    if one is None:
        return "-"
    half = (one.interval.high - one.interval.low) / 2 if one.interval else None
    around = "" if half is None else f" ± {half:.3f}"
    return f"{one.difference:+z.3f}{around}, {one.p_edits_holm:.2g}"


def _correlation_texts(by_metric: Mapping[str, Correlation]) -> Sequence[str]:
    cells = {one.cells for one in by_metric.values()}
    return "-".join(map(str, sorted(cells))), *(_rho(by_metric[key]) for key in CLIP_METRICS)


def _rho(one: Correlation) -> str:
    return f"{one.rho:+z.2f}" + (f" ({one.interval.low:+z.2f} to {one.interval.high:+z.2f})" if one.interval else "")


def _short(folder: str) -> str:
    return folder.removeprefix("cells/")
