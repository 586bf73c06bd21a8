"""Runs saved by hand: the example of the schema, copied to other methods and edits, with pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark import store
from benchmark.error_maps import encode_map, map_name
from benchmark.records import map_records
from benchmark.results import CellResult, MethodRecord, Metrics, ReprojectionScores, RunRecord, ViewFile

DATA = Path(__file__).parents[1] / "benchmark/data"
EXAMPLE = CellResult.model_validate_json((DATA / "result.json").read_bytes())
EXAMPLE_RUN = RunRecord.model_validate_json((DATA / "run.json").read_bytes())
EDITS = {"give-him-a-venetian-mask": "face", "turn-him-into-a-knight": "person"}


def picture(seed: int, size: int = 16) -> store.Pixels:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def write_cell(run: Path, method: str, slug: str, views: int = 2, maps: bool = False, **changes: Any) -> Path:
    """Save the example as the cell of another method and edit; not ok ones have no views and no scores."""
    failed = changes.get("status", "ok") != "ok"
    files = {f"view_{i}.png": store.encode_png(picture(i)) for i in range(0 if failed else views)}
    map_files = {map_name(i): encode_map(np.eye(16)) for i in range(len(files) if maps else 0)}
    identity = EXAMPLE.identity.model_copy(update={"method": method, "edit": slug, "scene": EDITS[slug]})
    edit = EXAMPLE.edit.model_copy(update={"instruction": slug.replace("-", " ").capitalize()})
    saved = {
        "identity": identity,
        "key": store.key_of(identity),
        "edit": edit,
        "views": tuple(ViewFile(name=name, sha256=store.sha256(data)) for name, data in files.items()),
        "error_maps": map_records(map_files),
    }
    nothing = {"metrics": None, "timing": None, "memory": None} if failed else {}
    return store.write_cell(run, EXAMPLE.model_copy(update=saved | nothing | changes), files | map_files)


def scores(relative: float | None = None, dir: float = 0.15, cons: float = 0.4) -> Metrics:
    """The example's scores with others in their place; a relative error of None: without known geometry."""
    assert EXAMPLE.metrics is not None
    error = (
        None if relative is None else ReprojectionScores(pairs=(), error=relative / 5, chance=0.2, relative=relative)
    )
    changed = {
        "clip_dir": EXAMPLE.metrics.clip_dir.model_copy(update={"mean": dir}),
        "clip_cons": EXAMPLE.metrics.clip_cons.model_copy(update={"mean": cons}),
        "reprojection": error,
        "background": None,
    }
    return EXAMPLE.metrics.model_copy(update=changed)


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Save a run of the given methods on two edits, all ok; keywords change its ``run.json``."""

    def make(methods: tuple[str, ...] = ("ours", "theirs"), views: int = 2, **changes: Any) -> Path:
        run = tmp_path / "run"
        folders = [write_cell(run, method, slug, views) for slug in EDITS for method in methods]
        for scene in EDITS.values():
            store.write_originals(run, scene, [picture(10 + i) for i in range(views)])
        published = EXAMPLE_RUN.methods[0].published
        records = tuple(
            MethodRecord(name=name, title=name.title(), paper=None, description="", published=published)
            for name in methods
        )
        planned = tuple(folder.relative_to(run).as_posix() for folder in folders)
        store.write_record(run, EXAMPLE_RUN.model_copy(update={"methods": records, "cells": planned} | changes))
        return run

    return make


@pytest.fixture
def make_scored_run(make_run: Callable[..., Path]) -> Callable[..., Path]:
    """Save a run whose methods have the given relative errors and Dir, and the given seconds, in all edits."""

    def make(methods: dict[str, tuple[float | None, float, float]], maps: bool = False, **changes: Any) -> Path:
        run = make_run(tuple(methods), **changes)
        for method, (relative, dir, seconds) in methods.items():
            for number, slug in enumerate(EDITS):
                assert EXAMPLE.timing is not None
                timing = EXAMPLE.timing.model_copy(update={"edit": (seconds,)})
                found = scores(None if relative is None else relative + 0.01 * number, dir)
                write_cell(run, method, slug, maps=maps, metrics=found, timing=timing)
        return run

    return make


@pytest.fixture
def add_cell() -> Callable[..., Path]:
    """Save one more cell in a run, in place of another."""
    return write_cell
