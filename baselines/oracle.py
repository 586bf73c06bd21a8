"""The oracle of the miniature world: one draw of the true edit, rendered in every view."""

import time

from baselines.api import EditRequest, EditResult
from mix2mix.mini.world import render_edit


class Oracle:
    """Knows the scene's geometry; only built-in scenes have it, others raise InputError."""

    def edit(self, request: EditRequest) -> EditResult:
        """Render one draw of the edit."""
        start = time.perf_counter()
        count = len(request.scene.images)
        views = render_edit(request.scene.name, request.edit.instruction, request.seed, count)
        request.progress("render", count, count)
        return EditResult(views, {"edit": time.perf_counter() - start}, {"renders": count})
