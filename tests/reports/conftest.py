"""Runs saved by hand: the example of the schema, copied to other methods and edits, with pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark import store
from benchmark.results import CellResult, MethodRecord, RunRecord, ViewFile

DATA = Path(__file__).parents[1] / "benchmark/data"
EXAMPLE = CellResult.model_validate_json((DATA / "result.json").read_bytes())
EXAMPLE_RUN = RunRecord.model_validate_json((DATA / "run.json").read_bytes())
EDITS = {"give-him-a-venetian-mask": "face", "turn-him-into-a-knight": "person"}


def picture(seed: int, size: int = 16) -> store.Pixels:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def write_cell(run: Path, method: str, slug: str, views: int = 2, **changes: Any) -> Path:
    """Save the example as the cell of another method and edit; not ok ones have no views and no scores."""
    failed = changes.get("status", "ok") != "ok"
    files = {f"view_{i}.png": store.encode_png(picture(i)) for i in range(0 if failed else views)}
    identity = EXAMPLE.identity.model_copy(update={"method": method, "edit": slug, "scene": EDITS[slug]})
    edit = EXAMPLE.edit.model_copy(update={"instruction": slug.replace("-", " ").capitalize()})
    saved = {
        "identity": identity,
        "key": store.key_of(identity),
        "edit": edit,
        "views": tuple(ViewFile(name=name, sha256=store.sha256(data)) for name, data in files.items()),
    }
    nothing = {"metrics": None, "timing": None, "memory": None} if failed else {}
    return store.write_cell(run, EXAMPLE.model_copy(update=saved | nothing | changes), files)


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
def add_cell() -> Callable[..., Path]:
    """Save one more cell in a run, in place of another."""
    return write_cell
