"""The reference view: the one that the teacher edits and that the student takes as its clean input frame."""

import torch
from torch import Tensor

from mix2mix.bundles import Bundle
from mix2mix.edit import Edit, Progress
from mix2mix.scene import Scene, pluecker_rays
from mix2mix.student import Condition, reference_condition


def choose_reference(scene: Scene, seed: int) -> int:
    """The reference view: one of the scene's, drawn from the seed."""
    return int(torch.randint(len(scene.images), (), generator=torch.Generator().manual_seed(seed)))


def edit_reference(
    scene: Scene, edit: Edit, bundle: Bundle, steps: int, reference: int, seed: int, progress: Progress
) -> Tensor:
    """Edit the reference view by the plain teacher in `steps` sampling steps: [1, 3, H, W] in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    images = scene.images[reference : reference + 1]
    return bundle.teacher.edit(
        images, bundle.guided(edit), steps, [generator], lambda done: progress("reference", done, steps)
    )


def condition_on(bundle: Bundle, scene: Scene, reference: int, shown: Tensor, device: str) -> Condition:
    """What the student is given: the reference as shown [1, 3, H, W], as latents and embedding, and the rays."""
    latents = bundle.vae.encode(shown.to(device) * 2 - 1)[0]
    embedding = bundle.condition_clip.image_features(shown.to(device))[0]
    rays = pluecker_rays(scene, reference, latents.shape[-1]).to(device)
    return reference_condition(latents, embedding, rays)
