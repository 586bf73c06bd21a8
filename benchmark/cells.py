"""Which cells a run consists of, what each depends on, and which are finished already."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from baselines.api import SettingValue, Variant
from baselines.registry import external_sources, other_methods
from benchmark.budgets import Budget
from benchmark.catalogue import CatalogueEdit
from benchmark.extended import other_metric_sources, other_scenes
from benchmark.results import CellResult, Identity, Sources
from benchmark.store import BrokenFileError, cell_folder, read_cell
from mix2mix.extensions import source_digest

if TYPE_CHECKING:
    from mix2mix.bundles import BundleSettings

METRIC_MODULES = ("metrics.py", "reprojection.py", "scoring.py")


@dataclass(frozen=True)
class Cell:
    """One method with its settings, on one edit of one scene, with one seed."""

    variant: Variant
    entry: CatalogueEdit
    seed: int

    @property
    def name(self) -> str:
        """The cell for people: method, scene, edit and, unless it is 0, seed; unique in a run."""
        seed = f" · seed {self.seed}" if self.seed else ""
        return f"{self.variant.name} · {self.entry.scene} · {self.entry.edit.instruction}{seed}"

    def folder(self, run: Path) -> Path:
        """Where it lies in a run."""
        return cell_folder(run, self.variant.name, self.entry.scene, self.entry.slug, self.seed)


@dataclass(frozen=True)
class BundleFacts:
    """What is known of a bundle before it is loaded; ``digest`` is the hash of all its weights and settings."""

    name: str
    digest: str
    settings: "BundleSettings"


@dataclass(frozen=True)
class Task:
    """A cell that is to be run: what its result depends on, and the settings of its method."""

    cell: Cell
    identity: Identity
    settings: Mapping[str, SettingValue]


def plan(variants: Iterable[Variant], edits: Iterable[CatalogueEdit], seeds: Iterable[int]) -> tuple[Cell, ...]:
    """All cells; the methods take turns on each edit, so that a run cut short still holds whole comparisons."""
    variants, edits = tuple(variants), tuple(edits)
    return tuple(Cell(variant, edit, seed) for seed in seeds for edit in edits for variant in variants)


def settings_of(variant: Variant, budget: Budget) -> dict[str, SettingValue]:
    """The budget's settings that the method has, under the variant's own."""
    budgeted = {name: value for name, value in budget.offers.items() if variant.spec.parameter(name)}
    return {**budgeted, **variant.settings}


def identity_of(cell: Cell, budget: Budget, bundle: BundleFacts, scene_digest: str) -> Identity:
    """All that the cell's result depends on."""
    return Identity(
        method=cell.variant.name,
        scene=cell.entry.scene,
        edit=cell.entry.slug,
        seed=cell.seed,
        config=_config(cell, budget, bundle),
        scene_digest=scene_digest,
        bundle_digest=bundle.digest,
        sources=source_digests(),
    )


def finished(run: Path, cell: Cell, identity: Identity) -> CellResult | None:
    """The cell's result on the disk, if it is ok, whole and of this very identity; a damaged one does not count."""
    try:
        result = read_cell(cell.folder(run))
    except BrokenFileError:
        return None
    return result if result.status == "ok" and result.identity == identity else None


@cache
def source_digests() -> Sources:
    """SHA-256 of the sources of mix2mix, of baselines and of the metrics."""
    return Sources(
        mix2mix=_digest(_modules(files("mix2mix"))),
        baselines=_digest(_modules(files("baselines"))),
        metrics=_metrics_digest(),
    )


def _config(cell: Cell, budget: Budget, bundle: BundleFacts) -> dict[str, JsonValue]:
    config = {
        "budget": budget.name,
        "settings": settings_of(cell.variant, budget),
        "edit": dataclasses.asdict(cell.entry.edit),
        "bundle": dataclasses.asdict(bundle.settings),
        **_other_sources(cell),
    }
    plain: dict[str, JsonValue] = json.loads(json.dumps(config, default=str))
    return plain


def _other_sources(cell: Cell) -> dict[str, str]:
    """Digests of what the cell's method and scene come from, packages or a command, where those are not ours."""
    method = cell.variant.spec.id
    found = {"method": other_methods().get(method), "scene": other_scenes().get(cell.entry.scene)}
    digests = {f"{kind}_sources": source_digest(each.spec) for kind, each in found.items() if each is not None}
    external = external_sources(method)
    return digests if external is None else {**digests, "method_sources": external}


def _modules(folder: Traversable, prefix: str = "") -> Iterable[tuple[str, Traversable]]:
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir():
            yield from _modules(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".py"):
            yield prefix + item.name, item


def _metrics_digest() -> str:
    ours = _digest((name, files("benchmark").joinpath(name)) for name in METRIC_MODULES)
    others = other_metric_sources()
    return sha256(json.dumps([ours, others]).encode()).hexdigest() if others else ours


def _digest(modules: Iterable[tuple[str, Traversable]]) -> str:
    total = sha256()
    for name, module in modules:
        total.update(f"{name} {sha256(module.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()
