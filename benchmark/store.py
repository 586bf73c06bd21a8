"""The folder of a run: cells written whole or not at all, and read with distrust. No torch.

    RUN/run.json
    RUN/originals/SCENE/{view_0.png, ..., SHA256SUMS}
    RUN/cells/METHOD/SCENE/EDIT/seed-0/{result.json, view_0.png, ...}

A cell is written into a hidden sibling folder, flushed to the disk and renamed, so that a crash at any moment leaves
either the whole cell or none. Every file has a checksum: views and error maps in ``result.json``, originals in
``SHA256SUMS``, and ``result.json`` and ``run.json`` begin with that of their other lines. Files of before had none, and
are read as well.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from benchmark.results import CellResult, Identity, Record, RunRecord
from mix2mix.errors import InputError

T = TypeVar("T", bound=Record)
Pixels = NDArray[np.uint8]
"""An image [H, W, 3]."""

SUMS = "SHA256SUMS"
_SEAL = re.compile(rb'\{\n  "sha256": "([0-9a-f]{64})",')
"""How a sealed file begins: the checksum is of what is left when the seal becomes a brace."""


class BrokenFileError(Exception):
    """A file of a run that cannot be trusted; the message says why."""


@dataclass(frozen=True)
class StoredCell:
    """A cell on the disk."""

    folder: Path
    result: CellResult


@dataclass(frozen=True)
class Run:
    """A run on the disk: its cells, those that cannot be read (folder and why), and how many are of another run.

    A cell left by a run with another bundle or budget in the same folder is not comparable: it is counted in
    ``foreign`` and left out. ``damaged`` are folders of originals and error maps that cannot be trusted, and why: no
    cell is left out for them, as nothing is counted from them.
    """

    folder: Path
    record: RunRecord
    cells: tuple[StoredCell, ...]
    broken: tuple[tuple[str, str], ...]
    foreign: int
    damaged: tuple[tuple[str, str], ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Planned cells that were not run, relative to the run's folder."""
        known = {cell.folder.relative_to(self.folder).as_posix() for cell in self.cells} | {
            name for name, _ in self.broken
        }
        return tuple(name for name in self.record.cells if name not in known)


def cell_folder(run: Path, method: str, scene: str, edit: str, seed: int) -> Path:
    """Where the cell of that variant, scene, edit (slug) and seed lies."""
    return run / "cells" / method / scene / edit / f"seed-{seed}"


def folder_of(run: Path, identity: Identity) -> Path:
    """Where the cell of that identity lies."""
    return cell_folder(run, identity.method, identity.scene, identity.edit, identity.seed)


def write_cell(run: Path, result: CellResult, files: Mapping[str, bytes]) -> Path:
    """Write a cell with its files at once, in place of an earlier one; trouble with the disk is an `InputError`."""
    folder = folder_of(run, result.identity)
    with writing(folder):
        partial = _emptied(folder.with_name(f".{folder.name}.partial"))
        for name, data in files.items():
            _write(partial / name, data)
        _write(partial / "result.json", _json(result))
        _put_in_place(partial, folder)
    return folder


def replace_result(folder: Path, result: CellResult) -> None:
    """Replace a cell's ``result.json`` and leave its views."""
    replace_file(folder / "result.json", _json(result))


def write_record(run: Path, record: RunRecord) -> None:
    """Write ``run.json``, as a run does when it starts, and clear away what a killed one left half done."""
    clear_remains(run)
    replace_file(run / "run.json", _json(record))


def clear_remains(run: Path) -> None:
    """Remove the hidden folders of cells that a killed run was writing or replacing."""
    for folder in run.glob("cells/*/*/*/.seed-*"):
        shutil.rmtree(folder, ignore_errors=True)


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; trouble with the disk is an `InputError`."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        _write(partial, data)
        partial.replace(path)
        _flush_folder(path.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn trouble with the disk (no space, no permission) into an `InputError`."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"writing {path}",
            got=error.strerror or str(error),
            expected="a folder that can be written to, with space left",
            fix="Free some space or choose another output, and repeat the command: finished cells are kept.",
        ) from error


def read_cell(folder: Path) -> CellResult:
    """Read a cell and check its schema, key, place and views' checksums; a `BrokenFileError` if one is wrong."""
    result = _parse(CellResult, folder / "result.json")
    if folder_of(folder.parents[4], result.identity) != folder:
        raise BrokenFileError("it is the result of another cell")
    if result.key != key_of(result.identity):
        raise BrokenFileError("its key does not belong to its identity")
    for view in result.views:
        if _sha256(folder / view.name) != view.sha256:
            raise BrokenFileError(f"{view.name} is missing or was changed")
    return result


def read_record(run: Path) -> RunRecord:
    """Read and check ``run.json``; a `BrokenFileError` if there is none to trust."""
    return _parse(RunRecord, run / "run.json")


def read_run(folder: Path | str) -> Run:
    """Read a run with all its cells; a folder that holds none is an `InputError`."""
    folder = Path(folder)
    try:
        record = read_record(folder)
    except BrokenFileError as error:
        got = error if folder.is_dir() else "no such folder"
        raise InputError(
            f"run {folder}", got=got, expected="a folder with run.json", fix="Give a folder made by `benchmark run`."
        ) from error
    cells, broken = read_cells(folder)
    return run_of(folder, record, cells, broken)


def read_cells(folder: Path) -> tuple[list[StoredCell], list[tuple[str, str]]]:
    """The cells in a run's folder, and those that cannot be read, with why."""
    cells: list[StoredCell] = []
    broken: list[tuple[str, str]] = []
    for place in sorted((folder / "cells").glob("*/*/*/seed-*")):
        try:
            cells.append(StoredCell(place, read_cell(place)))
        except BrokenFileError as error:
            broken.append((place.relative_to(folder).as_posix(), str(error)))
    return cells, broken


def run_of(folder: Path, record: RunRecord, cells: Sequence[StoredCell], broken: Sequence[tuple[str, str]]) -> Run:
    """The run of that record, from what was read in its folder."""
    own = tuple(cell for cell in cells if cell.result.provenance.comparable(record.provenance))
    damaged = (*_damaged_originals(folder), *_damaged_maps(folder, own))
    return Run(folder, record, own, tuple(broken), len(cells) - len(own), damaged)


def key_of(identity: Identity) -> str:
    """SHA-256 of an identity, independent of the order of its entries."""
    return sha256(json.dumps(identity.model_dump(), sort_keys=True).encode())


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def encode_png(pixels: Pixels) -> bytes:
    """An image as the bytes of a PNG file."""
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="png")
    return buffer.getvalue()


def read_image(path: Path) -> Pixels:
    """A saved view."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def write_originals(run: Path, scene: str, views: Sequence[Pixels]) -> None:
    """Save the views of a scene as they were before any edit."""
    files = {f"view_{index}.png": encode_png(view) for index, view in enumerate(views)}
    folder = original(run, scene, 0).parent
    for name, data in files.items():
        replace_file(folder / name, data)
    replace_file(folder / SUMS, _sums({name: sha256(data) for name, data in files.items()}).encode())


def check_originals(run: Path, scene: str) -> int:
    """How many original views a scene has; a `BrokenFileError` if one is missing, was changed or has no checksum."""
    folder = original(run, scene, 0).parent
    listed = _listed(folder / SUMS)
    for name, checksum in listed.items():
        if _sha256(folder / name) != checksum:
            raise BrokenFileError(f"{name} is missing or was changed")
    for path in sorted(folder.glob("view_*")):
        if path.name not in listed:
            raise BrokenFileError(f"{path.name} has no line in {SUMS}")
    return len(listed)


def original(run: Path, scene: str, index: int) -> Path:
    """Where an original view lies."""
    return run / "originals" / scene / f"view_{index}.png"


def _damaged_originals(run: Path) -> Iterator[tuple[str, str]]:
    for folder in sorted(run.glob("originals/*")):
        try:
            check_originals(run, folder.name)
        except BrokenFileError as error:
            yield folder.relative_to(run).as_posix(), str(error)


def _damaged_maps(run: Path, cells: Iterable[StoredCell]) -> Iterator[tuple[str, str]]:
    for cell in cells:
        for each in cell.result.error_maps:
            path = cell.folder / each.name
            if _sha256(path) != each.sha256:
                yield path.relative_to(run).as_posix(), "missing or changed; `mix2mix benchmark score` makes it again"


def _listed(path: Path) -> dict[str, str]:
    """Checksums by name; a `BrokenFileError` unless the file is as `write_originals` leaves it."""
    try:
        text = path.read_bytes().decode("ascii", errors="replace")
    except OSError:
        raise BrokenFileError(f"{path.name} is missing or cannot be read") from None
    listed = {name: checksum for checksum, name in re.findall(r"([0-9a-f]{64})  (view_\d+\.png)\n", text)}
    if not listed or _sums(listed) != text:
        raise BrokenFileError(f"{path.name} is not valid")
    return listed


def _sums(checksums: Mapping[str, str]) -> str:
    return "".join(f"{checksum}  {name}\n" for name, checksum in checksums.items())


def _parse(schema: type[T], path: Path) -> T:
    try:
        return schema.model_validate_json(_unsealed(path))
    except FileNotFoundError:
        raise BrokenFileError(f"there is no {path.name}") from None
    except OSError as error:
        raise BrokenFileError(f"{path.name} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BrokenFileError(f"{path.name} is not valid: {where}: {first['msg']}") from error


def _sha256(path: Path) -> str | None:
    try:
        return sha256(path.read_bytes())
    except OSError:
        return None


def _json(record: Record) -> bytes:
    body = (record.model_dump_json(indent=2) + "\n").encode()
    return f'{{\n  "sha256": "{sha256(body)}",'.encode() + body[1:]


def _unsealed(path: Path) -> bytes:
    data = path.read_bytes()
    seal = _SEAL.match(data)
    if seal is None:
        return data
    body = b"{" + data[seal.end() :]
    if sha256(body) != seal[1].decode():
        raise BrokenFileError(f"{path.name} is not valid: it was changed or is not whole")
    return body


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(partial: Path, folder: Path) -> None:
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    _flush_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
