"""The input itself, handed back: perfectly consistent, and no edit at all (its CLIP Dir is 0)."""

from baselines.api import EditRequest, EditResult


class Unedited:
    """Returns the scene's own views, byte for byte."""

    def edit(self, request: EditRequest) -> EditResult:
        """Copy the input views."""
        request.progress("edit", 1, 1)
        return EditResult(
            views=request.scene.images.clone(),
            timings={"load": 0.0, "fit": 0.0, "edit": 0.0, "decode": 0.0},
            counts={"teacher": 0, "student": 0, "renders": 0},
        )
