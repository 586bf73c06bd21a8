"""Instruct-GS2GS (Vachha and Haque, 2024): splats whose views are edited in rounds, all of them every so many steps.

In the first N steps of a round each view is rendered, edited from a high noise level with the original photo as the
condition, and takes the place of its target. All other steps fit one view at random.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult
from baselines.partial_edit import draw_level, edit_render, guide
from baselines.splat_fit import PUBLISHED_RATES, SHORT_RATES, Training, photo_loss
from baselines.splat_method import EditSettings, begin, clock, edit_settings, finish, training
from mix2mix.teacher import resize

LOW, HIGH = 0.7, 0.98
"""Noise levels of the edits, as shares of 1000."""


SETTINGS = {
    "paper": EditSettings(edit_steps=7500, rounds=3, denoising_steps=20, rates=PUBLISHED_RATES),
    "mini": EditSettings(edit_steps=300, rounds=3, denoising_steps=20, rates=SHORT_RATES),
}
"""By bundle."""

EditView = Callable[[int, Tensor], Tensor]
"""Edits the render [3, H, W] of a view."""


class Igs2gs:
    """Rounds of edits of the dataset, each followed by steps that fit them."""

    def edit(self, request: EditRequest) -> EditResult:
        """Fit splats to the scene, then edit and fit in turns."""
        start = begin(request)
        began = clock(request.device)
        settings = edit_settings(request, SETTINGS)
        trained = training(request, start, settings)
        photos = request.scene.images.to(request.device)
        edit_view = view_editor(request, photos, settings.denoising_steps)
        edit_in_rounds(trained, resize(photos, trained.size, trained.size), edit_view, settings, request)
        samples = 3 * settings.denoising_steps * settings.rounds * len(photos)
        notes = {"text_guidance": "the edit's own, not the released 12.5"}
        return finish(request, start, trained, began, samples, notes)


def view_editor(request: EditRequest, photos: Tensor, steps: int) -> EditView:
    """EDIT of a view's render, with its photo as the condition and a noise level drawn anew."""
    told, generator = guide(request), torch.Generator().manual_seed(request.seed)
    image_latents = told.teacher.condition(photos)

    def edit_view(view: int, render: Tensor) -> Tensor:
        level = draw_level(LOW, HIGH, generator)
        shown = image_latents[view : view + 1]
        return edit_render(told, render[None].clamp(0, 1), shown, level, steps, generator)[0]

    return edit_view


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
