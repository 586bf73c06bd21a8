"""The multi-view model as it is: one view is edited by the teacher, the student samples all views from it (Table 3)."""

import torch

from baselines.api import EditRequest, EditResult
from baselines.registry import STUDENT_ONLY
from baselines.sampling import setting
from mix2mix.reference import choose_reference, condition_on, edit_reference
from mix2mix.replay import clock
from mix2mix.schedule import student_timesteps
from mix2mix.student import sample


class StudentOnly:
    """Plain sampling of the student, conditioned on the edited reference view."""

    def edit(self, request: EditRequest) -> EditResult:
        """Edit one view, then sample all from it."""
        steps = int(setting(STUDENT_ONLY, request, "reference_steps"))
        taus = student_timesteps(int(setting(STUDENT_ONLY, request, "timesteps")))
        start = clock(request.device)
        scene, bundle = request.scene, request.bundle
        reference = choose_reference(scene, request.seed)
        edited = edit_reference(scene, request.edit, bundle, steps, reference, request.seed, request.progress)
        with torch.no_grad():
            condition = condition_on(bundle, scene, reference, edited, request.device)
            generator = torch.Generator(request.device).manual_seed(request.seed)
            with bundle.sampling():
                latents = sample(bundle.student, condition, taus, generator, len(scene.images) + 1)[1:]
        middle = clock(request.device)
        views = bundle.teacher.decode(latents)
        timings = {"edit": middle - start, "decode": clock(request.device) - middle}
        return EditResult(views, timings, {"teacher": 3 * steps, "student": len(taus)}, {"reference": reference})
