"""A run of fake methods in a small world (`stubs/stub_world.py`)."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselines.api import Method, MethodSpec, Variant
from benchmark.budgets import Budget
from benchmark.catalogue import find_edit
from benchmark.options import RunOptions
from benchmark.results import CellResult, RunRecord

sys.path.append(str(Path(__file__).parent / "stubs"))  # which a worker's process inherits

import stub_world

EDITS = ("give-him-a-venetian-mask", "turn-the-bear-to-a-panda-bear")


@pytest.fixture
def make_options(tmp_path: Path) -> Callable[..., RunOptions]:
    """Options for a run of fake methods, given by id, on two edits."""

    def make(methods: dict[str, Method], specs: dict[str, MethodSpec] | None = None, **changes: Any) -> RunOptions:
        specs = specs or {}
        bundle = changes.get("bundle", stub_world.fake_bundle())
        base: dict[str, Any] = {
            "output": tmp_path / "run",
            "budget": Budget("tiny", "for tests", EDITS, tuple(methods), {"steps": 7, "k": 3}, views=2),
            "variants": tuple(Variant(specs.get(name, stub_world.spec(name))) for name in methods),
            "edits": tuple(find_edit(edit) for edit in EDITS),
            "bundle": bundle,
            "load_bundle": lambda device: bundle,
            "scenes": stub_world.WallWorld(),
            "load_method": methods.__getitem__,
        }
        return RunOptions(**(base | changes))

    return make


DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def example() -> CellResult:
    """A finished cell as version 1 of the schema saved it."""
    return CellResult.model_validate_json((DATA / "result.json").read_bytes())


@pytest.fixture(scope="session")
def example_run() -> RunRecord:
    """The run that holds the example."""
    return RunRecord.model_validate_json((DATA / "run.json").read_bytes())


@pytest.fixture
def fakes() -> SimpleNamespace:
    """The fakes that a test may build runs from."""
    return SimpleNamespace(**vars(stub_world))
