"""How far the CLIP metrics agree with the truth of a built-in scene, and where they are fooled. No torch.

The truth is the relative reprojection error: it needs the geometry of the edited scene, which no photograph has.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import permutations
from math import sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from benchmark.results import CellResult, Record
from benchmark.samples import Place, place_of
from benchmark.statistics import ROUNDING, Interval, edit_of, half_width, scene_of, unit_draws
from benchmark.store import Run, folder_of
from benchmark.tables import COLUMNS
from benchmark.tolerances import FLOORS

TRUTH = "relative_error"
CLIP_METRICS = ("clip_cons", "clip_sim", "clip_dir", "clip_cons_consecutive")
LISTED = 3
"""Cases of each kind that are listed for a metric."""

ASSUMPTIONS = (
    "Truth: the relative reprojection error over the edited subject, of cells whose geometry is known. It tells "
    "whether views agree, not whether the edit was made: the input as it is agrees with itself.",
    "Sim and Dir judge the edit. That they do not follow the truth is no fault of theirs.",
    "Over all scenes, a metric's level in a scene counts too, not only how it ranks the methods there.",
    "Non-edits count as cells: by definition their Dir and consecutive Cons are 0, and their Cons is 1.",
    "Intervals: 95 %, bootstrap-t as for means, cut to [-1, 1]: whole scenes are drawn anew, within one scene whole "
    "edits with all their methods and seeds. With few of them they are wide.",
    "Fooled: of the same edit and seed, a view set scores higher by more than the metric's tolerance that is the "
    "input as it is (Dir 0), or that truly agrees less, by more than the tolerance; largest margins first.",
)
"""What a reader of the numbers must know."""


class Correlation(Record):
    """How a metric ranks cells against the truth."""

    metric: str = Field(description="key of the column")
    scene: str | None = Field(description="absent: all scenes")
    cells: int
    rho: float = Field(description="Spearman's, its sign turned so that 1 means that metric and truth agree")
    interval: Interval | None = Field(description="absent where resamples do not vary, as with one scene")


class Fooled(Record):
    """A case where a metric prefers the worse of two view sets of one edit and seed."""

    metric: str = Field(description="key of the column")
    better: str = Field(description="folder of the cell that the metric prefers, relative to the run's")
    worse: str = Field(description="folder of the cell that it scores lower")
    by: float = Field(description="difference of the metric")
    why: str = Field(description="what is wrong with that")


class MetricValidity(Record):
    """All of it, with what it assumes."""

    correlations: tuple[Correlation, ...]
    fooled: tuple[Fooled, ...]
    assumptions: tuple[str, ...]


class Scored(NamedTuple):
    """A cell with known geometry."""

    folder: str
    place: Place
    metrics: Mapping[str, float]
    error: float
    edited: bool


def validate(run: Run, seed: int = 0) -> MetricValidity | None:
    """Each CLIP metric against the truth; None where no cell's geometry is known. `seed` is of the resamples."""
    cells = _scored(cell.result for cell in run.cells)
    if not cells:
        return None
    return MetricValidity(
        correlations=tuple(_correlations(cells, seed)),
        fooled=tuple(case for metric in CLIP_METRICS for case in (*_non_edits(cells, metric), *_wrong(cells, metric))),
        assumptions=ASSUMPTIONS,
    )


def spearman(first: ArrayLike, second: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Spearman's rank correlation of two [n], [R]: row r of `weights` [R, n] tells how often each value is there.

    Ties share their mean rank. 0 where one of both is the same everywhere: then it ranks nothing.
    C. Spearman, "The Proof and Measurement of Association between Two Things", 1904.
    """
    weights = np.asarray(weights, dtype=np.float64)
    part = weights / weights.sum(axis=1, keepdims=True)
    x, y = (_centred(_ranks(np.asarray(values, dtype=np.float64), weights), part) for values in (first, second))
    covariance, lengths = (part * x * y).sum(axis=1), (part * x * x).sum(axis=1) * (part * y * y).sum(axis=1)
    ranked = lengths > 0
    rho: NDArray[np.float64] = np.where(ranked, covariance / np.sqrt(np.where(ranked, lengths, 1.0)), 0.0)
    return rho.clip(-1, 1)


def _scored(results: Iterable[CellResult]) -> list[Scored]:
    columns = {column.key: column for column in COLUMNS}
    found = []
    for result in results:
        error = columns[TRUTH].value(result)
        if result.status == "ok" and result.metrics and error is not None:
            scores = ((key, columns[key].value(result)) for key in CLIP_METRICS)
            metrics = {key: value for key, value in scores if value is not None}
            folder = folder_of(Path(), result.identity).as_posix()
            edited = any(result.metrics.clip_dir.values)
            found.append(Scored(folder, place_of(result.identity), metrics, error, edited))
    return found


def _correlations(cells: Sequence[Scored], seed: int) -> Iterator[Correlation]:
    """Of every metric, in each scene and over all; none of fewer than three cells."""
    for metric in CLIP_METRICS:
        for scene in (*dict.fromkeys(cell.place.scene for cell in cells), None):
            chosen = [cell for cell in cells if scene in (None, cell.place.scene)]
            if len(chosen) >= 3:
                yield _correlation(chosen, metric, scene, seed)


def _correlation(cells: Sequence[Scored], metric: str, scene: str | None, seed: int) -> Correlation:
    scores, agreement = [cell.metrics[metric] for cell in cells], [-cell.error for cell in cells]
    rho = float(spearman(scores, agreement, np.ones((1, len(cells))))[0])
    units = [(scene_of if scene is None else edit_of)(cell.place) for cell in cells]
    half = _half_width(lambda weights: spearman(scores, agreement, weights), units, seed)
    interval = None if half is None else Interval(low=max(-1.0, rho - half), high=min(1.0, rho + half))
    return Correlation(metric=metric, scene=scene, cells=len(cells), rho=rho, interval=interval)


def _half_width(
    statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]], units: Sequence[Hashable], seed: int
) -> float | None:
    """Half of a bootstrap-t interval as in `statistics.scene_interval`, whole units drawn; None if nothing varies."""
    names = list(dict.fromkeys(units))
    count = len(names)
    if count < 2:
        return None
    distinct, times = np.unique(unit_draws(count, seed), axis=0, return_counts=True)
    values = statistic(distinct[:, [names.index(unit) for unit in units]])
    mean = np.average(values, weights=times)
    deviation = sqrt(np.average((values - mean) ** 2, weights=times))
    if deviation < ROUNDING:
        return None
    return half_width(deviation, count)


def _ranks(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean ranks [R, n] from 1/2 up, of [n] values that are there `weights` [R, n] times."""
    below = (values[:, None] < values[None, :]) + 0.5 * (values[:, None] == values[None, :])
    ranks: NDArray[np.float64] = weights @ below
    return ranks


def _centred(ranks: NDArray[np.float64], part: NDArray[np.float64]) -> NDArray[np.float64]:
    centred: NDArray[np.float64] = ranks - (part * ranks).sum(axis=1, keepdims=True)
    return centred


def _non_edits(cells: Sequence[Scored], metric: str) -> list[Fooled]:
    """The input as it is above edits, against the one that it beats by most."""
    found = []
    for here in _by_place(cells):
        edits = [cell for cell in here if cell.edited]
        for still in (cell for cell in here if not cell.edited):
            beaten = [cell for cell in edits if _margin(still, cell, metric) > FLOORS[metric]]
            if beaten:
                worst = max(beaten, key=lambda cell: _margin(still, cell, metric))
                why = f"the input as it is scores above {len(beaten)} of {len(edits)} edits"
                found.append(_case(metric, still, worst, why))
    return sorted(found, key=lambda case: -case.by)[:LISTED]


def _wrong(cells: Sequence[Scored], metric: str) -> list[Fooled]:
    """Edits that score above others which truly agree more; both margins count, as their product."""
    pairs = [
        (preferred, other)
        for here in _by_place([cell for cell in cells if cell.edited])
        for preferred, other in permutations(here, 2)
        if _margin(preferred, other, metric) > FLOORS[metric] and preferred.error - other.error > FLOORS[TRUTH]
    ]
    pairs.sort(key=lambda pair: _margin(pair[0], pair[1], metric) * (pair[1].error - pair[0].error))
    return [
        _case(metric, preferred, other, f"relative error {preferred.error:.3f} against {other.error:.3f}")
        for preferred, other in pairs[:LISTED]
    ]


def _by_place(cells: Iterable[Scored]) -> list[list[Scored]]:
    places: dict[Place, list[Scored]] = defaultdict(list)
    for cell in cells:
        places[cell.place].append(cell)
    return list(places.values())


def _margin(first: Scored, second: Scored, metric: str) -> float:
    return first.metrics[metric] - second.metrics[metric]


def _case(metric: str, preferred: Scored, other: Scored, why: str) -> Fooled:
    by = _margin(preferred, other, metric)
    return Fooled(metric=metric, better=preferred.folder, worse=other.folder, by=by, why=why)
