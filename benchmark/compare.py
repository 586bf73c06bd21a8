"""Two runs, or a run and a reference, cell by cell: what improved, what got worse, and by how much. No torch.

Compared are the cells that both have: the same method, scene, edit and seed. The verdict is by tolerance alone; the
interval, clustered by scene, says how sure the difference is of other scenes.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import product
from statistics import fmean
from typing import Literal, NamedTuple

from pydantic import Field

from benchmark.origins import Origin, differences, origin_of, same_draws, same_hardware, settings_digest
from benchmark.references import Group, Reference, ReferenceCell
from benchmark.results import CellResult, Record
from benchmark.samples import Place, direction, place_of, values_by_method
from benchmark.statistics import Interval, scene_interval
from benchmark.store import Run
from benchmark.tables import Column, columns_of
from benchmark.tolerances import mean_tolerance, run_tolerance
from mix2mix.errors import InputError

Verdict = Literal["improved", "same", "worse"]


class Change(Record):
    """A metric of a method over the cells that both sides have."""

    method: str
    metric: str = Field(description="key of the column")
    title: str = Field(description="heading of the column")
    cells: int
    before: float = Field(description="mean")
    after: float = Field(description="mean")
    difference: float = Field(description="after minus before")
    interval: Interval | None = Field(description="of the difference, clustered by scene; absent with one scene")
    tolerance: float = Field(description="a difference up to this counts as the same")
    verdict: Verdict
    beyond: int = Field(description="cells that are worse by more than their own tolerance")


class Comparison(Record):
    """All changes, and what a reader must know of them."""

    before: str = Field(description="name of the run or reference that is compared with")
    after: str = Field(description="name of the run that is judged")
    verdict: Verdict = Field(description="worse if anything is worse or lost, improved if anything else is improved")
    common: int = Field(description="cells compared")
    only_before: int = Field(description="ok cells that only the first has; a reference's are counted without seeds")
    only_after: int = Field(description="ok cells that only the second has")
    lost: tuple[str, ...] = Field(description="cells that the first has and that failed in the second")
    warnings: tuple[str, ...]
    changes: tuple[Change, ...]


class Pair(NamedTuple):
    """A value of one cell before and after, and by how much it may differ."""

    before: float
    after: float
    tolerance: float


Key = tuple[str, Place]
"""A cell: its method and place."""

Cells = Mapping[Key, CellResult]
"""Ok cells."""


def compare_runs(before: Run, after: Run) -> Comparison:
    """Compare run with run; InputError where they have no cell in common. Times only on the same hardware."""
    first, second = _ok_cells(before), _ok_cells(after)
    origins = origin_of(_results(before)), origin_of(_results(after))
    timed = same_hardware(*origins)
    common = first.keys() & second.keys()
    untimed = () if timed else ("times are not compared: they are of other hardware or numbers of threads",)
    return _comparison(
        (before.record.name, after.record.name),
        (len(common), len(first.keys() - common), len(second.keys() - common)),
        _failed(after, first.keys()),
        (
            *_warnings(*origins),
            *untimed,
            *_unlike({key: settings_digest(first[key].identity) for key in common}, second),
        ),
        tuple(_run_changes(_methods(after), first, second, timed=timed)),
    )


def check_run(run: Run, reference: Reference) -> Comparison:
    """Compare a run with what is expected of it; InputError where the reference has none of its cells. No times."""
    known = {cell.group: cell for cell in reference.cells}
    found = _ok_cells(run)
    origins = reference.origin, origin_of(_results(run))
    seeded = same_draws(*origins)
    common = dict(_expected_cells(known, found, seeded))
    return _comparison(
        (f"reference {reference.bundle}-{reference.budget}", run.record.name),
        (len(common), len(known.keys() - set(map(_group, common))), len(found.keys() - common.keys())),
        _failed(run, {key for key in map(_key, _results(run)) if _group(key) in known}),
        (*_warnings(*origins), *_unlike({key: cell.settings for key, cell in common.items()}, found)),
        tuple(_check_changes(_methods(run), common, found, seeded)),
    )


def _comparison(
    names: tuple[str, str],
    counts: tuple[int, int, int],
    lost: tuple[str, ...],
    warnings: tuple[str, ...],
    changes: tuple[Change, ...],
) -> Comparison:
    if not changes and not lost:
        raise InputError(
            f"{names[0]} and {names[1]}",
            got="no scored cell in common",
            expected="cells of the same method, scene and edit, with a seed that both know",
            fix="Run both with the same methods, edits and seeds.",
        )
    return Comparison(
        before=names[0],
        after=names[1],
        verdict=_overall(changes, lost),
        common=counts[0],
        only_before=counts[1],
        only_after=counts[2],
        lost=lost,
        warnings=warnings,
        changes=changes,
    )


def _run_changes(methods: Iterable[str], first: Cells, second: Cells, *, timed: bool) -> Iterator[Change]:
    columns = columns_of((*first.values(), *second.values()))
    for method, column in product(methods, [column for column in columns if column.floor is not None or timed]):
        before = values_by_method(first.values(), column).get(method, {})
        after = values_by_method(second.values(), column).get(method, {})
        pairs = {
            place: Pair(value, after[place], run_tolerance(column.floor, value))
            for place, value in before.items()
            if place in after
        }
        if pairs:
            yield _change(method, column, pairs, fmean(pair.tolerance for pair in pairs.values()))


def _expected_cells(
    known: Mapping[Group, ReferenceCell], found: Cells, seeded: bool
) -> Iterator[tuple[Key, ReferenceCell]]:
    for key, result in found.items():
        cell = known.get(_group(key))
        if cell and result.metrics and cell.tells_of(key[1].seed if seeded else None):
            yield key, cell


def _check_changes(
    methods: Iterable[str], known: Mapping[Key, ReferenceCell], found: Cells, seeded: bool
) -> Iterator[Change]:
    for method, column in product(methods, columns_of(found.values())):
        pairs = {}
        for place, value in values_by_method(found.values(), column).get(method, {}).items():
            cell = known.get((method, place))
            expected = cell.expect(column.key, place.seed if seeded else None) if cell else None
            if expected:
                pairs[place] = Pair(expected[0], value, expected[1])
        if pairs and column.floor is not None:
            tolerance = mean_tolerance([pair.tolerance for pair in pairs.values()], column.floor)
            yield _change(method, column, pairs, tolerance)


def _change(method: str, column: Column, pairs: Mapping[Place, Pair], tolerance: float) -> Change:
    moved = {place: pair.after - pair.before for place, pair in pairs.items()}
    difference = fmean(moved.values())
    sign = direction(column)
    return Change(
        method=method,
        metric=column.key,
        title=column.heading,
        cells=len(pairs),
        before=fmean(pair.before for pair in pairs.values()),
        after=fmean(pair.after for pair in pairs.values()),
        difference=difference,
        interval=scene_interval(moved),
        tolerance=tolerance,
        verdict=_verdict(sign * difference, tolerance),
        beyond=sum(_verdict(sign * moved[place], pair.tolerance) == "worse" for place, pair in pairs.items()),
    )


def _verdict(gain: float, tolerance: float) -> Verdict:
    if abs(gain) <= tolerance:
        return "same"
    return "improved" if gain > 0 else "worse"


def _overall(changes: Iterable[Change], lost: tuple[str, ...]) -> Verdict:
    verdicts = {change.verdict for change in changes}
    if lost or "worse" in verdicts:
        return "worse"
    return "improved" if "improved" in verdicts else "same"


def _warnings(before: Origin, after: Origin) -> Iterator[str]:
    yield from differences(before, after)
    if not same_draws(before, after):
        yield "a seed draws other noise on another kind of device: cells differ as those of two seeds do"


def _unlike(settings: Mapping[Key, str], cells: Cells) -> Iterator[str]:
    methods = sorted({key[0] for key, digest in settings.items() if digest != settings_digest(cells[key].identity)})
    if methods:
        yield f"settings differ: {', '.join(methods)}"


def _results(run: Run) -> list[CellResult]:
    return [cell.result for cell in run.cells]


def _ok_cells(run: Run) -> dict[Key, CellResult]:
    return {_key(result): result for result in _results(run) if result.status == "ok"}


def _failed(run: Run, of: Container[Key]) -> tuple[str, ...]:
    """Names of the cells that were tried and failed, of those asked for."""
    failed = [result for result in _results(run) if result.status in ("failed", "out-of-memory")]
    return tuple("/".join(map(str, (key[0], *key[1]))) for key in map(_key, failed) if key in of)


def _methods(run: Run) -> tuple[str, ...]:
    return tuple(method.name for method in run.record.methods)


def _key(result: CellResult) -> Key:
    return result.identity.method, place_of(result.identity)


def _group(key: Key) -> Group:
    return key[0], key[1].scene, key[1].edit
