"""A folder of results appears whole or not at all."""

from pathlib import Path

import pytest

from mix2mix.commands.output import save_files, staged_folder
from mix2mix.errors import InputError

MARKER = "edit.json"


def write(output: Path, files: dict[str, bytes]) -> None:
    with staged_folder(output, MARKER) as folder:
        save_files(files, folder)


def write_and_fail(output: Path, failure: type[BaseException]) -> None:
    with staged_folder(output, MARKER) as folder:
        save_files({MARKER: b"{}"}, folder)
        raise failure


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_folder_and_its_parents_are_made(tmp_path: Path) -> None:
    write(tmp_path / "a/b/c", {MARKER: b"{}", "view_0.png": b"x"})
    assert contents(tmp_path / "a/b/c") == {MARKER: b"{}", "view_0.png": b"x"}
    assert [path.name for path in (tmp_path / "a/b").iterdir()] == ["c"]


def test_nothing_is_there_before_the_end(tmp_path: Path) -> None:
    with staged_folder(tmp_path / "out", MARKER) as folder:
        save_files({MARKER: b"{}"}, folder)
        assert not (tmp_path / "out").exists()
    assert (tmp_path / "out" / MARKER).exists()


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(tmp_path: Path, failure: type[BaseException]) -> None:
    with pytest.raises(failure):
        write_and_fail(tmp_path / "out", failure)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_result_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "out", {MARKER: b"1", "view_7.png": b"old"})
    write(tmp_path / "out", {MARKER: b"2"})
    assert contents(tmp_path / "out") == {MARKER: b"2"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_earlier_result_outlives_a_failure(tmp_path: Path) -> None:
    write(tmp_path / "out", {MARKER: b"1"})
    with pytest.raises(RuntimeError):
        write_and_fail(tmp_path / "out", RuntimeError)
    assert contents(tmp_path / "out") == {MARKER: b"1"}


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", {MARKER: b"1"})
    assert contents(tmp_path / "out") == {MARKER: b"1"}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_bytes(b"dear")
    with pytest.raises(InputError, match="something else"), staged_folder(tmp_path, MARKER):
        pytest.fail("the work began")
    assert contents(tmp_path) == {"thesis.tex": b"dear"}


def test_a_place_that_cannot_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Choose another --output"), staged_folder(tmp_path / "file/out", MARKER):
        pytest.fail("the work began")


def test_a_disk_that_fails_is_told_in_one_message_and_leaves_nothing(tmp_path: Path) -> None:
    full = {"no-such-folder/view_0.png": b"x"}
    with pytest.raises(InputError, match="No such file or directory"):
        write(tmp_path / "out", full)
    assert list(tmp_path.iterdir()) == []
