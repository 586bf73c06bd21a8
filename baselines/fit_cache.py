"""Fits of scenes that this process has made, so that all edits of a scene begin with the same one."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from mix2mix.scene import Scene

MOST_KEPT = 8

Made = TypeVar("Made")


class FitCache(Generic[Made]):
    """The latest fits, by the scene's pictures and cameras (its name does not matter) and by how they were made."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Made] = OrderedDict()

    def get(self, scene: Scene, how: str, make: Callable[[], Made]) -> tuple[Made, bool]:
        """The scene's fit, made now if need be, and whether it was there before; ``how`` names all else it rests on."""
        key = _digest(scene, how)
        if key in self._kept:
            return self._kept[key], True
        self._kept[key] = make()
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key], False


def fit_notes(psnr: float, shared: bool) -> dict[str, str | float]:
    """What a method tells of the fit that it began with: how well it shows the scene's own views, and whose it is."""
    return {
        "train-view PSNR before editing, dB": psnr,
        "fit": "made before in this process, its time told again" if shared else "made for this edit",
    }


def _digest(scene: Scene, how: str) -> str:
    tensors = [scene.images, scene.cameras.K, scene.cameras.c2w]
    parts = [tensor.contiguous().cpu().numpy().tobytes() for tensor in tensors]
    return hashlib.sha256(b"".join([*parts, how.encode()])).hexdigest()
