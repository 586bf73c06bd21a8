"""Scenes and metrics of other packages, described without torch, and what they give. See `mix2mix.extensions`.

mix2mix.scenes    a `SceneSpec` of a class with `scene(views, size)` and `truth(instruction, views, size)`
mix2mix.metrics   a `MetricSpec` of a function (originals, edited, edit) -> numbers; both [N, 3, H, W] in [0, 1]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from benchmark.catalogue import CatalogueEdit, find_edit, scenes
from benchmark.results import ExtraScores
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.extensions import Extension, extensions, load_object, source_digest

if TYPE_CHECKING:
    from torch import Tensor

    from benchmark.scoring import Truth
    from mix2mix.scene import Scene


@dataclass(frozen=True)
class SceneSpec:
    """A scene of another package: the class that gives it, and its edits, at least one."""

    id: str
    module: str
    edits: tuple[Edit, ...]


class OtherScene(Protocol):
    """What a `SceneSpec` names; made without arguments."""

    def scene(self, views: int, size: int) -> "Scene":
        """The scene with N views of size x size, the size that the bundle works on."""

    def truth(self, instruction: str | None, views: int, size: int) -> "Truth | None":
        """The geometry after that edit (None: before any); None where nobody knows it."""


@dataclass(frozen=True)
class MetricSpec:
    """A metric of another package, which way it is better, and the function that takes it.

    Two runs' values that differ by no more than ``tolerance`` count as the same.
    """

    id: str
    title: str
    better: Literal["higher", "lower"]
    description: str
    module: str
    tolerance: float


class MetricError(RuntimeError):
    """A metric of another package failed, or gave what is no score."""


def other_scenes() -> dict[str, Extension[SceneSpec]]:
    """The scenes of other packages by id."""
    return extensions("scenes", SceneSpec, scenes())


def other_edits() -> tuple[CatalogueEdit, ...]:
    """The edits of those scenes."""
    return tuple(CatalogueEdit(name, edit) for name, found in other_scenes().items() for edit in found.spec.edits)


def find_any_edit(text: str) -> CatalogueEdit:
    """An edit of the catalogue by instruction or slug, or SCENE/SLUG of another package; else an `InputError`."""
    scene, _, slug = text.partition("/")
    if scene not in other_scenes():
        return find_edit(text)
    known = {entry.slug: entry for entry in other_edits() if entry.scene == scene}
    if slug not in known:
        expected = f"one of {', '.join(known) or 'none'}"
        raise InputError(f"edit of {scene}", got=f"'{slug}'", expected=expected, fix="See `mix2mix list edits`.")
    return known[slug]


def load_scene_source(name: str) -> OtherScene:
    """The scene of that id, from the package that brings it."""
    made: OtherScene = load_object(other_scenes()[name].spec)()
    return made


def other_metrics() -> dict[str, Extension[MetricSpec]]:
    """The metrics of other packages by id."""
    return extensions("metrics", MetricSpec, ())


def other_metric_sources() -> list[tuple[str, str]]:
    """Each of those metrics with the SHA-256 of its package's sources, on which a score depends."""
    return [(name, source_digest(found.spec)) for name, found in other_metrics().items()]


def other_scores(before: "Tensor", after: "Tensor", edit: Edit) -> dict[str, ExtraScores]:
    """What the metrics of other packages say of views [N, 3, H, W]; a `MetricError` tells which one failed."""
    return {name: _scores(found, before, after, edit) for name, found in other_metrics().items()}


def _scores(found: Extension[MetricSpec], before: "Tensor", after: "Tensor", edit: Edit) -> ExtraScores:
    spec = found.spec
    try:
        values = _numbers(load_object(spec)(before, after, edit))
    except Exception as error:
        raise MetricError(f"metric {spec.id} of {found.origin}: {type(error).__name__}: {error}") from error
    mean = sum(values) / len(values)
    return ExtraScores(
        title=spec.title,
        better=spec.better,
        tolerance=spec.tolerance,
        origin=found.origin,
        values=values,
        mean=mean,
    )


def _numbers(given: Sequence[float]) -> tuple[float, ...]:
    values = tuple(float(value) for value in given)
    if not values or any(value - value != 0 for value in values):
        raise ValueError(f"got {list(values)}; expected one finite number or more")
    return values
