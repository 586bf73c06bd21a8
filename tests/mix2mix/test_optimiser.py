"""torch's own AdamW and clipping, as distillation asks for them."""

import copy

import pytest
import torch
from torch import nn

from mix2mix.optimiser import ClippedAdamW


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_a_step_is_torch_s_after_its_clipping_and_the_norm_is_that_before(scale):
    layer = nn.Linear(3, 2)
    other = copy.deepcopy(layer)
    ours = ClippedAdamW(layer.parameters(), lr=0.1, weight_decay=0.01)
    theirs = torch.optim.AdamW(other.parameters(), lr=0.1, weight_decay=0.01, fused=True)
    for each in (layer, other):
        (scale * each(torch.ones(1, 3))).sum().backward()
    norm = torch.nn.utils.clip_grad_norm_(other.parameters(), 0.5)
    theirs.step()
    ours.step(0.5)
    assert all(torch.equal(*pair) for pair in zip(layer.parameters(), other.parameters(), strict=True))
    assert torch.equal(ours.norm, norm)
    ours.forget()
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_the_rate_is_read_at_every_step():
    weight = nn.Parameter(torch.ones(()))
    optimiser = ClippedAdamW([weight], lr=0.0, weight_decay=0.0)
    for rate, expected in ((0.0, 1.0), (0.25, 0.75)):
        weight.grad = torch.ones(())
        optimiser.lr.fill_(rate)
        optimiser.step(1.0)
        assert weight.item() == pytest.approx(expected)
