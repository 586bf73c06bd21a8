"""Reading a run: as saved or, without its ``run.json``, as its cells tell; damage is told and the rest is kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import store
from benchmark.recovery import read
from mix2mix.errors import InputError

MakeRun = Callable[..., Path]


def test_a_whole_run_is_read_as_it_was_saved(make_run: MakeRun) -> None:
    run = make_run()
    reading = read(run)
    assert reading.trouble == ""
    assert reading.run == store.read_run(run)


@pytest.mark.parametrize(
    "data", [None, b"", b'{"schema_version": 1', b"\xff\xfe"], ids=["lost", "empty", "cut", "noise"]
)
def test_without_a_whole_record_the_cells_tell_what_they_can(make_run: MakeRun, data: bytes | None) -> None:
    run = make_run(("t2vz@steps=5", "theirs"))
    whole = store.read_run(run)
    (run / "run.json").unlink() if data is None else (run / "run.json").write_bytes(data)
    reading = read(run)
    assert "run.json" in reading.trouble
    assert len(reading.run.cells) == len(whole.cells) == 4
    assert {method.title for method in reading.run.record.methods} == {"Text2Video-Zero (steps=5)", "theirs"}
    assert reading.run.record.command == ""


def test_damaged_cells_of_such_a_run_are_still_told(make_run: MakeRun) -> None:
    run = make_run()
    (run / "run.json").unlink()
    (run / "cells/ours/face/give-him-a-venetian-mask/seed-0/result.json").write_text("{")
    reading = read(run)
    assert len(reading.run.cells) == 3
    assert [name for name, _ in reading.run.broken] == ["cells/ours/face/give-him-a-venetian-mask/seed-0"]


def test_a_folder_with_neither_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a folder with run\.json"):
        read(tmp_path)
