"""`python -m benchmark.references RUN [RUN ...] --output FILE`: what a run of a bundle and budget is expected to give.

A reference is made from several runs of the same sources: some seeds, each run again with another number of threads or
on another machine. It keeps the mean of every metric in every (method, scene, edit), for each seed and over seeds, with
tolerances from the spread (`tolerances.FORMULA`). Times are left out: they are the machine's. No torch.

References that come with the package lie in `benchmark/reference/{bundle}-{budget}.json`, the paper's tables as we
measured them in `benchmark/reference/{bundle}-{budget}-tables`.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from itertools import chain
from pathlib import Path
from statistics import fmean, stdev
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from benchmark.origins import Origin, origin_of, settings_digest
from benchmark.results import CellResult, Record
from benchmark.statistics import pooled_deviation
from benchmark.store import Run, read_run, replace_file
from benchmark.tables import Column, columns_of
from benchmark.tolerances import FORMULA, spread_tolerance
from mix2mix.errors import InputError

DIGITS = 6
"""Decimals that are kept: far below every tolerance."""

Group = tuple[str, str, str]
"""A method, scene and edit."""


class Expected(Record):
    """A metric of one method on one edit."""

    mean: float = Field(description="over seeds")
    tolerance: float | None = Field(description="about the mean, for a seed not among these; absent with one seed")
    by_seed: tuple[float, ...] = Field(description="over the runs with each seed")
    seed_tolerance: float = Field(description="about the value of the same seed")

    def of_seed(self, index: int | None) -> tuple[float, float] | None:
        """Value and tolerance for the seed at that index, or for one not among them (None)."""
        if index is not None:
            return self.by_seed[index], self.seed_tolerance
        return None if self.tolerance is None else (self.mean, self.tolerance)


class ReferenceCell(Record):
    """What one method gives on one edit."""

    method: str = Field(description="name of the variant")
    scene: str
    edit: str = Field(description="slug of the instruction")
    seeds: tuple[int, ...]
    runs: int = Field(description="runs with each seed; the least over seeds")
    settings: str = Field(description="SHA-256 of the settings")
    metrics: dict[str, Expected] = Field(description="by key of the column")

    @model_validator(mode="after")
    def _a_value_a_seed(self) -> Self:
        if any(len(expected.by_seed) != len(self.seeds) for expected in self.metrics.values()):
            raise ValueError("a metric needs one value for each seed")
        return self

    @property
    def group(self) -> Group:
        """Method, scene and edit."""
        return self.method, self.scene, self.edit

    def tells_of(self, seed: int | None) -> bool:
        """Whether it can tell anything of that seed."""
        return any(self.expect(metric, seed) for metric in self.metrics)

    def expect(self, metric: str, seed: int | None) -> tuple[float, float] | None:
        """Value and tolerance of a metric for a seed (None: one that draws other noise); None where it cannot tell."""
        if metric not in self.metrics:
            return None
        return self.metrics[metric].of_seed(self.seeds.index(seed) if seed in self.seeds else None)


class Reference(Record):
    """A saved reference."""

    schema_version: Literal[1]
    bundle: str
    budget: str
    created: str = Field(description="ISO 8601, UTC")
    runs: int = Field(description="runs that it was made from")
    formula: str = Field(description="how tolerances come about")
    origin: Origin
    cells: tuple[ReferenceCell, ...]


def make_reference(runs: Sequence[Run]) -> Reference:
    """The reference of several runs; InputError where they do not belong together or show no spread."""
    results = [cell.result for run in runs for cell in run.cells if cell.result.metrics]
    origin = origin_of(results)
    _check_alike(origin)
    groups: dict[Group, list[CellResult]] = {}
    for result in results:
        identity = result.identity
        groups.setdefault((identity.method, identity.scene, identity.edit), []).append(result)
    return Reference(
        schema_version=1,
        bundle=origin.bundles[0].name,
        budget=origin.budgets[0],
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        runs=len(runs),
        formula=FORMULA,
        origin=origin,
        cells=tuple(_cell(group, found) for group, found in groups.items()),
    )


def read_reference(path: Path) -> Reference:
    """Read and check a reference; InputError where there is none to trust."""
    try:
        return _parse(path.read_bytes(), str(path))
    except OSError as error:
        raise _bad(str(path), error.strerror or str(error)) from error


def find_reference(bundle: str, budget: str) -> Reference:
    """The reference that comes with the package; InputError where there is none for that bundle and budget."""
    folder = files("benchmark").joinpath("reference")
    known = {item.name: item for item in folder.iterdir() if item.name.endswith(".json")} if folder.is_dir() else {}
    name = f"{bundle}-{budget}.json"
    if name not in known:
        raise InputError(
            "reference",
            got=f"bundle '{bundle}' with budget '{budget}'",
            expected=f"one of {', '.join(sorted(known))}"
            if known
            else "one that comes with mix2mix: there is none yet",
            fix="Give a file with --reference, or compare two runs with `mix2mix benchmark compare`.",
        )
    return _parse(known[name].read_bytes(), name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a reference from runs and say what it holds; 2 where the runs are not fit for one."""
    parser = argparse.ArgumentParser(prog="benchmark.references", description=__doc__.partition("\n")[2])
    parser.add_argument(
        "runs", metavar="RUN", type=Path, nargs="+", help="folders of runs, alike but for seed, threads"
    )
    parser.add_argument("--output", metavar="FILE", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        reference = make_reference([read_run(folder) for folder in options.runs])
        replace_file(options.output, (reference.model_dump_json(indent=1) + "\n").encode())
    except InputError as error:
        print(f"benchmark.references: {error}", file=sys.stderr)
        return 2
    seeds = sorted({seed for cell in reference.cells for seed in cell.seeds})
    print(f"{options.output}: {len(reference.cells)} of (method, scene, edit), seeds {', '.join(map(str, seeds))}")
    return 0


def _check_alike(origin: Origin) -> None:
    sources = {code.sources.model_dump_json() for code in origin.code}
    parts = {
        "bundle": {bundle.digest for bundle in origin.bundles},
        "catalogue": set(origin.catalogues),
        "budget": set(origin.budgets),
        "code": sources,
    }
    for what, found in parts.items():
        if len(found) != 1:
            raise InputError(
                "runs of a reference",
                got="runs without a scored cell" if not found else f"runs that differ in their {what}",
                expected="scored runs of one bundle, catalogue, budget and code",
                fix="Run the benchmark again for those that differ.",
            )


def _cell(group: Group, results: Sequence[CellResult]) -> ReferenceCell:
    method, scene, edit = group
    by_seed: dict[int, list[CellResult]] = {}
    for result in results:
        by_seed.setdefault(result.identity.seed, []).append(result)
    seeds = tuple(sorted(by_seed))
    settings = {settings_digest(result.identity) for result in results}
    if len(results) < 2 or len(settings) > 1:
        raise InputError(
            f"runs of {method} on {scene}, {edit}",
            got="one ok cell" if len(results) < 2 else "cells with different settings",
            expected="two cells or more, with several seeds or from several runs, given the same",
            fix="Run more seeds, or the same again with another number of threads, and give all runs.",
        )
    return ReferenceCell(
        method=method,
        scene=scene,
        edit=edit,
        seeds=seeds,
        runs=min(map(len, by_seed.values())),
        settings=settings.pop(),
        metrics=_metrics([by_seed[seed] for seed in seeds]),
    )


def _metrics(by_seed: Sequence[Sequence[CellResult]]) -> dict[str, Expected]:
    expectations = {}
    for column in columns_of(chain.from_iterable(by_seed)):
        samples = [_known(column, results) for results in by_seed]
        if column.floor is not None and all(samples):
            expectations[column.key] = expected(samples, column.floor)
    return expectations


def _known(column: Column, results: Iterable[CellResult]) -> list[float]:
    return [value for value in map(column.value, results) if value is not None]


def expected(samples: Sequence[Sequence[float]], floor: float) -> Expected:
    """What to expect from the values of each run, seed by seed; two values or more in all."""
    means = [fmean(values) for values in samples]
    repeated = pooled_deviation(samples)
    pooled = spread_tolerance(stdev(means), len(means), floor) if len(means) > 1 else None
    if repeated is not None:
        same = spread_tolerance(repeated, min(map(len, samples)), floor)
    elif pooled is not None:
        same = pooled
    else:
        raise ValueError("one value shows no spread")
    return Expected(
        mean=round(fmean(means), DIGITS),
        tolerance=None if pooled is None else round(pooled, DIGITS),
        by_seed=tuple(round(mean, DIGITS) for mean in means),
        seed_tolerance=round(same, DIGITS),
    )


def _parse(text: bytes, name: str) -> Reference:
    try:
        return Reference.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _bad(name, f"{where}: {first['msg']}") from error


def _bad(name: str, got: str) -> InputError:
    expected_file = "a reference of this version of the schema"
    return InputError(
        f"reference {name}", got=got, expected=expected_file, fix="`python -m benchmark.references` makes one."
    )


if __name__ == "__main__":
    sys.exit(main())
