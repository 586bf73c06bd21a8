"""The schema: strict, documented, without torch, and still able to read what version 1 wrote."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from benchmark import results
from benchmark.results import CellResult, Record, RunRecord, Timing

DATA = Path(__file__).parent / "data"


def test_a_saved_cell_survives_the_round_trip(example: CellResult) -> None:
    assert CellResult.model_validate_json(example.model_dump_json()) == example


@pytest.mark.parametrize(("schema", "name"), [(CellResult, "result.json"), (RunRecord, "run.json")])
def test_files_of_version_1_are_read_and_written_alike(schema: type[Record], name: str) -> None:
    text = (DATA / name).read_text()
    assert json.loads(schema.model_validate_json(text).model_dump_json()) == json.loads(text)


def with_change(example: CellResult, path: str, value: Any) -> str:
    document = json.loads(example.model_dump_json())
    *folders, name = path.split(".")
    inner = document
    for folder in folders:
        inner = inner[folder]
    inner[name] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema_version", 2),
        ("status", "fine"),
        ("counts.teacher", "4"),
        ("metrics.clip_sim.mean", float("nan")),
        ("metrics.clip_sim.median", 0.5),
        ("views", [{"name": "../../secret.png", "sha256": ""}]),
    ],
)
def test_what_the_schema_does_not_know_is_refused(example: CellResult, path: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        CellResult.model_validate_json(with_change(example, path, value))


def test_a_number_that_is_not_one_is_never_saved() -> None:
    with pytest.raises(ValidationError, match="finite"):
        Timing(edit=(float("nan"),), warm_up=None, phases={})


def test_the_schema_needs_no_torch() -> None:
    code = "import sys, benchmark.results, benchmark.store, benchmark.tables; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_record_is_documented() -> None:
    records = [item for item in vars(results).values() if isinstance(item, type) and issubclass(item, Record)]
    assert len(records) > 10
    assert [record.__name__ for record in records if not record.__doc__] == []
