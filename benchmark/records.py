"""From what happened to what is saved: the records of a cell and of a run."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from baselines.api import Variant
from benchmark.budgets import Budget
from benchmark.catalogue import CatalogueEdit
from benchmark.cells import Cell
from benchmark.execution import Outcome
from benchmark.published import find_published
from benchmark.results import (
    SCHEMA_VERSION,
    CellResult,
    EditRecord,
    Identity,
    MapFile,
    MethodRecord,
    Metrics,
    Provenance,
    PublishedRecord,
    RunRecord,
    ViewFile,
)
from benchmark.store import BrokenFileError, key_of, read_record, sha256


def cell_result(
    identity: Identity,
    entry: CatalogueEdit,
    outcome: Outcome,
    metrics: Metrics | None,
    views: Mapping[str, bytes],
    maps: Mapping[str, bytes],
    origin: Provenance,
) -> CellResult:
    """The record of a cell, with the files of its views and error maps by name."""
    result = outcome.result
    return CellResult(
        schema_version=SCHEMA_VERSION,
        key=key_of(identity),
        identity=identity,
        status=outcome.status,
        reason=outcome.reason,
        traceback=outcome.traceback,
        edit=EditRecord(**vars(entry.edit)),
        views=tuple(ViewFile(name=name, sha256=sha256(data)) for name, data in views.items()),
        metrics=metrics,
        error_maps=map_records(maps),
        timing=outcome.timing,
        memory=outcome.memory,
        counts=dict(result.counts) if result else {},
        notes=dict(result.notes) if result else {},
        provenance=origin,
    )


def map_records(maps: Mapping[str, bytes]) -> tuple[MapFile, ...]:
    """What is recorded of error maps, files by name."""
    return tuple(MapFile(name=name, sha256=sha256(data)) for name, data in maps.items())


def run_record(output: Path, command: str, budget: Budget, cells: Iterable[Cell], origin: Provenance) -> RunRecord:
    """The record of a run."""
    cells = tuple(cells)
    variants = {cell.variant.name: cell.variant for cell in cells}
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        name=output.resolve().name,
        command=command,
        budget=budget.name,
        purpose=budget.purpose,
        methods=tuple(_method_record(variant) for variant in variants.values()),
        cells=tuple(cell.folder(Path()).as_posix() for cell in cells),
        provenance=origin,
    )


def merged_with_earlier(output: Path, record: RunRecord) -> RunRecord:
    """The record with the methods and cells of an earlier run of the same bundle and budget in that folder."""
    try:
        earlier = read_record(output)
    except BrokenFileError:
        return record
    if not earlier.provenance.comparable(record.provenance):
        return record
    methods = {method.name: method for method in (*earlier.methods, *record.methods)}
    cells = dict.fromkeys((*earlier.cells, *record.cells))
    return record.model_copy(update={"methods": tuple(methods.values()), "cells": tuple(cells)})


def _method_record(variant: Variant) -> MethodRecord:
    spec = variant.spec
    settings = variant.name.partition("@")[2]
    published = find_published(variant.name) if settings else spec.published
    return MethodRecord(
        name=variant.name,
        title=f"{spec.title} ({settings.replace('+', ', ')})" if settings else spec.title,
        paper=spec.paper,
        description=spec.description,
        published=PublishedRecord(**vars(published)) if published else None,
    )
