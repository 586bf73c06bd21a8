"""The folder of a run: whole cells or none, whatever happens, and nothing damaged taken for finished."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark import store
from benchmark.results import CellResult, RunRecord, ViewFile
from mix2mix.errors import InputError

GREY = np.full((4, 4, 3), 128, dtype=np.uint8)


def saved(run: Path, example: CellResult, level: int = 128) -> Path:
    """The example saved in a run, with two views of one level."""
    files = {f"view_{i}.png": store.encode_png(np.full((4, 4, 3), level, dtype=np.uint8)) for i in range(2)}
    views = tuple(ViewFile(name=name, sha256=store.sha256(data)) for name, data in files.items())
    return store.write_cell(run, example.model_copy(update={"views": views}), files)


def test_a_cell_is_read_as_it_was_written(tmp_path: Path, example: CellResult) -> None:
    folder = saved(tmp_path, example)
    assert folder == tmp_path / "cells/inverter/face/give-him-a-venetian-mask/seed-0"
    assert store.read_cell(folder).metrics == example.metrics
    np.testing.assert_array_equal(store.read_image(folder / "view_0.png"), GREY)


def test_a_cell_takes_the_place_of_an_earlier_one(tmp_path: Path, example: CellResult) -> None:
    saved(tmp_path, example, level=10)
    folder = saved(tmp_path, example, level=20)
    assert store.read_image(folder / "view_0.png").max() == 20
    assert [path.name for path in folder.parent.iterdir()] == ["seed-0"]


def torn(folder: Path) -> None:
    path = folder / "result.json"
    path.write_bytes(path.read_bytes()[:200])


def emptied(folder: Path) -> None:
    (folder / "result.json").unlink()


def scored_up(folder: Path) -> None:
    path = folder / "result.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))


def of_another_cell(folder: Path) -> None:
    result = store.read_cell(folder)
    store.replace_result(folder, result.model_copy(update={"identity": result.identity.model_copy(update={"seed": 1})}))


def changed_view(folder: Path) -> None:
    (folder / "view_1.png").write_bytes(store.encode_png(GREY // 2))


def lost_view(folder: Path) -> None:
    (folder / "view_1.png").unlink()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (torn, "result.json is not valid"),
        (emptied, "there is no result.json"),
        (scored_up, "result.json is not valid: it was changed or is not whole"),
        (of_another_cell, "it is the result of another cell"),
        (changed_view, "view_1.png is missing or was changed"),
        (lost_view, "view_1.png is missing or was changed"),
    ],
)
def test_a_damaged_cell_is_told_and_not_taken(
    tmp_path: Path, example: CellResult, example_run: RunRecord, damage: Callable[[Path], None], reason: str
) -> None:
    folder = saved(tmp_path, example)
    damage(folder)
    with pytest.raises(store.BrokenFileError, match=reason):
        store.read_cell(folder)
    store.write_record(tmp_path, example_run)
    run = store.read_run(tmp_path)
    assert run.cells == ()
    assert run.broken[0][0] == "cells/inverter/face/give-him-a-venetian-mask/seed-0"
    assert reason in run.broken[0][1]


def test_a_key_that_is_not_of_its_identity_is_not_trusted(tmp_path: Path, example: CellResult) -> None:
    folder = saved(tmp_path, example.model_copy(update={"key": "0" * 64}))
    with pytest.raises(store.BrokenFileError, match="key"):
        store.read_cell(folder)


def test_a_planned_cell_that_was_not_run_is_missing(
    tmp_path: Path, example: CellResult, example_run: RunRecord
) -> None:
    store.write_record(tmp_path, example_run)
    assert store.read_run(tmp_path).missing == ("cells/inverter/face/give-him-a-venetian-mask/seed-0",)
    saved(tmp_path, example)
    assert store.read_run(tmp_path).missing == ()


def test_a_folder_without_a_run_is_a_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no run.json; expected a folder with run.json"):
        store.read_run(tmp_path)
    with pytest.raises(InputError, match=r"run .*gone: got no such folder; expected a folder with run\.json"):
        store.read_run(str(tmp_path / "gone"))


def test_files_of_before_have_no_checksum_and_are_read(
    tmp_path: Path, example: CellResult, example_run: RunRecord
) -> None:
    folder = saved(tmp_path, example)
    (folder / "result.json").write_text(store.read_cell(folder).model_dump_json())
    (tmp_path / "run.json").write_text(example_run.model_dump_json())
    assert len(store.read_run(tmp_path).cells) == 1


@pytest.mark.parametrize(
    ("file", "data", "reason"),
    [
        ("view_1.png", b"", "view_1.png is missing or was changed"),
        ("view_1.png", None, "view_1.png is missing or was changed"),
        ("view_2.png", b"new", "view_2.png has no line in SHA256SUMS"),
        ("SHA256SUMS", None, "SHA256SUMS is missing or cannot be read"),
        ("SHA256SUMS", b"\xff", "SHA256SUMS is not valid"),
        ("SHA256SUMS", b"abc  ../../view_0.png", "SHA256SUMS is not valid"),
        ("SHA256SUMS", b"", "SHA256SUMS is not valid"),
    ],
)
def test_damaged_originals_are_told(
    tmp_path: Path, example: CellResult, example_run: RunRecord, file: str, data: bytes | None, reason: str
) -> None:
    saved(tmp_path, example)
    store.write_record(tmp_path, example_run)
    store.write_originals(tmp_path, "face", [GREY, GREY])
    assert (store.check_originals(tmp_path, "face"), store.read_run(tmp_path).damaged) == (2, ())
    path = tmp_path / "originals" / "face" / file
    path.unlink() if data is None else path.write_bytes(data)
    assert store.read_run(tmp_path).damaged == (("originals/face", reason),)


def test_a_result_is_replaced_and_its_views_left(tmp_path: Path, example: CellResult) -> None:
    folder = saved(tmp_path, example)
    store.replace_result(folder, store.read_cell(folder).model_copy(update={"metrics": None}))
    assert store.read_cell(folder).metrics is None


def test_the_key_does_not_depend_on_the_order_of_settings(example: CellResult) -> None:
    turned = example.identity.model_copy(update={"config": dict(reversed(example.identity.config.items()))})
    assert list(turned.config) != list(example.identity.config)
    assert store.key_of(turned) == store.key_of(example.identity)


def test_a_folder_that_cannot_be_written_is_a_bad_input(tmp_path: Path, example: CellResult) -> None:
    (tmp_path / "cells").write_text("in the way")
    with pytest.raises(InputError, match="expected a folder that can be written to"):
        saved(tmp_path, example)


WRITER = """
import os, signal, sys
from pathlib import Path
import numpy as np
from benchmark import store
from benchmark.results import CellResult, ViewFile

run, data, owner, name, fatal = Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:5], int(sys.argv[5])
owner = {"os": os, "Path": Path}[owner]
original, calls = getattr(owner, name), 0

def deadly(*arguments):
    global calls
    calls += 1
    if calls == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*arguments)

setattr(owner, name, deadly)
example = CellResult.model_validate_json(data.read_bytes())
for level in (10, 20):
    files = {f"view_{i}.png": store.encode_png(np.full((4, 4, 3), level, dtype=np.uint8)) for i in range(2)}
    views = tuple(ViewFile(name=name, sha256=store.sha256(data)) for name, data in files.items())
    store.write_cell(run, example.model_copy(update={"views": views}), files)
"""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
@pytest.mark.parametrize(
    ("owner", "name", "call", "left"),
    [
        ("os", "fsync", 2, None),  # in the second view of the first cell
        ("Path", "rename", 1, None),  # all is written, nothing in place
        ("os", "fsync", 4, 10),  # the first cell is in place
        ("os", "fsync", 7, 10),  # in the result.json of the cell that replaces it
        ("Path", "rename", 3, None),  # the first cell is out of the way, the second not yet in place
        ("os", "fsync", 8, 20),  # the second is in place
    ],
)
def test_kill_9_leaves_a_whole_cell_or_none(tmp_path: Path, owner: str, name: str, call: int, left: int | None) -> None:
    data = Path(__file__).parent / "data/result.json"
    command = [sys.executable, "-c", WRITER, tmp_path, data, owner, name, str(call)]
    ended = subprocess.run(command, check=False, cwd=Path(store.__file__).parents[1])
    assert ended.returncode == -signal.SIGKILL
    folders = list(tmp_path.glob("cells/*/*/*/seed-*"))
    assert [len(store.read_cell(folder).views) for folder in folders] == ([] if left is None else [2])
    assert [store.read_image(folder / "view_0.png").max() for folder in folders] == ([] if left is None else [left])


@pytest.mark.parametrize("step", ["write", "rename", "swap"])
def test_a_death_at_each_step_leaves_what_a_resumed_run_can_use(
    tmp_path: Path, example: CellResult, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = saved(tmp_path, example, level=10)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    target = {"write": (store, "_write"), "rename": (store, "_put_in_place"), "swap": (Path, "rename")}[step]
    monkeypatch.setattr(*target, die)
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path, example, level=20)
    monkeypatch.undo()
    assert store.read_image(folder / "view_0.png").max() == 10
    assert store.read_cell(saved(tmp_path, example, level=30)).status == "ok"
    assert [path.name for path in folder.parent.iterdir()] == ["seed-0"]
