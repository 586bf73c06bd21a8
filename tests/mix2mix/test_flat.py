"""A flat network computes, and learns, what the network does whose weights it holds."""

import copy

import pytest
import torch
from torch import nn

from mix2mix.flat import FlatNetwork
from mix2mix.seva import Seva, SevaConfig

CONFIG = SevaConfig(
    model_channels=32,
    channel_mult=(1, 1),
    num_res_blocks=1,
    attention_resolutions=(2, 1),
    num_head_channels=16,
    transformer_depth=(1, 1),
    context_dim=8,
    unflatten_names=("middle_ds2",),
)
FRAMES = 3


def inputs() -> tuple:
    g = torch.Generator().manual_seed(1)
    latents, context, rays = (torch.randn(FRAMES, *shape, generator=g) for shape in ((11, 8, 8), (1, 8), (6, 8, 8)))
    return latents, torch.full((FRAMES,), 500), context, rays, FRAMES


@pytest.fixture
def network() -> Seva:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = Seva(CONFIG)
        for parameter in made.parameters():  # no layer starts at zero: every weight matters
            nn.init.normal_(parameter, std=0.1)
    return made


def test_it_computes_the_same(network):
    flat = FlatNetwork(network)
    assert torch.equal(flat(*inputs()), network(*inputs()))
    assert [name for name, _ in flat.named_parameters()] == ["vector"]
    assert flat.vector.numel() == sum(p.numel() for p in network.parameters())


def test_its_gradient_is_the_network_s_and_zero_where_the_output_does_not_depend(network):
    flat = FlatNetwork(network)
    for each in (network, flat):
        each(*inputs()).square().sum().backward()
    flat.vector.data.copy_(flat.vector.grad)
    for name, gradient in flat.weights().items():
        expected = network.get_parameter(name).grad
        torch.testing.assert_close(gradient, torch.zeros_like(gradient) if expected is None else expected)


def test_under_autocast_weights_are_cast_as_autocast_does(network):
    flat = FlatNetwork(network)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        one, other = network(*inputs()), flat(*inputs())
    assert torch.equal(one, other)
    one.float().square().sum().backward()
    other.float().square().sum().backward()
    assert flat.vector.grad.dtype == torch.float32
    flat.vector.data.copy_(flat.vector.grad)
    for name, gradient in flat.weights().items():
        if (expected := network.get_parameter(name).grad) is not None:
            torch.testing.assert_close(gradient, expected)


def test_adamw_and_clipping_take_the_same_step(network):
    flat, plain = FlatNetwork(network), copy.deepcopy(network)
    for each in (flat, plain):
        optimiser = torch.optim.AdamW(each.parameters(), lr=0.01, weight_decay=0.0)
        each(*inputs()).square().sum().backward()
        torch.nn.utils.clip_grad_norm_(each.parameters(), 0.5)
        optimiser.step()
    for name, value in flat.weights().items():
        torch.testing.assert_close(value, plain.get_parameter(name), rtol=1e-5, atol=1e-6)


def test_the_network_it_was_made_from_is_left_as_it_is(network):
    before = copy.deepcopy(network.state_dict())
    flat = FlatNetwork(network.requires_grad_(False))
    assert flat.vector.requires_grad
    with torch.no_grad():
        flat.vector.zero_()
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
