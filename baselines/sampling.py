"""What the teacher's methods share: their settings, and the stock pipeline on all views."""

import torch
from torch import Tensor

from baselines.api import EditRequest, MethodSpec, SettingValue


def setting(spec: MethodSpec, request: EditRequest, name: str) -> SettingValue:
    """A setting of the request, or the parameter's default."""
    parameter = spec.parameter(name)
    if parameter is None or parameter.default is None:
        raise LookupError(f"{spec.id} has no setting {name} with a default")
    return request.settings.get(name, parameter.default)


def edit_views(request: EditRequest, steps: int) -> Tensor:
    """Edit all views by the stock pipeline, each from noise of its own seed: [N, 3, H, W] in [0, 1]."""
    images = request.scene.images
    generators = [torch.Generator().manual_seed(request.seed * len(images) + i) for i in range(len(images))]
    return request.bundle.teacher.edit(
        images,
        request.bundle.guided(request.edit),
        steps,
        generators,
        lambda done: request.progress("edit", done, steps),
    )
