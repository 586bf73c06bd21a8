"""Runtime against quality: what a method's views gain for its time."""

from benchmark.analysis import MetricSummary, RunStatistics
from benchmark.results import MethodRecord
from benchmark.store import Run
from benchmark.tables import COLUMNS
from reports.plots import Chart, Point, chart, time_axis
from reports.standing import REFERENCES

_MEASURES = ("relative_error", "clip_cons", "clip_dir")
_BY_DEFINITION = {("clip_cons", "unedited"), ("clip_dir", "unedited")}
"""1 and 0, whatever the run: they would only stretch the plot."""


def tradeoffs(run: Run, statistics: RunStatistics) -> tuple[Chart, ...]:
    """A plot for consistency and one for following the instruction, as far as they were measured."""
    measured = {one.metric for one in statistics.summaries}
    known = [key for key in _MEASURES if key in measured]
    chosen = [key for key in known if key != "clip_cons" or "relative_error" not in known]
    return tuple(made for key in chosen if (made := _tradeoff(run, statistics, key)))


def _tradeoff(run: Run, statistics: RunStatistics, metric: str) -> Chart | None:
    by_method = {(one.method, one.metric): one for one in statistics.summaries}
    points, levels = [], []
    for method in run.record.methods:
        quality, seconds = by_method.get((method.name, metric)), by_method.get((method.name, "seconds"))
        if quality and method.name in REFERENCES and (metric, method.name) not in _BY_DEFINITION:
            levels.append((quality.mean, method.title))
        elif quality and seconds and method.name not in REFERENCES:
            points.append(_point(method, quality, seconds.mean))
    if not points:
        return None
    column = next(column for column in COLUMNS if column.key == metric)
    axis_titles = ("mean time of an edit", column.heading)
    axis = time_axis([point.x for point in points])
    return chart(f"{column.title} and time", axis_titles, points, axis, levels=levels)


def _point(method: MethodRecord, quality: MetricSummary, seconds: float) -> Point:
    ends = quality.interval
    return Point(
        x=seconds,
        y=quality.mean,
        low=ends.low if ends else quality.mean,
        high=ends.high if ends else quality.mean,
        name=method.title,
    )
