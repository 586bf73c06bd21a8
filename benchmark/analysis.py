"""Statistics of one run: means with intervals, and methods against each other over their common cells. No torch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from pydantic import Field

from benchmark.results import Record
from benchmark.samples import Place, Values, values_by_method
from benchmark.statistics import Interval, edit_of, holm, scene_interval, scene_of, seed_deviation, sign_flip_p
from benchmark.store import Run
from benchmark.tables import Column, common_cells, run_columns

ASSUMPTIONS = (
    "Intervals: 95 %, scenes drawn anew with all their edits and seeds; they speak of other scenes of the same kind.",
    "p over edits: each edit's labels are swapped at random, its seeds together; it speaks of these scenes.",
    "p over scenes: whole scenes are swapped; with A scenes it is at least 2 / 2**A (0.25 with three).",
    "Holm's correction is over every metric and pair of methods of the run, for each of the two p-values apart.",
)
"""What a reader of the numbers must know."""


class MethodCounts(Record):
    """The cells of a method."""

    method: str
    attempted: int = Field(description="cells that were run: succeeded and failed")
    succeeded: int
    failed: int = Field(description="failed or out of memory")
    skipped: int = Field(description="not run, for want of something that the method needs")
    absent: int = Field(description="planned, but not run yet or not to be read")


class MetricSummary(Record):
    """A metric of a method over its own ok cells."""

    method: str
    metric: str = Field(description="key of the column")
    cells: int
    scenes: int
    seeds: int
    mean: float
    interval: Interval | None = Field(description="clustered by scene; absent with one scene")
    seed_deviation: float | None = Field(description="between seeds of one edit, pooled; absent with one seed")


class PairedDifference(Record):
    """A metric of two methods over the cells that both have."""

    metric: str = Field(description="key of the column")
    first: str
    second: str
    cells: int = Field(description="common cells")
    scenes: int
    difference: float = Field(description="mean of first minus second")
    interval: Interval | None = Field(description="clustered by scene; absent with one scene")
    p_edits: float = Field(description="randomisation p-value, two-sided; the edits are the units")
    p_edits_holm: float
    p_scenes: float = Field(description="randomisation p-value, two-sided; the scenes are the units")
    p_scenes_holm: float


class RunStatistics(Record):
    """All of them, with what they assume."""

    assumptions: tuple[str, ...]
    common: int = Field(description="scene, edit and seed that every method of the run has finished")
    counts: tuple[MethodCounts, ...]
    summaries: tuple[MetricSummary, ...]
    differences: tuple[PairedDifference, ...] = Field(description="of the metrics that have a direction; not of times")


@dataclass(frozen=True)
class Pair:
    """Two methods' differences in a metric, first minus second, at every place that both have."""

    metric: str
    first: str
    second: str
    differences: Values


def analyse(run: Run, seed: int = 0) -> RunStatistics:
    """The statistics of a run; `seed` is of the resamples and randomisations."""
    return RunStatistics(
        assumptions=ASSUMPTIONS,
        common=common_cells(run),
        counts=tuple(_counts(run, method.name) for method in run.record.methods),
        summaries=tuple(_summaries(run, seed)),
        differences=tuple(_compare(tuple(_pairs(run)), seed)),
    )


def _counts(run: Run, method: str) -> MethodCounts:
    statuses = [cell.result.status for cell in run.cells if cell.result.identity.method == method]
    succeeded, skipped = statuses.count("ok"), statuses.count("skipped")
    attempted = len(statuses) - skipped
    absent = [name for name in (*run.missing, *(name for name, _ in run.broken)) if name.startswith(f"cells/{method}/")]
    return MethodCounts(
        method=method,
        attempted=attempted,
        succeeded=succeeded,
        failed=attempted - succeeded,
        skipped=skipped,
        absent=len(absent),
    )


def _summaries(run: Run, seed: int) -> list[MetricSummary]:
    by_column = {column.key: _values(run, column) for column in run_columns(run)}
    return [
        _summary(method.name, key, by_method[method.name], seed)
        for method in run.record.methods
        for key, by_method in by_column.items()
        if method.name in by_method
    ]


def _summary(method: str, metric: str, values: Values, seed: int) -> MetricSummary:
    return MetricSummary(
        method=method,
        metric=metric,
        cells=len(values),
        scenes=_scenes(values),
        seeds=len({place.seed for place in values}),
        mean=fmean(values.values()),
        interval=scene_interval(values, seed),
        seed_deviation=seed_deviation(values),
    )


def _pairs(run: Run) -> Iterator[Pair]:
    order = [method.name for method in run.record.methods]
    for column in (column for column in run_columns(run) if column.arrow):
        by_method = _values(run, column)
        for first, second in combinations([name for name in order if name in by_method], 2):
            differences = paired_differences(by_method[first], by_method[second])
            if differences:
                yield Pair(column.key, first, second, differences)


def paired_differences(first: Values, second: Values) -> dict[Place, float]:
    """First minus second in every cell that both have."""
    return {place: value - second[place] for place, value in first.items() if place in second}


def _compare(pairs: Sequence[Pair], seed: int) -> Iterator[PairedDifference]:
    p_edits = [sign_flip_p(pair.differences, edit_of, seed) for pair in pairs]
    p_scenes = [sign_flip_p(pair.differences, scene_of, seed) for pair in pairs]
    tests = zip(p_edits, holm(p_edits), p_scenes, holm(p_scenes), strict=True)
    names = ("p_edits", "p_edits_holm", "p_scenes", "p_scenes_holm")
    for pair, test in zip(pairs, tests, strict=True):
        yield PairedDifference(
            metric=pair.metric,
            first=pair.first,
            second=pair.second,
            cells=len(pair.differences),
            scenes=_scenes(pair.differences),
            difference=fmean(pair.differences.values()),
            interval=scene_interval(pair.differences, seed),
            **dict(zip(names, test, strict=True)),
        )


def _values(run: Run, column: Column) -> dict[str, dict[Place, float]]:
    return values_by_method((cell.result for cell in run.cells), column)


def _scenes(values: Values) -> int:
    return len({place.scene for place in values})
