"""Instruct-NeRF2NeRF (arXiv 2303.12789): a radiance field whose dataset is edited view by view while it is fitted.

Every few steps one view, each in its turn, is rendered, noised to a level drawn from nearly the whole range, denoised
by the editor with the original photo as the condition, and takes the place of its target. All steps fit patches of
all targets, edited or not yet.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult
from baselines.fit_cache import fit_notes
from baselines.losses import l1
from baselines.partial_edit import EditView, view_editor
from baselines.perceptual import Kind, Loss, perceptual_loss
from baselines.radiance_fit import (
    FITS,
    PUBLISHED_RATE,
    Fit,
    FitSettings,
    Rate,
    Training,
    draw_views,
    pixels_of,
    shared_fit,
)
from baselines.splat_method import settings_for
from mix2mix.errors import InputError
from mix2mix.replay import clock
from mix2mix.teacher import resize

LEVELS = (0.02, 0.98)
"""Noise levels of the edits, as shares of 1000."""


@dataclass(frozen=True)
class EditSettings:
    """How long the field is fitted to a dataset that is being edited, and to how much of it in a step."""

    edit_steps: int
    edit_every: int
    """Steps from one view's edit to the next view's."""
    denoising_steps: int
    """Of DDIM, for each edit."""
    patches: int
    """Squares of the targets that a step fits."""
    patch_size: int
    """Pixels of their sides."""
    rate: Rate
    perceptual: Kind
    """What the look of patches is fitted by."""

    @property
    def edits(self) -> int:
        """Views edited in all, the first one in the first step."""
        return -(-self.edit_steps // self.edit_every)


SETTINGS = {
    "paper": EditSettings(
        15_000, 10, denoising_steps=20, patches=16, patch_size=32, rate=PUBLISHED_RATE, perceptual="lpips"
    ),
    "mini": EditSettings(
        3000, 10, denoising_steps=20, patches=4, patch_size=16, rate=Rate(5e-3, 1e-3), perceptual="ssim"
    ),
}
"""By bundle."""


class In2n:
    """Iterative dataset update: one view edited every few steps of fitting."""

    def edit(self, request: EditRequest) -> EditResult:
        """Fit a field to the scene, then edit its dataset and fit in turns."""
        fits, settings = settings_for(request, FITS), settings_for(request, SETTINGS)
        check_patches(settings.patch_size, fits.render_size)
        look, called = perceptual_loss(settings.perceptual, "alex", request)
        fit, shared = fitted(request, fits)
        began = clock(request.device)
        trained = training(request, fit, fits.render_size, settings)
        photos = request.scene.images.to(request.device)
        edit_view = view_editor(request, LEVELS, settings.denoising_steps)
        edit_dataset(trained, resize(photos, trained.size, trained.size), edit_view, look, settings, request)
        edited = clock(request.device)
        views = draw_views(trained.field, request.scene.cameras.to(request.device), photos.shape[-1])
        timings = {"fit": fit.seconds, "edit": edited - began, "decode": clock(request.device) - edited}
        counts = {"teacher": 3 * settings.denoising_steps * settings.edits, "renders": trained.renders}
        return EditResult(views, timings, counts, {**fit_notes(fit.psnr, shared), "perceptual_loss": called})


def fitted(request: EditRequest, settings: FitSettings) -> tuple[Fit, bool]:
    """The scene's field, and whether it was fitted before."""

    def tell(done: int) -> None:
        request.progress("fit", done, settings.fit_steps)

    return shared_fit(request.scene, settings, request.seed, request.device, tell)


def training(request: EditRequest, fit: Fit, size: int, settings: EditSettings) -> Training:
    """The fitted field, ready to be optimised towards edited views."""
    cameras = request.scene.cameras.to(request.device)
    return Training(fit.field, cameras, size, settings.rate, settings.edit_steps, request.seed)


def edit_dataset(
    trained: Training, targets: Tensor, edit_view: EditView, look: Loss, settings: EditSettings, request: EditRequest
) -> None:
    """Edit and fit: the dataset begins as the targets [N, 3, H, W], themselves left alone, and gets the edits."""
    pixels = pixels_of(targets).view(len(targets), -1, 3)
    for step in range(settings.edit_steps):
        if step % settings.edit_every == 0:
            view = step // settings.edit_every % len(targets)
            pixels[view] = pixels_of(edit_view(view, trained.render(view))[None])
        rays = draw_patches(settings.patches, settings.patch_size, targets.shape, trained.generator)
        wanted = pixels.flatten(0, 1)[rays]
        trained.descend(rays.flatten(), partial(patch_loss, wanted=wanted, look=look))
        request.progress("edit", step + 1, settings.edit_steps)


def draw_patches(count: int, side: int, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """Rays [count, side, side] of squares at random places of random pictures of shape [N, 3, H, W]."""
    views, _, height, width = shape

    def draw(most: int) -> Tensor:
        return torch.randint(most, (count, 1, 1), device=generator.device, generator=generator)

    view, top, left = draw(views), draw(height - side + 1), draw(width - side + 1)
    place = torch.arange(side, device=generator.device)
    return (view * height + top + place[:, None]) * width + left + place


def patch_loss(colours: Tensor, wanted: Tensor, look: Loss) -> Tensor:
    """L1 + how they look [], of rays' colours [P * side * side, 3] and the patches wanted [P, side, side, 3]."""
    patches = colours.view_as(wanted)
    return l1(patches, wanted) + look(patches.permute(0, 3, 1, 2), wanted.permute(0, 3, 1, 2))


def check_patches(side: int, render_size: int) -> None:
    """Raise InputError where a picture is smaller than a patch."""
    if side > render_size:
        fix = "Render larger pictures."
        raise InputError("render_size", got=render_size, expected=f"at least {side}, a patch's side", fix=fix)
