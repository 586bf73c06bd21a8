"""Methods that live in environments of their own: one small TOML file each, in the folder MIX2MIX_METHODS names.

    title = "I-Mix2Mix, the authors' code"
    description = "the published code in its own environment"
    command = ["/envs/theirs/bin/python", "run.py", "{folder}"]    # runs in the folder of this file

Optional: paper, year, timeout_minutes (60). The file's name is the method's id. What the command finds in {folder} and
leaves there is told in `baselines.external`.
"""

import os
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from baselines.api import MethodSpec
from mix2mix.errors import InputError

METHODS_VARIABLE = "MIX2MIX_METHODS"
"""Environment variable that names the folder of external methods."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


class _Description(BaseModel):
    """The TOML file."""

    model_config = ConfigDict(extra="forbid")

    title: str
    description: str
    command: list[str] = Field(min_length=1)
    paper: str | None = None
    year: int | None = None
    timeout_minutes: float = Field(default=60, gt=0, allow_inf_nan=False)


@dataclass(frozen=True)
class ExternalMethod:
    """A method's description, its command, the folder that it runs in and the seconds it may take."""

    spec: MethodSpec
    command: tuple[str, ...]
    home: Path
    timeout: float


def external_methods(taken: Collection[str]) -> dict[str, ExternalMethod]:
    """The external methods by id; none where the variable is not set.

    Raises:
        InputError: no such folder, a broken description, or an id that is `taken` or not fit for a folder's name.

    """
    named = os.environ.get(METHODS_VARIABLE)
    if not named:
        return {}
    folder = Path(named)
    if not folder.is_dir():
        fix = "Correct it, or unset it."
        raise InputError(METHODS_VARIABLE, got=f"'{named}'", expected="a folder of TOML files", fix=fix)
    return {path.stem: _read(path, taken) for path in sorted(folder.glob("*.toml"))}


def external_digest(method: ExternalMethod) -> str:
    """SHA-256 of the command and of the files that it names; what those load in their turn is not known."""
    total = sha256()
    for part in method.command:
        total.update(f"{part}\n".encode())
        file = method.home / part
        if file.is_file():
            state = file.stat()
            total.update(_file_digest(file, state.st_size, state.st_mtime_ns).encode())
    return total.hexdigest()


@cache
def _file_digest(file: Path, _size: int, _changed: int) -> str:
    """Of a file as it is now: it may be large, and is read once for all cells."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _read(path: Path, taken: Collection[str]) -> ExternalMethod:
    if not _ID.fullmatch(path.stem) or path.stem in taken:
        expected = "lower-case letters, digits and hyphens, and no other method's id"
        raise InputError(f"name of {path}", got=f"'{path.stem}'", expected=expected, fix="Rename the file.")
    told = _parse(path)
    spec = MethodSpec(path.stem, told.title, told.paper, (), told.description, "baselines.external:External",
                      year=told.year)  # fmt: skip
    return ExternalMethod(spec, tuple(told.command), path.parent.resolve(), 60 * told.timeout_minutes)


def _parse(path: Path) -> _Description:
    try:
        return _Description.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        got = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except (OSError, ValueError) as error:
        got = str(error)
    expected = f"TOML with {', '.join(_Description.model_fields)}"
    raise InputError(f"external method {path}", got=got, expected=expected, fix="Correct the file.")
