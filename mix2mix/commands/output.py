"""A command's folder of results, which appears whole or not at all."""

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mix2mix.errors import InputError


@contextmanager
def staged_folder(output: Path, marker: str) -> Iterator[Path]:
    """A fresh folder beside `output` that takes its name when the block ends well, and is removed when it does not.

    An earlier result, known by its file `marker`, is replaced; any other folder that is not empty is left alone.
    Raises InputError before the block where `output` cannot be written, and where the disk fails in it.
    """
    output = output.absolute()
    _check_replaceable(output, marker)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        stage = output.with_name(f".{output.name}-{secrets.token_hex(4)}")
        stage.mkdir()
    except OSError as error:
        raise _unwritable(output, error) from error
    try:
        yield stage
        _put_in_place(stage, output)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def save_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by name into a folder; InputError where the disk refuses."""
    try:
        for name, data in files.items():
            (folder / name).write_bytes(data)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _check_replaceable(output: Path, marker: str) -> None:
    try:
        ours = not output.exists() or (output.is_dir() and ((output / marker).is_file() or not any(output.iterdir())))
    except OSError as error:
        raise _unwritable(output, error) from error
    if not ours:
        raise InputError(
            f"output {output}",
            got="something else there already",
            expected="a new or empty folder, or an earlier result to replace",
            fix="Choose another --output, or move it away.",
        )


def _put_in_place(stage: Path, output: Path) -> None:
    earlier = stage.with_name(f"{stage.name}-earlier")
    try:
        if output.exists():
            output.rename(earlier)
        stage.rename(output)
    except OSError as error:
        raise _unwritable(output, error) from error
    shutil.rmtree(earlier, ignore_errors=True)


def _unwritable(output: Path, error: OSError) -> InputError:
    return InputError(
        f"output {output}",
        got=f"{error.strerror or error}",
        expected="a place that can be written, with some megabytes free",
        fix="Choose another --output, or make room.",
    )
