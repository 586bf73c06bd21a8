"""Where the cells of one run or several come from, and in what two such origins differ. No torch."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import TypeVar

from pydantic import Field

from benchmark.results import Bundle, CellResult, Hardware, Identity, Record, Sources

T = TypeVar("T")

SHOWN = 12
"""Characters of a digest that are shown."""


class Code(Record):
    """The sources that cells were made with."""

    commit: str | None = Field(description="git commit; absent outside a checkout")
    dirty: bool | None = Field(description="whether the checkout had uncommitted changes")
    sources: Sources


class Origin(Record):
    """Everything that cells come from, each thing once."""

    bundles: tuple[Bundle, ...]
    catalogues: tuple[str, ...] = Field(description="SHA-256 of the catalogue of edits")
    budgets: tuple[str, ...]
    hardware: tuple[Hardware, ...]
    packages: tuple[dict[str, str], ...] = Field(description="versions of Python and of the packages that matter")
    code: tuple[Code, ...]


def origin_of(results: Iterable[CellResult]) -> Origin:
    """Where these cells come from."""
    results = tuple(results)
    provenances = [result.provenance for result in results]
    return Origin(
        bundles=_distinct(origin.bundle for origin in provenances),
        catalogues=_distinct(origin.catalogue for origin in provenances),
        budgets=_distinct(origin.budget for origin in provenances),
        hardware=_distinct(origin.hardware for origin in provenances),
        packages=_distinct(origin.packages for origin in provenances),
        code=_distinct(
            Code(commit=one.provenance.commit, dirty=one.provenance.dirty, sources=one.identity.sources)
            for one in results
        ),
    )


def settings_digest(identity: Identity) -> str:
    """SHA-256 of a cell's settings: the method's, the edit's and the bundle's."""
    return hashlib.sha256(json.dumps(identity.config, sort_keys=True).encode()).hexdigest()


def same_hardware(before: Origin, after: Origin) -> bool:
    """Whether times may be compared: all cells were made on one kind of processor and device, with as many threads."""
    return len(set(map(_machine, (*before.hardware, *after.hardware)))) == 1


def same_draws(before: Origin, after: Origin) -> bool:
    """Whether a seed draws the same noise in both: it does on one kind of device, processor or GPU."""
    return len({hardware.device.partition(":")[0] for hardware in (*before.hardware, *after.hardware)}) == 1


def differences(before: Origin, after: Origin) -> Iterator[str]:
    """What a reader of a comparison must know, a sentence each."""
    first, second = _parts(before), _parts(after)
    for name in dict.fromkeys((*first, *second)):
        told = [" and ".join(parts.get(name, ("none",))) for parts in (first, second)]
        if told[0] != told[1]:
            yield f"{name} differs: {told[0]} before, {told[1]} after"
    changed = [name for name in Sources.model_fields if _digests(before, name) != _digests(after, name)]
    if changed:
        told = [" and ".join(_distinct(map(_commit, origin.code))) for origin in (before, after)]
        yield f"code of {', '.join(changed)} differs: {told[0]} before, {told[1]} after"


def _parts(origin: Origin) -> dict[str, tuple[str, ...]]:
    """Texts by what they are of; two origins with the same texts are alike in it."""
    packages = dict.fromkeys(name for versions in origin.packages for name in versions)
    parts = {
        "bundle": (f"{bundle.name} {bundle.digest[:SHOWN]}" for bundle in origin.bundles),
        "catalogue": (catalogue[:SHOWN] for catalogue in origin.catalogues),
        "budget": origin.budgets,
        "hardware": map(_machine, origin.hardware),
        **{f"package {name}": [versions.get(name, "none") for versions in origin.packages] for name in packages},
    }
    return {name: tuple(sorted(set(texts))) for name, texts in parts.items()}


def _machine(hardware: Hardware) -> str:
    gpus = f", {', '.join(hardware.gpus)}" if hardware.gpus else ""
    threads = "" if hardware.threads is None else f", threads: {hardware.threads}"
    return f"{hardware.cpu}, {hardware.cores} cores{gpus}, on {hardware.device}{threads}"


def _digests(origin: Origin, name: str) -> set[str]:
    return {getattr(code.sources, name) for code in origin.code}


def _commit(code: Code) -> str:
    if code.commit is None:
        return "no commit"
    return f"commit {code.commit[:SHOWN]}{' with uncommitted changes' if code.dirty else ''}"


def _distinct(items: Iterable[T]) -> tuple[T, ...]:
    """Each item once, in the order of its first; the items need not be hashable."""
    found: list[T] = []
    for item in items:
        if item not in found:
            found.append(item)
    return tuple(found)
