"""Editing a render part of the way: noise it, then denoise it by DDIM (arXiv 2010.02502) under the editor's guidance.

This is how the methods that edit a 3D scene through its renders (Instruct-NeRF2NeRF, arXiv 2303.12789, and those after
it) call InstructPix2Pix: what is noised is the render of the moment, what the editor looks at is the original photo.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.api import EditRequest
from mix2mix.errors import InputError
from mix2mix.teacher import Teacher, resize

EditView = Callable[[int, Tensor], Tensor]
"""Edits the render [3, H, W] of a view."""


@dataclass(frozen=True, eq=False)
class Guide:
    """A teacher, told what to do: text features [2, L, C] and the two guidance scales."""

    teacher: Teacher
    text_embeds: Tensor
    text_guidance: float
    image_guidance: float

    def noise(self, z: Tensor, t: Tensor, image_latents: Tensor) -> Tensor:
        """Guided noise [N, 4, h, w] of z at timestep t [], looking at image latents of the same shape."""
        return self.teacher.predict_noise(
            z, t, image_latents, self.text_embeds, self.text_guidance, self.image_guidance
        )


def guide(request: EditRequest) -> Guide:
    """The bundle's teacher with the request's instruction, at the guidance that this teacher is to be given."""
    edit, teacher = request.bundle.guided(request.edit), request.bundle.teacher
    return Guide(teacher, teacher.embed(edit.instruction), edit.text_guidance, edit.image_guidance)


def view_editor(request: EditRequest, levels: tuple[float, float], steps: int) -> EditView:
    """EDIT of one view's render, its photo the condition; the level is drawn anew from a range, in shares of 1000."""
    told, generator = guide(request), torch.Generator().manual_seed(request.seed)
    image_latents = told.teacher.condition(request.scene.images.to(request.device))

    def edit_view(view: int, render: Tensor) -> Tensor:
        level = draw_level(*levels, generator)
        shown = image_latents[view : view + 1]
        return edit_render(told, render[None].clamp(0, 1), shown, level, steps, generator)[0]

    return edit_view


def draw_level(low: float, high: float, generator: torch.Generator) -> int:
    """An integer noise level, uniform in [1000 low, 1000 high]."""
    return int(torch.randint(round(1000 * low), round(1000 * high) + 1, (), generator=generator))


def rungs(level: int, steps: int) -> list[int]:
    """The DDIM timesteps below a noise level: (steps - 1) r + 1, ..., r + 1, 1 with r = level // steps.

    Raises InputError where the level leaves no room for so many steps.
    """
    spacing = level // steps
    if not spacing:
        fix = "Ask for fewer denoising steps."
        raise InputError("denoising steps", got=steps, expected=f"at most {level}, the noise level", fix=fix)
    return [spacing * step + 1 for step in reversed(range(steps))]


@torch.no_grad()
def edit_render(
    guide: Guide,
    renders: Tensor,
    image_latents: Tensor,
    level: int,
    steps: int,
    generator: torch.Generator,
) -> Tensor:
    """EDIT of the methods on renders: from `level` down in `steps` DDIM steps, each of 3 N samples of the teacher.

    Args:
        guide: the teacher and its instruction.
        renders: [N, 3, H, W] in [0, 1], of any size.
        image_latents: of the pictures that the teacher looks at, from `Teacher.condition` [N, 4, h, w].
        level: noise level, at most 999.
        steps: of DDIM.
        generator: of the noise, on the CPU.

    Returns:
        [N, 3, H, W] in [0, 1], at the renders' size.

    """
    times = rungs(level, steps)
    z = noised(guide.teacher, renders, times[0], generator)
    z = denoise(guide.teacher, z, times, lambda z, t: guide.noise(z, t, image_latents))
    return resize(guide.teacher.decode(z), *renders.shape[-2:])


def noised(teacher: Teacher, images: Tensor, level: int, generator: torch.Generator) -> Tensor:
    """Latents [N, 4, h, w] of images [N, 3, H, W] in [0, 1], sampled from the posterior and noised to a timestep."""
    mean, log_variance = teacher.vae.posterior(resize(images, teacher.image_size, teacher.image_size) * 2 - 1)
    clean = (mean + torch.exp(0.5 * log_variance) * _normal(mean, generator)) * teacher.vae.scale
    return teacher.add_noise(clean, _normal(mean, generator), torch.tensor(level, device=mean.device))


def denoise(teacher: Teacher, z: Tensor, times: list[int], noise: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Clean latents of z [N, 4, h, w] at times[0] by DDIM without noise (eta 0), with ``noise(z, t)`` the prediction.

    The last step goes from t = 1 to t = 0, the cleanest level that the teacher knows.
    """
    power = teacher.editor.alphas_cumprod.tolist()
    for t, after in zip(times, [*times[1:], 0], strict=True):
        eps = noise(z, torch.tensor(t, device=z.device))
        clean = (z - (1 - power[t]) ** 0.5 * eps) / power[t] ** 0.5
        z = power[after] ** 0.5 * clean + (1 - power[after]) ** 0.5 * eps
    return z


def _normal(like: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randn(like.shape, generator=generator).to(like)
