"""A flat network computes, and learns, what the network does whose weights it holds."""

import copy

import torch

from mix2mix.flat import FlatNetwork


def test_it_computes_the_same(seva, seva_inputs):
    flat = FlatNetwork(seva)
    assert torch.equal(flat(*seva_inputs()), seva(*seva_inputs()))
    assert [name for name, _ in flat.named_parameters()] == ["vector"]
    assert flat.vector.numel() == sum(p.numel() for p in seva.parameters())


def test_its_gradient_is_the_network_s_and_zero_where_the_output_does_not_depend(seva, seva_inputs):
    flat = FlatNetwork(seva)
    for each in (seva, flat):
        each(*seva_inputs()).square().sum().backward()
    flat.vector.data.copy_(flat.vector.grad)
    for name, gradient in flat.weights().items():
        expected = seva.get_parameter(name).grad
        torch.testing.assert_close(gradient, torch.zeros_like(gradient) if expected is None else expected)


def test_under_autocast_weights_are_cast_as_autocast_does(seva, seva_inputs):
    flat = FlatNetwork(seva)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        one, other = seva(*seva_inputs()), flat(*seva_inputs())
    assert torch.equal(one, other)
    one.float().square().sum().backward()
    other.float().square().sum().backward()
    assert flat.vector.grad.dtype == torch.float32
    flat.vector.data.copy_(flat.vector.grad)
    for name, gradient in flat.weights().items():
        if (expected := seva.get_parameter(name).grad) is not None:
            torch.testing.assert_close(gradient, expected)


def test_adamw_and_clipping_take_the_same_step(seva, seva_inputs):
    flat, plain = FlatNetwork(seva), copy.deepcopy(seva)
    for each in (flat, plain):
        optimiser = torch.optim.AdamW(each.parameters(), lr=0.01, weight_decay=0.0)
        each(*seva_inputs()).square().sum().backward()
        torch.nn.utils.clip_grad_norm_(each.parameters(), 0.5)
        optimiser.step()
    for name, value in flat.weights().items():
        torch.testing.assert_close(value, plain.get_parameter(name), rtol=1e-5, atol=1e-6)


def test_the_network_it_was_made_from_is_left_as_it_is(seva):
    before = copy.deepcopy(seva.state_dict())
    flat = FlatNetwork(seva.requires_grad_(False))
    assert flat.vector.requires_grad
    with torch.no_grad():
        flat.vector.zero_()
    after = seva.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
