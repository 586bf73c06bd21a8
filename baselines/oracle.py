"""The oracle of the miniature world: one draw of the true edit, rendered in every view."""

import time

import torch

from baselines.api import EditRequest, EditResult
from mix2mix.errors import InputError
from mix2mix.mini.family import held_out_cameras
from mix2mix.mini.world import FAMILIES, render_edit
from mix2mix.scene import Scene


class Oracle:
    """Knows the scene's geometry; only built-in scenes have it, others raise InputError."""

    def edit(self, request: EditRequest) -> EditResult:
        """Render one draw of the edit."""
        start = time.perf_counter()
        _check_built_in(request.scene)
        count, size = len(request.scene.images), request.scene.images.shape[-1]
        views = render_edit(request.scene.name, request.edit.instruction, request.seed, count, size)
        request.progress("render", count, count)
        return EditResult(views, {"edit": time.perf_counter() - start}, {"renders": count})


def _check_built_in(scene: Scene) -> None:
    """Refuse any other scene, also one of photos that bears a built-in one's name: its cameras tell."""
    family = FAMILIES.get(scene.name)
    views = len(scene.images)
    if family is None or not torch.equal(scene.cameras.c2w.cpu(), held_out_cameras(family.rig, views).c2w[0]):
        raise InputError(
            "scene of the oracle",
            got=f"'{scene.name}', whose true geometry nobody knows",
            expected=f"a built-in scene: {', '.join(FAMILIES)}",
            fix="Choose another method for this scene.",
        )
