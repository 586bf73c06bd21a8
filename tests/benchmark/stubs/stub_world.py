"""A small world to run benchmarks in: scenes of 32 px with a known wall, an image-text model of colours, a bundle.

A module that a worker's process can import by its name, so that it finds there what its parent sends by name.
"""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult, Method, MethodSpec, Parameter
from mix2mix.cameras import Cameras
from mix2mix.scene import Scene

SIZE = 32


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


def load_fake_bundle(device: str) -> Any:
    """The fake bundle, as a worker loads it."""
    return fake_bundle()


def load_nowhere(device: str) -> Any:
    """A bundle that no device can hold."""
    raise MemoryError("the bundle is too big")


def load_for_all_but_the_first(device: str) -> Any:
    """The fake bundle, but whoever comes first dies on it; a file in the folder MARKS tells that somebody came."""
    try:
        Path(os.environ["MARKS"], "came").touch(exist_ok=False)
    except FileExistsError:
        return fake_bundle()
    return os.kill(os.getpid(), signal.SIGKILL)


class Grainy:
    """The negative with noise of the seed; it tells the process that made it."""

    def edit(self, request: EditRequest) -> EditResult:
        request.progress("edit", 1, 2)
        grain = torch.rand(request.scene.images.shape, generator=torch.Generator().manual_seed(request.seed))
        return EditResult(0.9 * (1 - request.scene.images) + 0.1 * grain, notes={"process": os.getpid()})


class Doomed(Grainy):
    """On seeds 0 and 1 its process is killed in the middle of the edit."""

    def edit(self, request: EditRequest) -> EditResult:
        if request.seed in (0, 1):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().edit(request)


class Interrupter(Grainy):
    """On seed 2 somebody presses Ctrl-C on the parent, and the edit does not end by itself."""

    def edit(self, request: EditRequest) -> EditResult:
        if request.seed == 2:
            os.kill(os.getppid(), signal.SIGINT)
            time.sleep(600)
        return super().edit(request)


STUBS: dict[str, Callable[[], Method]] = {"grainy": Grainy, "doomed": Doomed, "interrupter": Interrupter}


def load_stub(method: str) -> Method:
    """A stub by its id."""
    return STUBS[method]()


def load_calm(method: str) -> Method:
    """Whatever was asked for, without its trouble."""
    return Grainy()
