"""A small world to run benchmarks in: scenes of 32 px with a known wall, an image-text model of colours, a bundle."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult, Method, MethodSpec, Parameter, Variant
from benchmark.budgets import Budget
from benchmark.catalogue import find_edit
from benchmark.results import CellResult, RunRecord
from benchmark.runner import RunOptions
from mix2mix.cameras import Cameras
from mix2mix.scene import Scene

SIZE = 32
EDITS = ("give-him-a-venetian-mask", "turn-the-bear-to-a-panda-bear")


@dataclass(frozen=True)
class WallTruth:
    """Everything is a wall at depth 4; the subject is its lower half."""

    depth: Tensor
    subject: Tensor


class WallWorld:
    """Scenes of a wall before cameras 4 px apart; ``asked`` records whose geometry was asked for."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def scene(self, name: str, views: int) -> Scene:
        wall = torch.rand(3, SIZE, SIZE + 4 * views, generator=torch.Generator().manual_seed(len(name)))
        images = torch.stack([wall[..., 4 * i : 4 * i + SIZE] for i in range(views)])
        K = torch.tensor([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]]).repeat(views, 1, 1)
        c2w = torch.eye(4).repeat(views, 1, 1)
        c2w[:, 0, 3] = 0.5 * torch.arange(views)
        return Scene(name, images, Cameras(K, c2w), tuple(f"view_{i}" for i in range(views)))

    def truth(self, name: str, instruction: str | None, views: int) -> WallTruth | None:
        self.asked.append(instruction)
        subject = torch.zeros(views, SIZE, SIZE, dtype=torch.bool)
        subject[:, SIZE // 2 :] = True
        return WallTruth(torch.full((views, SIZE, SIZE), 4.0), subject)


class ColourClip:
    """Features of an image: its 4 x 4 thumbnail. Features of a text: drawn from its length."""

    def image_features(self, images: Tensor) -> Tensor:
        return torch.nn.functional.adaptive_avg_pool2d(images, 4).flatten(1)

    def text_features(self, texts: list[str]) -> Tensor:
        return torch.stack([torch.rand(48, generator=torch.Generator().manual_seed(len(text))) for text in texts])


@dataclass(frozen=True)
class Settings:
    random_weights: bool = False


def fake_bundle(digest: str = "d" * 64, random_weights: bool = False) -> Any:
    return SimpleNamespace(
        name="mini", digest=digest, settings=Settings(random_weights=random_weights), metric_clip=ColourClip()
    )


class Inverter:
    """A method whose edit is the negative; it counts its calls."""

    def __init__(self) -> None:
        self.requests: list[EditRequest] = []

    def edit(self, request: EditRequest) -> EditResult:
        self.requests.append(request)
        request.progress("edit", 1, 1)
        return EditResult(1 - request.scene.images, {"edit": 0.5}, {"teacher": 4}, {"reference": 2})


class Faulty:
    """A method that does what it is told to instead of editing."""

    def __init__(self, act: Callable[[EditRequest], Tensor]) -> None:
        self.act = act

    def edit(self, request: EditRequest) -> EditResult:
        return EditResult(self.act(request))


def spec(method: str, **changes: Any) -> MethodSpec:
    parameters = (Parameter("steps", int, 100, "steps", minimum=1),)
    base: dict[str, Any] = {"paper": None, "needs": (), "description": "a fake", "module": "", "parameters": parameters}
    return MethodSpec(id=method, title=method.title(), **(base | changes))


@pytest.fixture
def make_options(tmp_path: Path) -> Callable[..., RunOptions]:
    """Options for a run of fake methods, given by id, on two edits."""

    def make(methods: dict[str, Method], specs: dict[str, MethodSpec] | None = None, **changes: Any) -> RunOptions:
        specs = specs or {}
        base: dict[str, Any] = {
            "output": tmp_path / "run",
            "budget": Budget("tiny", "for tests", EDITS, tuple(methods), {"steps": 7, "k": 3}, views=2),
            "variants": tuple(Variant(specs.get(name, spec(name))) for name in methods),
            "edits": tuple(find_edit(edit) for edit in EDITS),
            "bundle": fake_bundle(),
            "scenes": WallWorld(),
            "load_method": methods.__getitem__,
        }
        return RunOptions(**(base | changes))

    return make


DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="session")
def example() -> CellResult:
    """A finished cell as version 1 of the schema saved it."""
    return CellResult.model_validate_json((DATA / "result.json").read_bytes())


@pytest.fixture(scope="session")
def example_run() -> RunRecord:
    """The run that holds the example."""
    return RunRecord.model_validate_json((DATA / "run.json").read_bytes())


@pytest.fixture
def fakes() -> SimpleNamespace:
    """The fakes that a test may build runs from."""
    names = (WallWorld, ColourClip, Inverter, Faulty, fake_bundle, spec)
    return SimpleNamespace(**{fake.__name__: fake for fake in names})
