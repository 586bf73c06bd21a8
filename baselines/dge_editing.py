"""The joint edit of DGE (arXiv 2404.18929): all renders denoised together, kept consistent by a few key views."""

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.dge_attention import JointAttention, groups_by_angle, sources
from baselines.partial_edit import Guide, denoise, noised, rungs
from mix2mix.attention import self_attention_by
from mix2mix.cameras import Cameras
from mix2mix.teacher import resize

LEAST_JOINT = 100
"""Below this timestep every view attends to itself."""


@torch.no_grad()
def edit_jointly(
    guide: Guide,
    renders: Tensor,
    unedited: Tensor,
    cameras: Cameras,
    level: int,
    steps: int,
    batch: int,
    generator: torch.Generator,
) -> Tensor:
    """Edit renders [N, 3, H, W] in [0, 1] together from a noise level: [N, 3, H, W] in [0, 1].

    The teacher looks at the renders before any edit, of the same shape. As released, the renders are noised to the
    timestep below the level, and denoised as if they were on that timestep's first rung, a little further down.

    Views are grouped by angle in batches of `batch`; each step draws one key view a group and passes first the K keys,
    then all views: 3 (N + K) samples. As released, the keys are passed in the last, plain steps too.
    """
    groups = groups_by_angle(cameras, batch)
    attention = JointAttention(cameras)
    image_latents = guide.teacher.condition(unedited)

    def noise(z: Tensor, t: Tensor) -> Tensor:
        keys = draw_keys(groups, generator)
        if t < LEAST_JOINT:
            attention.plain()
            guide.noise(z[keys], t, image_latents[keys])
            return guide.noise(z, t, image_latents)
        attention.pass_keys(keys)
        guide.noise(z[keys], t, image_latents[keys])
        attention.pass_views(sources(cameras, groups, keys))
        return guide.noise(z, t, image_latents)

    times = rungs(level - 1, steps)
    z = noised(guide.teacher, renders, level - 1, generator)
    with self_attention_by(guide.teacher, attention):
        z = denoise(guide.teacher, z, times, noise)
    return resize(guide.teacher.decode(z), *renders.shape[-2:])


def draw_keys(groups: Sequence[Sequence[int]], generator: torch.Generator) -> list[int]:
    """One view of each group, at random."""
    return [group[int(torch.randint(len(group), (), generator=generator))] for group in groups]
