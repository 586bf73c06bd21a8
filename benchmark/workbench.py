"""What a worker does with a cell: edits the scene, scores the views and makes their files. One device, one bundle."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import torch

from baselines.api import EditRequest, Method, MethodSpec, Progress, SettingValue
from benchmark.budgets import SMOKE
from benchmark.catalogue import CatalogueEdit
from benchmark.cells import Task, settings_of
from benchmark.execution import Outcome, execute, failure
from benchmark.records import cell_result
from benchmark.reprojection_maps import map_files
from benchmark.results import CellResult, Metrics, Provenance
from benchmark.scoring import SceneSource, Truth, score, to_pixels
from benchmark.store import Pixels, encode_png
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from mix2mix.bundles import Bundle
    from mix2mix.scene import Scene


@dataclass(frozen=True)
class Tools:
    """What a worker is given; all of it can be sent to another process."""

    load_bundle: "Callable[[str], Bundle]"
    load_method: Callable[[str], Method]
    scenes: SceneSource
    views: int
    device: str
    origin: Provenance
    alone: bool = True
    """Whether no other worker shares the device: only then do times tell something, and are they kept."""


@dataclass(frozen=True)
class Report:
    """A cell's result and its files by name."""

    result: CellResult
    files: dict[str, bytes]


@dataclass(frozen=True)
class PreparedScene:
    """A scene with its original views as they are saved; ``digest`` is of those and the cameras."""

    scene: "Scene"
    originals: tuple[Pixels, ...]
    digest: str


class SceneShelf:
    """The scenes of a run by name, each prepared once."""

    def __init__(self, source: SceneSource, views: int) -> None:
        self._source = source
        self._views = views
        self._prepared: dict[str, PreparedScene] = {}

    def __getitem__(self, name: str) -> PreparedScene:
        if name not in self._prepared:
            self._prepared[name] = _prepare(self._source.scene(name, self._views))
        return self._prepared[name]


class Workbench:
    """Runs one cell after another on one device with one bundle; where times are kept, a method is warmed up first."""

    def __init__(self, tools: Tools, shelf: SceneShelf) -> None:
        """Take the device and load the bundle on it."""
        if tools.device.startswith("cuda:"):
            torch.cuda.set_device(tools.device)  # a method that says "cuda" means this one
        self._tools = tools
        self._origin = _with_threads(tools.origin)
        self._shelf = shelf
        self._bundle = tools.load_bundle(tools.device)
        self._warm: set[str] = set()

    def run(self, task: Task, progress: Progress) -> Report:
        """Edit and score; whatever fails is in the result."""
        origin, entry = self._origin, task.cell.entry
        try:
            outcome, metrics, files, maps = self._edit_and_score(task, progress)
            return Report(cell_result(task.identity, entry, outcome, metrics, files, maps, origin), files | maps)
        except Exception as error:
            return failed(task, failure(error), origin)

    def _edit_and_score(
        self, task: Task, progress: Progress
    ) -> tuple[Outcome, Metrics | None, dict[str, bytes], dict[str, bytes]]:
        """How it ended, its scores, and the files of its views and of its maps."""
        spec, entry = task.cell.variant.spec, task.cell.entry
        prepared = self._shelf[entry.scene]
        _check_unchanged(task, prepared, self._bundle)
        truth = find_truth(self._tools.scenes, spec, entry, self._tools.views)
        if truth is None and "truth" in spec.needs:
            return Outcome("skipped", f"{spec.id} needs the true geometry, which this scene has not"), None, {}, {}
        outcome = self._edit(task, prepared.scene, progress)
        if outcome.result is None:
            return outcome, None, {}, {}
        pixels = to_pixels(outcome.result.views)
        files = {f"view_{index}.png": encode_png(view) for index, view in enumerate(pixels)}
        if self._bundle.settings.random_weights:
            return outcome, None, files, {}
        clip, cameras = self._bundle.metric_clip, prepared.scene.cameras
        maps = map_files(pixels, cameras, truth) if truth else {}
        return outcome, score(prepared.originals, pixels, cameras, entry, clip, truth), files, maps

    def _edit(self, task: Task, scene: "Scene", progress: Progress) -> Outcome:
        name, method, device = task.cell.variant.name, task.cell.variant.spec.id, self._tools.device
        request = EditRequest(
            scene=scene,
            edit=task.cell.entry.edit,
            bundle=self._bundle,
            seed=task.cell.seed,
            device=device,
            progress=progress,
            settings=task.settings,
        )
        warm_up = brief(task) if self._tools.alone and name not in self._warm else None
        outcome = execute(lambda: self._tools.load_method(method), request, warm_up)
        if outcome.status == "ok":
            self._warm.add(name)
        elif outcome.status == "out-of-memory" and device.startswith("cuda"):
            torch.cuda.empty_cache()
        return outcome if self._tools.alone else replace(outcome, timing=None)


def brief(task: Task) -> dict[str, SettingValue]:
    """A task's settings, but for lengths, which are the smoke budget's, also where they would be the method's own."""
    return {**task.settings, **settings_of(replace(task.cell.variant, settings={}), SMOKE)}


def failed(task: Task, outcome: Outcome, origin: Provenance) -> Report:
    """The report of a cell that has no views."""
    return Report(cell_result(task.identity, task.cell.entry, outcome, None, {}, {}, origin), {})


def find_truth(scenes: SceneSource, spec: MethodSpec, entry: CatalogueEdit, views: int) -> Truth | None:
    """The geometry that the method's views are to show: the edited one, or the original's."""
    return scenes.truth(entry.scene, entry.edit.instruction if spec.geometry == "edited" else None, views)


def _with_threads(origin: Provenance) -> Provenance:
    """The origin of what this process makes: workers on one machine share its threads."""
    hardware = origin.hardware.model_copy(update={"threads": torch.get_num_threads()})
    return origin.model_copy(update={"hardware": hardware})


def _prepare(scene: "Scene") -> PreparedScene:
    originals = tuple(to_pixels(scene.images))
    digest = sha256()
    for data in (*originals, scene.cameras.K.cpu().numpy(), scene.cameras.c2w.cpu().numpy()):
        digest.update(data.tobytes())
    return PreparedScene(scene, originals, digest.hexdigest())


def _check_unchanged(task: Task, prepared: PreparedScene, bundle: "Bundle") -> None:
    """Refuse to file a result under an identity that it has not: weights or scenes may be replaced during a run."""
    expected = (task.identity.scene_digest, task.identity.bundle_digest)
    if (prepared.digest, bundle.digest) != expected:
        raise InputError(
            f"scene {prepared.scene.name} and bundle {bundle.name}",
            got=f"{prepared.digest[:12]} and {bundle.digest[:12]}",
            expected=f"{expected[0][:12]} and {expected[1][:12]}, as when the run began",
            fix="Repeat the command.",
        )
