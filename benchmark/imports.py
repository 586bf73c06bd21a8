"""Views made elsewhere become cells of a run: scored, and from then on like any other, with their origin in the notes.

All is read, checked and scored before the run's folder is touched. Times and memory of such cells are not known. The
true geometry is, where the originals are the views of a built-in scene; else reprojection errors are absent.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import numpy as np

from baselines.api import EditResult, MethodSpec, Variant
from baselines.registry import all_specs, find_spec
from benchmark.budgets import Budget
from benchmark.catalogue import catalogue, scenes
from benchmark.cells import BundleFacts, Cell, identity_of
from benchmark.environment import provenance
from benchmark.execution import Outcome
from benchmark.extended import other_edits, other_scenes
from benchmark.foreign import Foreign, ForeignSet, read_foreign
from benchmark.records import cell_result, merged_with_earlier, run_record
from benchmark.reprojection_maps import map_files
from benchmark.results import CellResult, Identity, Metrics, RunRecord
from benchmark.scoring import ImageTextModel, SceneSource, score, to_tensor
from benchmark.store import (
    Pixels,
    Run,
    encode_png,
    original,
    read_image,
    read_run,
    write_cell,
    write_originals,
    write_record,
    writing,
)
from benchmark.tables import write_tables
from benchmark.workbench import SceneShelf, find_truth
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from mix2mix.bundles import Bundle
    from mix2mix.cameras import Cameras

BUDGET = "imported"
SAME_VIEW = 4.0
"""Mean difference in levels of 255 up to which an original is taken for a known one: JPEG changes up to 3.5."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class ImportOptions:
    """What to import into which run, new or not, and what to score with; ``command`` is told in the report."""

    folder: Path
    output: Path
    bundle: BundleFacts
    load_bundle: "Callable[[str], Bundle]"
    scenes: SceneSource
    device: str
    command: str = ""


@dataclass(frozen=True)
class ImportedScene:
    """The views of a scene before any edit, their digest, and their cameras where it is a built-in scene."""

    originals: tuple[Pixels, ...]
    digest: str
    cameras: "Cameras | None"


def import_views(options: ImportOptions, tell: Tell) -> tuple[CellResult, ...]:
    """Import all views of a folder, or none and raise an `InputError`; the results of the new cells."""
    foreign = read_foreign(options.folder)
    run = _existing(options)
    prepared = {name: _prepare(name, views, options.scenes) for name, views in foreign.originals.items()}
    if run is not None:
        _check_fits(run, foreign, prepared)
    budget = _budget(foreign, run)
    clip = None if options.bundle.settings.random_weights else options.load_bundle(options.device).metric_clip
    done = []
    for number, each in enumerate(foreign.sets, start=1):
        cell = Cell(Variant(imported_spec(each.method, foreign.name)), each.entry, seed=0)
        files = {f"view_{index}.png": encode_png(view) for index, view in enumerate(each.views)}
        result, maps = _result(cell, each, files, prepared[each.entry.scene], budget, clip, options)
        done.append((result, files | maps))
        tell(f"[{number}/{len(foreign.sets)}] {cell.name}: {_ending(done[-1][0])}")
    _write(done, prepared, _record(foreign, budget, options), options.output)
    return tuple(result for result, _ in done)


def is_imported(result: CellResult) -> bool:
    """Whether the views of a cell were made elsewhere."""
    return result.identity.config.get("imported") is True


def geometry_known(result: CellResult) -> bool:
    """Whether the cell is a known edit of a known scene: imported ones may be of any."""
    return not is_imported(result) or result.identity.config.get("geometry_known") is True


def spec_of(result: CellResult) -> MethodSpec:
    """The method of a cell, imported or not; an `InputError` where the registry does not know it and it is not."""
    name = result.identity.method
    return imported_spec(name, "") if is_imported(result) else find_spec(name.partition("@")[0])


def imported_spec(method: str, folder: str) -> MethodSpec:
    """The description of a method whose views are imported; a known one's title, paper and geometry are kept."""
    description = f"views made elsewhere, imported from {folder}"
    known = all_specs().get(method.partition("@")[0])
    if known is None:
        return MethodSpec(method, f"{method} (imported)", None, (), description, module="")
    title = f"{known.title} (imported)"
    return replace(known, id=method, title=title, description=description, needs=(), parameters=(), published=None)


def _existing(options: ImportOptions) -> Run | None:
    """The run that the output holds; an `InputError` where it holds anything else, or a run of another bundle."""
    output = options.output
    if not (output / "run.json").exists():
        if output.exists() and not (output.is_dir() and not any(output.iterdir())):
            expected, fix = "a new or empty folder, or a run to add to", "Choose another --output."
            raise InputError(f"output {output}", got="something else there already", expected=expected, fix=fix)
        return None
    run = read_run(output)
    made_with = run.record.provenance.bundle
    if made_with.digest != options.bundle.digest:
        got = f"{options.bundle.name} ({options.bundle.digest[:12]})"
        expected = f"{made_with.name} ({made_with.digest[:12]}), which the run was scored with"
        fix = "Name that bundle, or choose another --output."
        raise InputError(f"bundle for run {output}", got=got, expected=expected, fix=fix)
    return run


def _prepare(name: str, originals: tuple[Pixels, ...], source: SceneSource) -> ImportedScene:
    built_in = _built_in(name, originals, source)
    if built_in is not None:
        return built_in
    digest = sha256()
    for view in originals:
        digest.update(view.tobytes())
    return ImportedScene(originals, digest.hexdigest(), None)


def _built_in(name: str, originals: Sequence[Pixels], source: SceneSource) -> ImportedScene | None:
    """The built-in scene of that name if the originals are its views; in another order they are an `InputError`."""
    if name not in (*scenes(), *other_scenes()):
        return None
    try:
        known = SceneShelf(source, len(originals))[name]
    except InputError:  # it has not so many views
        return None
    if same_views(originals, known.originals):
        return ImportedScene(known.originals, known.digest, known.scene.cameras)
    if all(any(same_views([view], [other]) for other in known.originals) for view in originals):
        got, expected = "the views of the built-in scene in another order", "them in their order"
        raise InputError(f"originals of {name}", got=got, expected=expected, fix="Rename original and edited views.")
    return None


def same_views(first: Sequence[Pixels], second: Sequence[Pixels]) -> bool:
    """Whether these are the same pictures but for what JPEG does to them."""
    if [view.shape for view in first] != [view.shape for view in second]:
        return False
    pairs = zip(first, second, strict=True)
    return all(float(np.abs(one.astype(float) - other).mean()) <= SAME_VIEW for one, other in pairs)


def _check_fits(run: Run, foreign: Foreign, prepared: Mapping[str, ImportedScene]) -> None:
    """Raise an `InputError` where the run has other views by a scene's name, or a method of its own by one's name."""
    for name, scene in prepared.items():
        before = _originals_of(run.folder, name)
        if before and not same_views(before, scene.originals):
            got, expected = f"{len(scene.originals)} views that are not those of the run", "the run's own originals"
            fix = "Rename the scene's folders, or choose another --output."
            raise InputError(f"{foreign.name}/original/{name}", got=got, expected=expected, fix=fix)
    imported = {cell.result.identity.method for cell in run.cells if is_imported(cell.result)}
    taken = {method.name for method in run.record.methods} - imported
    clashing = sorted(taken & {each.method for each in foreign.sets})
    if clashing:
        expected = "names that the run's own methods have not"
        fix = "Rename their folders, or choose another --output."
        raise InputError(f"methods for run {run.folder}", got=", ".join(clashing), expected=expected, fix=fix)


def _originals_of(run: Path, scene: str) -> list[Pixels]:
    count = len(list(original(run, scene, 0).parent.glob("view_*.png")))
    try:
        return [read_image(original(run, scene, index)) for index in range(count)]
    except (OSError, SyntaxError) as error:
        fix = "Repeat the command that made the run."
        raise InputError(f"originals of {scene} in {run}", got=str(error), expected="pictures", fix=fix) from error


def _budget(foreign: Foreign, run: Run | None) -> Budget:
    """That of the run, whose cells the new ones stand beside, or one of its own."""
    name, purpose = (run.record.budget, run.record.purpose) if run else (BUDGET, "views made elsewhere")
    edits = tuple(dict.fromkeys(each.entry.slug for each in foreign.sets))
    return Budget(name, purpose, edits, tuple(dict.fromkeys(each.method for each in foreign.sets)), settings={})


def _result(
    cell: Cell,
    views: ForeignSet,
    files: Mapping[str, bytes],
    scene: ImportedScene,
    budget: Budget,
    clip: ImageTextModel | None,
    options: ImportOptions,
) -> tuple[CellResult, dict[str, bytes]]:
    """The cell's record, and the files of its error maps."""
    height, width = views.views[0].shape[:2]
    notes = {"imported from": views.place, "imported size": f"{width} x {height}"}
    metrics, maps = (None, {}) if clip is None else _score(cell, views, scene, clip, options.scenes)
    if clip is not None and metrics is None:
        notes["not scored"] = "the catalogue has no prompts for this instruction"
    outcome = Outcome("ok", result=EditResult(to_tensor(views.views), notes=notes))
    identity = _identity(cell, scene, budget, options.bundle)
    origin = provenance(options.bundle, budget.name, options.device)
    return cell_result(identity, cell.entry, outcome, metrics, files, maps, origin), maps


def _score(
    cell: Cell, views: ForeignSet, scene: ImportedScene, clip: ImageTextModel, source: SceneSource
) -> tuple[Metrics | None, dict[str, bytes]]:
    """Its scores, None where the instruction has no prompts to score with, and the files of its error maps."""
    if not cell.entry.edit.edited_prompt:
        return None, {}
    truth, cameras = None, scene.cameras
    if _is_known(cell, scene):
        truth = find_truth(source, cell.variant.spec, cell.entry, len(scene.originals))
    maps = map_files(views.views, cameras, truth) if cameras and truth else {}
    return score(scene.originals, views.views, cameras, cell.entry, clip, truth), maps


def _is_known(cell: Cell, scene: ImportedScene) -> bool:
    """Whether scene and edit belong together, and so have a geometry that may be known."""
    return scene.cameras is not None and cell.entry in (*catalogue(), *other_edits())


def _identity(cell: Cell, scene: ImportedScene, budget: Budget, bundle: BundleFacts) -> Identity:
    identity = identity_of(cell, budget, bundle, scene.digest)
    told = {"imported": True, "geometry_known": _is_known(cell, scene)}
    return identity.model_copy(update={"config": {**identity.config, **told}})


def _record(foreign: Foreign, budget: Budget, options: ImportOptions) -> RunRecord:
    cells = [Cell(Variant(imported_spec(each.method, foreign.name)), each.entry, seed=0) for each in foreign.sets]
    origin = provenance(options.bundle, budget.name, options.device)
    record = run_record(options.output, options.command, budget, cells, origin)
    return merged_with_earlier(options.output, record)


def _write(
    done: Sequence[tuple[CellResult, Mapping[str, bytes]]],
    prepared: Mapping[str, ImportedScene],
    record: RunRecord,
    output: Path,
) -> None:
    """Write all beside the run, and move it into place when all is written."""
    with _stage_beside(output) as stage:
        for result, files in done:
            write_cell(stage, result, files)
        for name, scene in prepared.items():
            if not original(output, name, 0).exists():
                write_originals(stage, name, scene.originals)
        write_record(stage, record)
        with writing(output):
            _put_in_place(stage, output)
    write_tables(output)


@contextmanager
def _stage_beside(output: Path) -> Iterator[Path]:
    with writing(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _put_in_place(stage: Path, output: Path) -> None:
    """Move cells and originals, and ``run.json`` last; whatever was moved is taken out again where one cannot be."""
    moved: list[tuple[Path, Path | None]] = []
    try:
        for source in _units(stage):
            target = output / source.relative_to(stage)
            target.parent.mkdir(parents=True, exist_ok=True)
            earlier = stage / f"earlier-{len(moved)}" if target.exists() else None
            if earlier is not None:
                target.rename(earlier)
            moved.append((target, earlier))
            source.rename(target)
    except BaseException:
        for target, earlier in reversed(moved):
            _take_out(target)
            if earlier is not None:
                earlier.rename(target)
        raise


def _units(stage: Path) -> list[Path]:
    """What is moved as one: each cell, each scene's originals, and the record."""
    return [*stage.glob("cells/*/*/*/seed-*"), *stage.glob("originals/*"), stage / "run.json"]


def _take_out(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _ending(result: CellResult) -> str:
    if result.metrics is None:
        return str(result.notes.get("not scored", "not scored: the bundle's weights are random"))
    return "scored" if result.metrics.reprojection else "scored but for reprojection: its geometry is not known"
