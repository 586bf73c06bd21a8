"""What a run is asked to do, and how it ended. No torch."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.api import Method, Variant
from benchmark.budgets import Budget
from benchmark.catalogue import CatalogueEdit
from benchmark.cells import BundleFacts, Cell, plan
from benchmark.results import CellResult
from mix2mix.bundles import BundleInfo, Weights, bundle_info, identify, verify
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from benchmark.scoring import SceneSource
    from mix2mix.bundles import Bundle


@dataclass(frozen=True)
class RunOptions:
    """What to run, with what, and where to.

    ``output`` is the folder of the run, made if need be and resumed if there; ``load_bundle`` loads the bundle on a
    device, ``load_method`` makes a method from its id; ``command`` is told in the report. Where several workers are to
    run, both and ``scenes`` are sent to their processes, and so must be found by name there.
    """

    output: Path
    budget: Budget
    variants: tuple[Variant, ...]
    edits: tuple[CatalogueEdit, ...]
    bundle: BundleFacts
    load_bundle: "Callable[[str], Bundle]"
    scenes: "SceneSource"
    load_method: Callable[[str], Method]
    seeds: tuple[int, ...] = (0,)
    command: str = ""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, in their order."""
        return plan(self.variants, self.edits, self.seeds)


@dataclass(frozen=True)
class RunSummary:
    """How a run ended: the results of its cells in order, how many of them an earlier run had finished."""

    folder: Path
    results: tuple[CellResult, ...]
    kept: int
    interrupted: bool

    @property
    def failed(self) -> tuple[CellResult, ...]:
        """The cells that failed, for want of memory or otherwise."""
        return tuple(result for result in self.results if result.status in ("failed", "out-of-memory"))

    @property
    def exit_status(self) -> int:
        """130 after Ctrl-C, 1 if a cell failed, else 0."""
        return 130 if self.interrupted else int(bool(self.failed))


def bundle_facts(name: str, weights: Weights | None = None) -> BundleFacts:
    """Check a bundle's files and tell which weights it would be loaded with; InputError if they are not all here."""
    info = bundle_info(name, weights)
    listed = verify(info.folder)
    return BundleFacts(name, _identity(info, listed), info.settings)


def _identity(info: BundleInfo, listed: str) -> str:
    """The digest that the bundle will have once it is loaded (a worker sees to it that it has)."""
    missing = [part for part, where in info.parts.items() if where is None]
    if missing:
        fix = "`mix2mix doctor` tells how to get them."
        raise InputError(f"weights of bundle {info.name}", got=f"no {', no '.join(missing)}", expected="all", fix=fix)
    return identify(listed, info.folder, {part: where for part, where in info.parts.items() if where is not None})
