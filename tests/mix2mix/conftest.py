"""A small student's network, and what it is given."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from mix2mix.seva import Seva, SevaConfig

FRAMES = 3


@pytest.fixture
def seva() -> Seva:
    """One in which no layer starts at zero: every weight matters."""
    config = SevaConfig(
        model_channels=32,
        channel_mult=(1, 1),
        num_res_blocks=1,
        attention_resolutions=(2, 1),
        num_head_channels=16,
        transformer_depth=(1, 1),
        context_dim=8,
        unflatten_names=("middle_ds2",),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = Seva(config)
        for parameter in made.parameters():
            nn.init.normal_(parameter, std=0.1)
    return made


@pytest.fixture
def seva_inputs() -> Callable[..., tuple]:
    """Makes, from a seed, all that its forward pass takes."""

    def make(seed: int = 1) -> tuple:
        g = torch.Generator().manual_seed(seed)
        latents, context, rays = (torch.randn(FRAMES, *shape, generator=g) for shape in ((11, 8, 8), (1, 8), (6, 8, 8)))
        return latents, torch.full((FRAMES,), 500), context, rays, FRAMES

    return make
