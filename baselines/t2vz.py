"""Text2Video-Zero's Video InstructPix2Pix (arXiv 2303.13439): all views attend to the first one's keys and values."""

import time

import torch

from baselines.api import EditRequest, EditResult
from baselines.registry import T2VZ
from baselines.sampling import edit_views, setting
from mix2mix.attention import CrossViewState, cross_view_attention

_ANCHOR = 0
"""The view that all look at: the method's first frame."""


class T2vz:
    """The stock pipeline on all views together, from independent noise, with first-view attention."""

    def edit(self, request: EditRequest) -> EditResult:
        """Edit all views jointly."""
        steps = int(setting(T2VZ, request, "steps"))
        anchor = torch.tensor(_ANCHOR, device=request.device)
        start = time.perf_counter()
        with cross_view_attention(request.bundle.teacher, CrossViewState(len(request.scene.images), anchor)):
            views = edit_views(request, steps)
        seconds = time.perf_counter() - start
        return EditResult(views, {"edit": seconds}, {"teacher": 3 * len(views) * steps}, {"anchor": _ANCHOR})
