"""Instruct-GS2GS (Vachha and Haque, 2024): splats whose views are edited in rounds, all of them every so many steps.

In the first N steps of a round each view is rendered, edited from a high noise level with the original photo as the
condition, and takes the place of its target. All other steps fit one view at random.
"""

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult
from baselines.partial_edit import EditView, view_editor
from baselines.splat_fit import PUBLISHED_RATES, SHORT_RATES, Training, photo_loss
from baselines.splat_method import EditSettings, begin, edit_settings, finish, training
from mix2mix.replay import clock
from mix2mix.teacher import resize

LEVELS = (0.7, 0.98)
"""Noise levels of the edits, as shares of 1000."""


SETTINGS = {
    "paper": EditSettings(edit_steps=7500, rounds=3, denoising_steps=20, rates=PUBLISHED_RATES),
    "mini": EditSettings(edit_steps=1500, rounds=3, denoising_steps=20, rates=SHORT_RATES),
}
"""By bundle."""


class Igs2gs:
    """Rounds of edits of the dataset, each followed by steps that fit them."""

    def edit(self, request: EditRequest) -> EditResult:
        """Fit splats to the scene, then edit and fit in turns."""
        start = begin(request)
        began = clock(request.device)
        settings = edit_settings(request, SETTINGS)
        trained = training(request, start, settings)
        photos = request.scene.images.to(request.device)
        edit_view = view_editor(request, LEVELS, settings.denoising_steps)
        edit_in_rounds(trained, resize(photos, trained.size, trained.size).clone(), edit_view, settings, request)
        samples = 3 * settings.denoising_steps * settings.rounds * len(photos)
        notes = {"text_guidance": "the edit's own, not the released 12.5"}
        return finish(request, start, trained, began, samples, notes)


def edit_in_rounds(
    trained: Training, targets: Tensor, edit_view: EditView, settings: EditSettings, request: EditRequest
) -> None:
    """Edit and fit: targets [N, 3, H, W] begin as the photos and become the edited views, in place."""
    generator = torch.Generator().manual_seed(request.seed)
    for step in range(settings.edit_steps):
        _, turn = settings.round_at(step)
        edited = turn < len(targets)
        view = turn if edited else int(torch.randint(len(targets), (), generator=generator))
        image = trained.render(view)
        if edited:
            targets[view] = edit_view(view, image.detach())
        trained.descend(photo_loss(image, targets[view]))
        request.progress("edit", step + 1, settings.edit_steps)
