"""Runs the cells of a benchmark one after another: resumes, isolates failures, scores, stores and tables them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from baselines.api import EditRequest, Method, MethodSpec, Variant
from benchmark.budgets import Budget
from benchmark.catalogue import CatalogueEdit
from benchmark.cells import Cell, finished, identity_of, plan, settings_of
from benchmark.environment import provenance
from benchmark.execution import Outcome, execute, failure
from benchmark.progress import RunProgress
from benchmark.records import cell_result, merged_with_earlier, run_record
from benchmark.results import CellResult, Identity, Metrics, Provenance
from benchmark.scoring import SceneSource, Truth, score, to_pixels
from benchmark.store import Pixels, encode_png, write_cell, write_originals, write_record
from benchmark.tables import write_tables

if TYPE_CHECKING:
    from mix2mix.bundles import Bundle
    from mix2mix.scene import Scene


@dataclass(frozen=True)
class RunOptions:
    """What to run, on what, and where to.

    ``output`` is the folder of the run, made if need be and resumed if there; ``load_method`` makes a method from its
    id; ``command`` is told in the report.
    """

    output: Path
    budget: Budget
    variants: tuple[Variant, ...]
    edits: tuple[CatalogueEdit, ...]
    bundle: "Bundle"
    scenes: SceneSource
    load_method: Callable[[str], Method]
    device: str = "cpu"
    seeds: tuple[int, ...] = (0,)
    command: str = ""


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


@dataclass(frozen=True)
class PreparedScene:
    """A scene with its original views as they are saved."""

    scene: "Scene"
    originals: tuple[Pixels, ...]
    digest: str


@dataclass
class Session:
    """What the cells of one run share."""

    options: RunOptions
    provenance: Provenance
    scenes: Mapping[str, PreparedScene]
    progress: RunProgress
    warm: set[str]


def run_benchmark(options: RunOptions) -> RunSummary:
    """Run every cell that is not finished yet, table the run and say how it ended.

    A cell that fails is stored with its reason and the others go on; Ctrl-C loses the cell in hand. Output that cannot
    be written is an `InputError`.
    """
    cells = plan(options.variants, options.edits, options.seeds)
    session = _start(options, cells)
    results: list[CellResult] = []
    kept, interrupted = 0, False
    try:
        for cell in cells:
            result, was_kept = _run_or_keep(cell, session)
            results.append(result)
            kept += was_kept
    except KeyboardInterrupt:
        interrupted = True
    finally:
        session.progress.close()
    write_tables(options.output)
    return RunSummary(options.output, tuple(results), kept, interrupted)


def _start(options: RunOptions, cells: tuple[Cell, ...]) -> Session:
    origin = provenance(options.bundle, options.budget.name, options.device)
    record = run_record(options.output, options.command, options.budget, cells, origin)
    write_record(options.output, merged_with_earlier(options.output, record))
    names = dict.fromkeys(entry.scene for entry in options.edits)
    scenes = {name: _prepare(options.scenes.scene(name, options.budget.views)) for name in names}
    for name, prepared in scenes.items():
        write_originals(options.output, name, prepared.originals)
    return Session(options, origin, scenes, RunProgress([cell.variant.name for cell in cells]), warm=set())


def _prepare(scene: "Scene") -> PreparedScene:
    originals = tuple(to_pixels(scene.images))
    digest = sha256()
    for data in (*originals, scene.cameras.K.cpu().numpy(), scene.cameras.c2w.cpu().numpy()):
        digest.update(data.tobytes())
    return PreparedScene(scene, originals, digest.hexdigest())


def _run_or_keep(cell: Cell, session: Session) -> tuple[CellResult, bool]:
    options = session.options
    identity = identity_of(cell, options.budget, options.bundle, session.scenes[cell.entry.scene].digest)
    session.progress.begin(cell.name)
    earlier = finished(options.output, cell, identity)
    result = earlier or _run(cell, identity, session)
    session.progress.end(cell.name, result, kept=earlier is not None)
    return result, earlier is not None


def _run(cell: Cell, identity: Identity, session: Session) -> CellResult:
    try:
        outcome, metrics, files = _edit_and_score(cell, session)
        result = cell_result(identity, cell.entry, outcome, metrics, files, session.provenance)
    except Exception as error:
        files = {}
        result = cell_result(identity, cell.entry, failure(error), None, files, session.provenance)
    write_cell(session.options.output, result, files)
    return result


def _edit_and_score(cell: Cell, session: Session) -> tuple[Outcome, Metrics | None, dict[str, bytes]]:
    options, spec = session.options, cell.variant.spec
    truth = find_truth(options.scenes, spec, cell.entry, options.budget.views)
    if truth is None and "truth" in spec.needs:
        return Outcome("skipped", f"{spec.id} needs the true geometry, which this scene has not"), None, {}
    outcome = _edit(cell, session)
    if outcome.result is None:
        return outcome, None, {}
    pixels = to_pixels(outcome.result.views)
    files = {f"view_{index}.png": encode_png(view) for index, view in enumerate(pixels)}
    if options.bundle.settings.random_weights:
        return outcome, None, files
    prepared = session.scenes[cell.entry.scene]
    clip, cameras = options.bundle.metric_clip, prepared.scene.cameras
    return outcome, score(prepared.originals, pixels, cameras, cell.entry, clip, truth), files


def find_truth(scenes: SceneSource, spec: MethodSpec, entry: CatalogueEdit, views: int) -> Truth | None:
    """The geometry that the method's views are to show: the edited one, or the original's."""
    return scenes.truth(entry.scene, entry.edit.instruction if spec.geometry == "edited" else None, views)


def _edit(cell: Cell, session: Session) -> Outcome:
    options, name = session.options, cell.variant.name
    request = EditRequest(
        scene=session.scenes[cell.entry.scene].scene,
        edit=cell.entry.edit,
        bundle=options.bundle,
        seed=cell.seed,
        device=options.device,
        progress=session.progress.step,
        settings=settings_of(cell.variant, options.budget),
    )
    outcome = execute(lambda: options.load_method(cell.variant.spec.id), request, warm_up=name not in session.warm)
    if outcome.status == "ok":
        session.warm.add(name)
    elif outcome.status == "out-of-memory" and options.device.startswith("cuda"):
        torch.cuda.empty_cache()
    return outcome
