"""I-Mix2Mix (arXiv 2511.14899) as a benchmarked method: the bundle's settings, overridden by the request's."""

from baselines.api import EditRequest, EditResult
from mix2mix.distill import distill
from mix2mix.distill_config import distill_config


class IMix2Mix:
    """The distiller of `mix2mix.distill`."""

    def edit(self, request: EditRequest) -> EditResult:
        """Personalise the student to the scene and return its views."""
        config = distill_config(request.bundle, request.settings)
        result = distill(
            request.scene, request.edit, request.bundle, config, request.seed, request.device, request.progress
        )
        notes: dict[str, str | int | float] = {"reference": result.reference_view, **result.notes}
        return EditResult(result.views, result.timings, result.counts, notes)
