"""How the methods of a run stand: those that edit ordered by how well their views agree, and any two compared.

The relative reprojection error says it where the geometry is known, Cons elsewhere.
"""

from dataclasses import dataclass
from statistics import median

from benchmark.analysis import MetricSummary, PairedDifference, RunStatistics
from benchmark.results import MethodRecord
from benchmark.samples import direction
from benchmark.store import Run
from benchmark.tables import COLUMNS, Column

REFERENCES = ("oracle", "unedited")
"""Methods to measure by: no one would choose them to edit."""

_QUALITIES = ("relative_error", "clip_cons")


@dataclass(frozen=True)
class Standing:
    """A run's methods by quality, the best first."""

    run: Run
    statistics: RunStatistics
    quality: Column
    contenders: tuple[MethodRecord, ...]

    def of(self, method: MethodRecord, metric: str) -> MetricSummary | None:
        """A method's mean."""
        found = (one for one in self.statistics.summaries if (one.method, one.metric) == (method.name, metric))
        return next(found, None)

    def between(self, first: MethodRecord, second: MethodRecord, metric: str) -> PairedDifference | None:
        """First minus second, whichever way round it was computed."""
        for found in self.statistics.differences:
            if found.metric == metric and {found.first, found.second} == {first.name, second.name}:
                return found if found.first == first.name else _turned(found)
        return None

    def seconds(self, method: MethodRecord) -> float | None:
        """The median time of an edit."""
        timings = [cell.result.timing for cell in self.run.cells if cell.result.identity.method == method.name]
        samples = [timing.seconds for timing in timings if timing]
        return median(samples) if samples else None


def standing_of(run: Run, statistics: RunStatistics) -> Standing:
    """Order the methods of a run that have a score, but for `REFERENCES` and ablations."""
    measured = {one.metric for one in statistics.summaries}
    key = next((key for key in _QUALITIES if key in measured), _QUALITIES[-1])
    quality = next(column for column in COLUMNS if column.key == key)
    means = {one.method: one.mean for one in statistics.summaries if one.metric == quality.key}
    methods = [method for method in _contenders(run) if method.name in means]
    methods.sort(key=lambda method: -direction(quality) * means[method.name])
    return Standing(run, statistics, quality, tuple(methods))


def _contenders(run: Run) -> list[MethodRecord]:
    """Methods to choose among: a variant of one that is there itself is an ablation of it."""
    names = {method.name for method in run.record.methods}
    chosen = []
    for method in run.record.methods:
        plain, variant, _ = method.name.partition("@")
        if plain not in REFERENCES and not (variant and plain in names):
            chosen.append(method)
    return chosen


def _turned(found: PairedDifference) -> PairedDifference:
    ends = found.interval
    interval = None if ends is None else ends.model_copy(update={"low": -ends.high, "high": -ends.low})
    changed = {"first": found.second, "second": found.first, "difference": -found.difference, "interval": interval}
    return found.model_copy(update=changed)
