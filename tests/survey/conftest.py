"""Views and studies small enough to be made for every test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.results import CellResult, RunRecord, ViewFile
from benchmark.store import Pixels, encode_png, key_of, sha256, write_cell, write_originals, write_record
from survey.assignment import Design
from survey.creation import create_study
from survey.sources import read_source
from survey.study import Study

METHODS = ("ours", "theirs")
EDITS = ("turn-him-into-a-vampire", "turn-him-blue", "make-it-night")
MakeStudy = Callable[..., Study]


def save_views(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    for index in range(4):
        Image.fromarray(random_pixels(generator)).save(folder / f"view_{index}.png")


def save_all_views(root: Path) -> Path:
    save_views(root / "original" / "face", seed=99)
    for number, (method, edit) in enumerate((method, edit) for method in METHODS for edit in EDITS):
        save_views(root / method / "face" / edit, seed=number)
    return root


def study_of(views: Path, output: Path, **changes: int) -> Study:
    sizes = {"raters_per_set": 2, "tasks_per_rater": 3, "attention": 0, "repeats": 0, "seed": 0}
    return create_study(
        read_source(views, METHODS), Design(METHODS, **(sizes | changes)), output, "Do they fit?", print
    )


@pytest.fixture
def views(tmp_path: Path) -> Path:
    """A plain folder: two methods, three edits of a face, and its originals."""
    return save_all_views(tmp_path / "views")


@pytest.fixture
def make_study(views: Path, tmp_path: Path) -> MakeStudy:
    """Makes a study of the plain folder: two raters a set, three tasks each, no checks, unless asked otherwise."""
    return lambda **changes: study_of(views, tmp_path / "study.toml", **changes)


@pytest.fixture(scope="module")
def large_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study with places for all tests of a module."""
    folder = tmp_path_factory.mktemp("large")
    return study_of(save_all_views(folder / "views"), folder / "study.toml", raters_per_set=40)


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A benchmark run of two methods on one edit, two views each, as version 1 of the schema saves it."""
    data = Path(__file__).parents[1] / "benchmark" / "data"
    cell = CellResult.model_validate_json((data / "result.json").read_bytes())
    record = RunRecord.model_validate_json((data / "run.json").read_bytes())
    generator = np.random.default_rng(0)
    run = tmp_path / "run"
    for method in ("i-mix2mix", "t2vz"):
        files = {f"view_{index}.png": encode_png(random_pixels(generator)) for index in range(2)}
        identity = cell.identity.model_copy(update={"method": method, "edit": "turn-him-into-a-vampire"})
        changes = {
            "identity": identity,
            "key": key_of(identity),
            "edit": cell.edit.model_copy(update={"instruction": "Turn him into a vampire"}),
            "views": tuple(ViewFile(name=name, sha256=sha256(data)) for name, data in files.items()),
        }
        write_cell(run, cell.model_copy(update=changes), files)
    write_originals(run, "face", [random_pixels(generator) for _ in range(2)])
    write_record(run, record)
    return run


def random_pixels(generator: np.random.Generator) -> Pixels:
    return generator.integers(0, 256, (36, 48, 3), dtype=np.uint8)
