"""DGE, Direct Gaussian Editing (arXiv 2404.18929): all renders edited together, and the splats fitted to the result.

At N = 4 the released batches of five views would give one key view in all; batches of two give two.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult
from baselines.dge_editing import edit_jointly
from baselines.losses import l1
from baselines.partial_edit import guide
from baselines.perceptual import Kind, Loss, perceptual_loss
from baselines.splat_fit import Rates, Training
from baselines.splat_method import EditSettings, begin, edit_settings, finish, training
from mix2mix.replay import clock

LEVELS = (999, 300, 300)
"""Noise level of each round's edit; those after the third are as the last."""

BATCH = 2
"""Views to one key view."""

WEIGHT = 10.0
"""Of each of the two losses."""


_PUBLISHED = Rates(
    means=1.6e-4, last_means=1.6e-5, constant=0.0125, linear=6.25e-4, opacities=0.05, scales=5e-3, rotations=1e-3
)
_SHORT = Rates(
    means=3.2e-3, last_means=3.2e-4, constant=0.05, linear=2.5e-3, opacities=0.05, scales=2e-2, rotations=4e-3
)


@dataclass(frozen=True)
class Settings(EditSettings):
    """Also what the look of renders is fitted by."""

    perceptual: Kind


SETTINGS = {
    "paper": Settings(edit_steps=1500, rounds=3, denoising_steps=20, rates=_PUBLISHED, perceptual="lpips"),
    "mini": Settings(edit_steps=1500, rounds=3, denoising_steps=20, rates=_SHORT, perceptual="ssim"),
}
"""By bundle."""

EditAll = Callable[[Tensor, Tensor, int], Tensor]
"""Edits the renders [N, 3, H, W] of all views, looking at those before any edit, from a noise level."""


class Dge:
    """Rounds of a joint edit, each followed by steps that fit it."""

    def edit(self, request: EditRequest) -> EditResult:
        """Fit splats to the scene, then edit and fit in turns."""
        settings = edit_settings(request, SETTINGS)
        look, called = perceptual_loss(settings.perceptual, "vgg", request)
        start = begin(request)
        began = clock(request.device)
        trained = training(request, start, settings)
        edit_and_fit(trained, joint_editor(request, settings.denoising_steps), look, settings, request)
        views = len(request.scene.images)
        samples = 3 * settings.denoising_steps * settings.rounds * (views + ceil(views / BATCH))
        return finish(request, start, trained, began, samples, {"views_per_key": BATCH, "perceptual_loss": called})


def joint_editor(request: EditRequest, steps: int) -> EditAll:
    """The joint edit of all views' renders, with those before any edit as the condition."""
    told, generator = guide(request), torch.Generator().manual_seed(request.seed)
    cameras = request.scene.cameras.to(request.device)

    def edit_all(renders: Tensor, unedited: Tensor, level: int) -> Tensor:
        return edit_jointly(told, renders, unedited, cameras, level, steps, BATCH, generator)

    return edit_all


def edit_and_fit(
    trained: Training, edit_all: EditAll, look: Loss, settings: EditSettings, request: EditRequest
) -> None:
    """Every round: render and edit all views; then fit the edits, one view a step at random."""
    generator = torch.Generator().manual_seed(request.seed)
    targets = unedited = torch.empty(0)
    for step in range(settings.edit_steps):
        index, turn = settings.round_at(step)
        if turn == 0:
            renders = trained.render_all()
            unedited = renders if index == 0 else unedited
            targets = edit_all(renders, unedited, LEVELS[min(index, len(LEVELS) - 1)])
        view = int(torch.randint(len(targets), (), generator=generator))
        image = trained.render(view)
        trained.descend(WEIGHT * l1(image, targets[view]) + WEIGHT * look(image, targets[view]))
        request.progress("edit", step + 1, settings.edit_steps)
