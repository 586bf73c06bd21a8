"""Text2Video-Zero's Video InstructPix2Pix (arXiv 2303.13439): all views attend to one anchor view's keys and values.

The anchor is the first view unless told otherwise. The method's own image guidance is 1.0; here it gets the edit's, as
every method does.
"""

import torch

from baselines.api import EditRequest, EditResult
from baselines.registry import T2VZ
from baselines.sampling import edit_views, setting
from mix2mix.attention import CrossViewState, cross_view_attention
from mix2mix.errors import InputError
from mix2mix.replay import clock


class T2vz:
    """The stock pipeline on all views together, from independent noise, with attention to the anchor."""

    def edit(self, request: EditRequest) -> EditResult:
        """Edit all views jointly; InputError for an anchor that the scene has not."""
        steps, anchor = (int(setting(T2VZ, request, name)) for name in ("steps", "anchor"))
        count = len(request.scene.images)
        if anchor >= count:
            expected, fix = f"an index from 0 to {count - 1}", "Choose one of the scene's views."
            raise InputError("anchor of t2vz", got=anchor, expected=expected, fix=fix)
        state = CrossViewState(count, torch.tensor(anchor, device=request.device))
        start = clock(request.device)
        with cross_view_attention(request.bundle.teacher, state):
            views = edit_views(request, steps)
        seconds = clock(request.device) - start
        return EditResult(views, {"edit": seconds}, {"teacher": 3 * count * steps}, {"anchor": anchor})
