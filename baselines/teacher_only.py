"""InstructPix2Pix (arXiv 2211.09800) on every view by itself: good edits that need not agree."""

from baselines.api import EditRequest, EditResult
from baselines.registry import TEACHER_ONLY
from baselines.sampling import edit_views, setting
from mix2mix.replay import clock


class TeacherOnly:
    """The stock pipeline, each view with noise of its own."""

    def edit(self, request: EditRequest) -> EditResult:
        """Edit each view independently."""
        steps = int(setting(TEACHER_ONLY, request, "steps"))
        start = clock(request.device)
        views = edit_views(request, steps)
        return EditResult(views, {"edit": clock(request.device) - start}, {"teacher": 3 * len(views) * steps})
