"""What other packages bring: methods, scenes and metrics, found through their entry points. No torch.

    [project.entry-points."mix2mix.methods"]        # or mix2mix.scenes, mix2mix.metrics
    shared-noise = "their_package.specs:SHARED_NOISE"

An entry point names a description, whose `id` is its own name and whose `module` ("their_package.work:Worker") is
imported only when it is used: describing must not import torch. Whatever is wrong with one is raised, never skipped.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from mix2mix.errors import InputError

Kind = Literal["methods", "scenes", "metrics"]

ID = re.compile(r"[a-z0-9][a-z0-9-]*")


class Description(Protocol):
    """What an entry point names."""

    @property
    def id(self) -> str:
        """The name that people use, safe as a folder's."""

    @property
    def module(self) -> str:
        """Where the thing itself is: "package.module:name"."""


T = TypeVar("T", bound=Description)


@dataclass(frozen=True)
class Extension(Generic[T]):
    """A description and the package that it comes from, with its version."""

    spec: T
    origin: str


def extensions(kind: Kind, schema: type[T], taken: Collection[str]) -> dict[str, Extension[T]]:
    """What other packages bring of a kind, by id; an `InputError` where one does not load, or is not what it should be.

    Args:
        kind: the group of entry points is ``mix2mix.KIND``.
        schema: the type of the descriptions.
        taken: ids that mix2mix has itself.

    """
    found: dict[str, Extension[T]] = {}
    for point in _entry_points(kind):
        origin = f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"
        what = f"entry point '{point.name}' of {origin} in mix2mix.{kind}"
        spec = _load(point, what)
        if not isinstance(spec, schema):
            raise _wrong(what, f"a {type(spec).__name__}", f"a {schema.__module__}.{schema.__qualname__}")
        if spec.id != point.name or not ID.fullmatch(spec.id):
            expected = "its own name: lower-case letters, digits and hyphens"
            raise _wrong(what, f"a description with id '{spec.id}'", expected)
        if spec.id in taken or spec.id in found:
            owner = found[spec.id].origin if spec.id in found else "mix2mix itself"
            raise _wrong(what, "an id that is taken", f"one that {owner} has not")
        found[spec.id] = Extension(spec, origin)
    return found


def load_object(spec: Description) -> Any:
    """Import what a description is of; errors are the importing module's own."""
    module, _, name = spec.module.partition(":")
    return getattr(import_module(module), name)


def source_digest(spec: Description) -> str:
    """SHA-256 of the Python sources of the package, or else the one module, that a description is of."""
    top = find_spec(spec.module.partition(":")[0].partition(".")[0])
    if top is None:
        raise _wrong(f"module of '{spec.id}'", f"'{spec.module}', which is not there", "package.module:name")
    total = sha256()
    for path in sorted(_sources(top.submodule_search_locations, top.origin)):
        total.update(f"{path.name} {sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


@cache
def _entry_points(kind: Kind) -> tuple[metadata.EntryPoint, ...]:
    return tuple(sorted(metadata.entry_points(group=f"mix2mix.{kind}"), key=lambda point: point.name))


def _load(point: metadata.EntryPoint, what: str) -> object:
    try:
        return point.load()
    except Exception as error:
        raise _wrong(what, f"{type(error).__name__}: {error}", f"'{point.value}' to be there") from error


def _sources(folders: Iterable[str] | None, file: str | None) -> Iterable[Path]:
    if folders is not None:
        return (path for folder in folders for path in Path(folder).rglob("*.py"))
    return [Path(file)] if file else []


def _wrong(what: str, got: str, expected: str) -> InputError:
    return InputError(what, got=got, expected=expected, fix="Mend or uninstall that package.")
