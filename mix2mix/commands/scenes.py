"""Which scene a command means: one of the miniature world, or photos in a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from mix2mix.errors import InputError

if TYPE_CHECKING:
    from benchmark.scoring import Truth
    from mix2mix.scene import Scene

DEFAULT_VIEWS = 4
MOST_VIEWS = 8
"""The paper's larger sparse set, and what the built-in scenes have."""


@dataclass(frozen=True)
class BuiltInScene:
    """Some views of a scene of the miniature world, by index."""

    name: str
    frames: tuple[int, ...]

    def __str__(self) -> str:
        return f"built-in scene {self.name}"

    @property
    def has_truth(self) -> bool:
        """Whether these are the scene's first views, whose true geometry is known by their number alone."""
        return self.frames == tuple(range(len(self.frames)))

    def load(self, size: int) -> "Scene":
        """Its views at size x size."""
        from mix2mix.mini.world import held_out_scene
        from mix2mix.scene import Scene

        whole, chosen = held_out_scene(self.name, max(self.frames) + 1, size), list(self.frames)
        return Scene(self.name, whole.images[chosen], whole.cameras[chosen], tuple(whole.frames[i] for i in chosen))


@dataclass(frozen=True)
class PhotoScene:
    """Some frames, or all, of a ``transforms.json``."""

    path: Path
    frames: tuple[int, ...] | None
    has_truth = False

    def __str__(self) -> str:
        return f"scene {self.path}"

    @property
    def name(self) -> str:
        """The folder's name."""
        folder = self.path.parent if self.path.is_file() else self.path
        return folder.resolve().name

    def load(self, size: int) -> "Scene":
        """Its views at size x size."""
        from mix2mix.scene import load_scene

        return load_scene(self.path, self.frames, size)


@dataclass(frozen=True)
class MiniatureWorld:
    """The source of the benchmark's scenes and of what is true in them, in square pictures of a bundle's size."""

    size: int

    def scene(self, name: str, views: int) -> "Scene":
        """The held-out scene of that name, or that of another package."""
        from benchmark.extended import load_scene_source, other_scenes
        from mix2mix.mini.world import held_out_scene

        if name in other_scenes():
            return load_scene_source(name).scene(views, self.size)
        return held_out_scene(name, views, self.size)

    def truth(self, name: str, instruction: str | None, views: int) -> "Truth | None":
        """Its geometry after an edit, or before any; None where nobody knows it."""
        from benchmark.extended import load_scene_source, other_scenes
        from mix2mix.mini.world import truth

        if name in other_scenes():
            return load_scene_source(name).truth(instruction, views, self.size)
        return truth(name, instruction, views, self.size)


def choose_scene(text: str, frames: Sequence[int] | None) -> BuiltInScene | PhotoScene:
    """The scene of that name or folder, with those frames; what can be told wrong without reading images is told."""
    from benchmark.catalogue import scenes

    if text in scenes():
        return _built_in(text, tuple(range(DEFAULT_VIEWS) if frames is None else frames))
    if not Path(text).exists():
        raise _unknown(text, scenes())
    return PhotoScene(Path(text), None if frames is None else tuple(frames))


def _built_in(name: str, frames: tuple[int, ...]) -> BuiltInScene:
    if len(frames) < 2 or len(set(frames)) < len(frames) or max(frames) >= MOST_VIEWS:
        got, expected = ",".join(map(str, frames)), f"two or more different ones of 0 to {MOST_VIEWS - 1}"
        raise InputError(f"frames of built-in scene {name}", got=got, expected=expected, fix="Change --frames.")
    return BuiltInScene(name, frames)


def _unknown(text: str, known: Sequence[str]) -> InputError:
    near = get_close_matches(text, known, n=1)
    return InputError(
        "scene",
        got=f"'{text}'",
        expected=f"a built-in scene ({', '.join(known)}) or a folder with a transforms.json",
        fix=f"Did you mean '{near[0]}'?" if near else "Check the name or the path.",
    )
