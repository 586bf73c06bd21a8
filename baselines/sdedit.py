"""SDEdit-style fusion (arXiv 2511.14899, appendix E.1, after arXiv 2108.01073): the naive way to make edits agree.

Every view is edited by itself; the edits become latents of the student, are noised part of the way, and the student,
whose clean input frame is one of those edits, denoises them together.
"""

import torch
from torch import Tensor

from baselines.api import EditRequest, EditResult
from baselines.registry import SDEDIT
from baselines.sampling import edit_views, setting
from mix2mix.reference import choose_reference, condition_on
from mix2mix.replay import clock
from mix2mix.schedule import STEPS, student_timesteps
from mix2mix.student import Condition, Student, denoise_along


class SdEdit:
    """Independent edits, noised and denoised by the multi-view model."""

    def edit(self, request: EditRequest) -> EditResult:
        """Edit each view, then let the student denoise all."""
        steps, noise = int(setting(SDEDIT, request, "steps")), float(setting(SDEDIT, request, "noise"))
        taus = shortened_timesteps(int(setting(SDEDIT, request, "timesteps")), noise)
        start = clock(request.device)
        scene, bundle = request.scene, request.bundle
        edited = edit_views(request, steps)
        reference = choose_reference(scene, request.seed)
        with torch.no_grad():
            shown = edited[reference : reference + 1]
            condition = condition_on(bundle, scene, reference, shown, request.device)
            clean = bundle.vae.encode(edited.to(request.device) * 2 - 1)
            generator = torch.Generator(request.device).manual_seed(request.seed)
            with bundle.sampling():
                latents = denoise_from(bundle.student, condition, clean, taus, generator)
        middle = clock(request.device)
        views = bundle.teacher.decode(latents)
        timings = {"edit": middle - start, "decode": clock(request.device) - middle}
        counts = {"teacher": 3 * len(views) * steps, "student": len(taus)}
        return EditResult(views, timings, counts, {"reference": reference, "noise": noise})


def shortened_timesteps(count: int, noise: float) -> Tensor:
    """Timesteps [n] int64 from 1000 x noise down to 25, about as far apart as `count` of them from 999 down."""
    return student_timesteps(max(2, round(count * noise)), first=round(STEPS * noise))


def denoise_from(
    student: Student, condition: Condition, clean: Tensor, timesteps: Tensor, generator: torch.Generator
) -> Tensor:
    """Noise clean targets [N, 4, h, w] to the first timestep and take Euler steps: the last clean prediction."""
    timesteps = timesteps.to(clean.device)
    noise = torch.randn(condition.latents.shape, generator=generator, device=generator.device).to(clean.device)
    x = torch.cat([condition.latents[:1], clean]) + student.sigmas[timesteps[0]] * noise
    return denoise_along(student, x, condition, timesteps, len(x))[1:]
