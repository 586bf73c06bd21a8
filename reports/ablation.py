"""Curves over one setting of a method, where a run holds variants that differ in nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.analysis import MetricSummary, RunStatistics
from benchmark.results import CellResult
from benchmark.store import Run
from benchmark.tables import COLUMNS
from reports.plots import Chart, Point, chart, value_axis
from reports.wording import listed

_MEASURES = ("relative_error", "clip_cons", "clip_dir")
FEWEST = 2
"""Variants that make a curve."""


@dataclass(frozen=True)
class Ablation:
    """A setting of a method, with a plot for every score."""

    title: str
    note: str
    charts: tuple[Chart, ...]


def ablations(run: Run, statistics: RunStatistics) -> tuple[Ablation, ...]:
    """An ablation for every method and setting with at least two numbers in the run."""
    found: dict[tuple[str, str], dict[float, str]] = {}
    for record in run.record.methods:
        method, _, settings = record.name.partition("@")
        name, _, value = settings.partition("=")
        if "+" not in settings and (number := _number(value)) is not None:
            found.setdefault((method, name), {})[number] = record.name
    shown = {key: by_value for key, by_value in found.items() if len(by_value) >= FEWEST}
    return tuple(_ablation(run, statistics, *key, by_value) for key, by_value in shown.items())


def _ablation(
    run: Run, statistics: RunStatistics, method: str, setting: str, by_value: Mapping[float, str]
) -> Ablation:
    titles = {record.name: record.title for record in run.record.methods}
    own = _value_of(run, method, setting)
    variants = dict(sorted((by_value if own is None or method not in titles else {**by_value, own: method}).items()))
    level = titles.get(method) if own is None else None
    charts = (_chart(statistics, metric, setting, method, variants, level) for metric in _MEASURES)
    title = f"{titles.get(method, method)}: {setting}"
    values = listed([f"{value:g}" for value in variants])
    note = f"{setting} at {values}; bars are 95 % intervals over scenes."
    told = f" The line is {level} as it is, with its own {setting}." if level else ""
    return Ablation(title, note + told, tuple(filter(None, charts)))


def _chart(
    statistics: RunStatistics, metric: str, setting: str, method: str, variants: Mapping[float, str], level: str | None
) -> Chart | None:
    means = {one.method: one for one in statistics.summaries if one.metric == metric}
    points = [_point(value, means[name]) for value, name in variants.items() if name in means]
    if len(points) < FEWEST:
        return None
    column = next(column for column in COLUMNS if column.key == metric)
    levels = [(means[method].mean, level)] if level and method in means else []
    axis = value_axis([point.x for point in points])
    return chart(column.title, (setting, column.heading), points, axis, joined=True, levels=levels)


def _point(value: float, found: MetricSummary) -> Point:
    ends = found.interval
    low, high = (ends.low, ends.high) if ends else (found.mean, found.mean)
    return Point(value, found.mean, low, high, f"{value:g}")


def _value_of(run: Run, method: str, setting: str) -> float | None:
    """The setting's value in the method as it is, where its cells tell."""
    results = [cell.result for cell in run.cells if cell.result.identity.method == method]
    return next((value for result in results if (value := _told(result, setting)) is not None), None)


def _told(result: CellResult, setting: str) -> float | None:
    """The budget's value, or else the bundle's."""
    config = result.identity.config
    settings, bundle = config.get("settings"), config.get("bundle")
    own = settings.get(setting) if isinstance(settings, dict) else None
    distill = bundle.get("distill") if isinstance(bundle, dict) else None
    found = distill.get(setting) if own is None and isinstance(distill, dict) else own
    return float(found) if isinstance(found, int | float) else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
