"""What an editing method is: its request, its result, its protocol, and its description (which needs no torch)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mix2mix.bundles import Bundle
    from mix2mix.edit import Edit
    from mix2mix.scene import Scene

Progress = Callable[[str, int, int], None]
"""Told (phase, done, total) as the work goes on; ``total`` may differ from phase to phase."""

SettingValue = int | float | str


@dataclass(frozen=True)
class EditRequest:
    """One edit of one scene, and what it is to be made with.

    ``settings`` holds values of the method's own parameters by name; an absent one means the parameter's default.
    """

    scene: "Scene"
    edit: "Edit"
    bundle: "Bundle"
    seed: int
    device: str
    progress: Progress
    settings: Mapping[str, SettingValue] = field(default_factory=dict)


@dataclass(frozen=True)
class EditResult:
    """The edited views, and what they cost.

    ``views`` [N, 3, H, W] in [0, 1], in the order of the scene's views; ``timings`` in seconds by phase
    (load, fit, edit, decode); ``counts`` of samples put through the "teacher",
    calls of the "student" (all frames at once) and "renders".
    """

    views: "Tensor"
    timings: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, str | int | float] = field(default_factory=dict)


class Method(Protocol):
    """Edits all views of a scene."""

    def edit(self, request: EditRequest) -> EditResult:
        """Return one edited view for every view of the request's scene."""


@dataclass(frozen=True)
class Parameter:
    """One setting of a method; ``default`` None stands for the bundle's own value.

    A number lies in ``minimum`` .. ``maximum``; a word (kind str) is one of ``choices``.
    """

    name: str
    kind: type[int] | type[float] | type[str]
    default: SettingValue | None
    description: str
    minimum: float = 0
    maximum: float = inf
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """Scores that a paper prints for the method, and where; ``minutes`` an edit on an L40S (Table 4)."""

    source: str
    cons: float
    sim: float
    dir: float
    minutes: float | None = None


@dataclass(frozen=True)
class MethodSpec:
    """The description of a method.

    ``module`` is where it lives ("baselines.t2vz:T2vz"). ``needs`` names what it cannot do without: "teacher",
    "student", "truth" (the known geometry of a built-in scene), "gpu", or an optional dependency ("extra splats").
    ``year`` is its preprint's. ``geometry`` says which geometry its views show: that of the edited scene, or that of
    the original. ``cost`` holds the counts of an `EditResult` at the paper's settings and N = 4, editing only.
    ``steps`` names, by phase, the setting that the phase's time is a multiple of, with its value in the paper.
    """

    id: str
    title: str
    paper: str | None
    needs: tuple[str, ...]
    description: str
    module: str
    parameters: tuple[Parameter, ...] = ()
    published: Published | None = None
    geometry: Literal["edited", "original"] = "edited"
    year: int | None = None
    cost: Mapping[str, int] = field(default_factory=dict)
    steps: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, if the method has it."""
        return next((parameter for parameter in self.parameters if parameter.name == name), None)


@dataclass(frozen=True)
class Variant:
    """A method with some of its settings given: ``i-mix2mix@k=20+f=0.1``."""

    spec: MethodSpec
    settings: Mapping[str, SettingValue] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The id with its settings in the order of the spec's parameters, safe in a shell and as a folder's name."""
        given = [f"{p.name}={self.settings[p.name]}" for p in self.spec.parameters if p.name in self.settings]
        return "@".join([self.spec.id, "+".join(given)]) if given else self.spec.id
