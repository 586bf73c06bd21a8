"""The lean optimiser is torch's AdamW behind torch's clipping, whatever the precision its network's leaves are in."""

import copy
import math

import pytest
import torch
from torch import nn

from mix2mix import compiling, lean
from mix2mix.channels import stand_in
from mix2mix.compiling import compiled, compiled_function, recomputed
from mix2mix.flat import FlatNetwork, matrices_and_others
from mix2mix.lean import LeanAdamW, LeanNetwork, Pace, fade_halves, move_halves, moved_by
from mix2mix.optimiser import ClippedAdamW

LARGE = 5_000


@pytest.fixture
def network(seva):
    return seva.to(memory_format=torch.channels_last)


def lean_of(network: nn.Module) -> LeanNetwork:
    return LeanNetwork(network, "cpu", large=LARGE)


def backward(network: nn.Module, *given) -> torch.Tensor:
    """The output of a forward pass as on a GPU; its gradients are left at the leaves."""
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        output = network(*given)
    output.float().square().mean().backward()
    return output.detach()


# --- the network -----------------------------------------------------------------------------------------------------


def test_it_holds_every_bit_of_the_weights(network):
    found = lean_of(network).weights()
    assert all(torch.equal(found[name], value) for name, value in network.state_dict().items())


def test_large_weights_are_leaves_by_themselves_and_the_others_share_one(network):
    matrices, _ = matrices_and_others(network)
    sizes = [weight.numel() for weight in matrices.values()]
    *alone, together = lean_of(network).leaves
    assert [len(leaf) for leaf in alone] == [size for size in sizes if size >= LARGE]
    shared = sum(size for size in sizes if size < LARGE)
    assert len(together) == math.ceil(shared / lean.ROW) * lean.ROW
    assert not together[shared:].any()
    assert {leaf.dtype for leaf in (*alone, together)} == {torch.bfloat16}


def test_it_computes_and_differentiates_as_autocast_does_with_weights_in_fp32(network, seva_inputs):
    for weight in network.parameters():
        weight.data.copy_(weight.bfloat16())  # no ties, which alone are rounded otherwise
    one, other = FlatNetwork(network), lean_of(network)
    assert torch.equal(backward(one, *seva_inputs()), backward(other, *seva_inputs()))
    one.vector.data.copy_(one.vector.grad)
    gradients = one.weights()
    for leaf, lower in zip(other.leaves, other.lowers, strict=True):
        leaf.data.copy_(torch.zeros_like(leaf) if leaf.grad is None else leaf.grad)
        lower.zero_()
    other.others.data.copy_(other.others.grad)
    assert all(torch.equal(gradient, gradients[name]) for name, gradient in other.weights().items())


def test_the_network_it_was_made_from_is_left_as_it_is(network):
    before = copy.deepcopy(network.state_dict())
    made = lean_of(network.requires_grad_(False))
    assert all(parameter.requires_grad for parameter in made.parameters())
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.zero_()
    after = network.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


# --- a step ----------------------------------------------------------------------------------------------------------


def learn(network, optimiser, clip, inputs, steps=8):
    """Steps at a rate that changes; the norms that were seen."""
    norms = []
    for step in range(steps):
        optimiser.forget()
        backward(network, *inputs(seed=step % 3))
        optimiser.lr.fill_(1e-4 * (1 + step % 5))
        optimiser.step(clip)
        norms.append(optimiser.norm.item())
    return norms


def apart(one: dict, other: dict) -> float:
    """Root of the mean square difference of all weights."""
    return torch.cat([(one[name] - other[name]).flatten() for name in one]).square().mean().sqrt().item()


@pytest.fixture
def first_moments_in_fp32(monkeypatch):
    monkeypatch.setattr(lean, "FIRST", torch.float32)


@pytest.mark.parametrize("clip", [1e-3, math.inf])
def test_a_course_of_steps_is_that_of_torch_s_adamw_on_weights_in_fp32(network, clip, seva_inputs):
    flat, halved = FlatNetwork(network), lean_of(network)
    expected = learn(flat, ClippedAdamW(flat.parameters(), lr=0.0, weight_decay=0.01), clip, seva_inputs)
    found = learn(halved, LeanAdamW(halved, [], lr=0.0, weight_decay=0.01), clip, seva_inputs)
    assert found == pytest.approx(expected, rel=0.02)
    assert apart(halved.weights(), flat.weights()) < 0.1 * apart(flat.weights(), dict(network.named_parameters()))


@pytest.mark.usefixtures("first_moments_in_fp32")
@pytest.mark.parametrize("scale", [1e-4, 10.0])
def test_given_the_same_gradients_it_is_torch_s_adamw_to_rounding(scale):
    """A hundred steps, some of them clipped; weights whose gradient is zero decay."""
    g = torch.Generator().manual_seed(0)
    layer = nn.Linear(40, 30)
    halved, beside = lean_of(layer_of(layer)), nn.Parameter(torch.ones(5))
    plain = [nn.Parameter(weight.clone()) for weight in (*halved.weights().values(), beside.detach())]
    ours = LeanAdamW(halved, [beside], lr=1e-3, weight_decay=0.01)
    theirs = ClippedAdamW(plain, lr=1e-3, weight_decay=0.01)
    for _ in range(100):
        gradients = [scale * torch.randn(weight.shape, generator=g) for weight in plain]
        gradients = [gradient.bfloat16().float() for gradient in gradients]
        gradients[2][3:] = 0
        for weight, gradient in zip(plain, gradients, strict=True):
            weight.grad = gradient.clone()
        give(halved, gradients, beside)
        ours.step(0.5)
        theirs.step(0.5)
    assert ours.norm.item() == pytest.approx(theirs.norm.item(), rel=1e-6)
    for found, expected in zip((*halved.weights().values(), beside.detach()), plain, strict=True):
        torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)
    untouched = halved.weights()["0.weight"][3:]
    torch.testing.assert_close(untouched, layer.weight.detach()[3:] * (1 - 1e-5) ** 100, rtol=1e-5, atol=0)


@pytest.mark.usefixtures("first_moments_in_fp32")
def test_a_leaf_that_has_had_a_gradient_goes_on_by_its_moments():
    layer, g = nn.Linear(40, 30), torch.Generator().manual_seed(0)
    halved = lean_of(layer_of(layer))
    plain = [nn.Parameter(weight.clone()) for weight in halved.weights().values()]
    ours, theirs = LeanAdamW(halved, [], lr=1e-3, weight_decay=0.01), ClippedAdamW(plain, lr=1e-3, weight_decay=0.01)
    for step in range(20):
        gradients = [torch.randn(weight.shape, generator=g).bfloat16().float() * (step % 2) for weight in plain]
        for weight, gradient in zip(plain, gradients, strict=True):
            weight.grad = gradient.clone()
        give(halved, gradients)
        if step % 2 == 0:
            halved.leaves[0].grad = None
        ours.step(math.inf)
        theirs.step(math.inf)
    for found, expected in zip(halved.weights().values(), plain, strict=True):
        torch.testing.assert_close(found, expected.detach(), rtol=1e-5, atol=1e-6)


def layer_of(layer: nn.Linear) -> nn.Module:
    """The layer with a norm, so that there are weights of both kinds."""
    return nn.Sequential(layer, nn.LayerNorm(30))


def give(network: LeanNetwork, gradients, beside=None) -> None:
    """Set the gradients: of weight and bias of the layer, of those of the norm, and of what is trained beside it."""
    (leaf,) = network.leaves
    joined = torch.cat([gradient.flatten() for gradient in (gradients[2], gradients[3])])
    leaf.grad = lean.whole_rows(joined).bfloat16()
    network.others.grad = torch.cat(gradients[:2])
    if beside is not None:
        beside.grad = gradients[-1].clone()


def test_that_first_moments_are_kept_in_bf16_matters_little(network, seva_inputs, request):
    exact, rough = lean_of(network), lean_of(network)
    optimiser = LeanAdamW(rough, [], lr=0.0, weight_decay=0.01)
    learn(rough, optimiser, 0.5, seva_inputs)
    assert {halved.first.dtype for halved in optimiser._halved} == {torch.bfloat16}
    request.getfixturevalue("first_moments_in_fp32")
    learn(exact, LeanAdamW(exact, [], lr=0.0, weight_decay=0.01), 0.5, seva_inputs)
    assert 0 < apart(rough.weights(), exact.weights()) < 0.1 * apart(exact.weights(), dict(network.named_parameters()))


def test_a_step_happens_in_place_and_reads_nothing_back(network, seva_inputs):
    halved = lean_of(network)
    optimiser = LeanAdamW(halved, [], lr=1e-3, weight_decay=0.01)
    backward(halved, *seva_inputs())
    lasting = [*halved.parameters(), *halved.lowers, *(t for each in optimiser._halved for t in each[2:]),
               optimiser.lr, optimiser.norm, optimiser._count]  # fmt: skip
    before = [tensor.data_ptr() for tensor in lasting]
    optimiser.step(0.5)
    assert [tensor.data_ptr() for tensor in lasting] == before


def test_a_step_without_a_gradient_is_an_error_of_the_caller(network):
    halved = lean_of(network)
    with pytest.raises(RuntimeError, match="before a backward pass"):
        LeanAdamW(halved, [], lr=1e-3, weight_decay=0.01).step(0.5)


# --- compiled --------------------------------------------------------------------------------------------------------


def pieces() -> list[torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    weights = lean.split_halves(torch.randn(1024, generator=g))
    first, second = torch.randn(1024, generator=g), lean.split_bytes(torch.rand(1024, generator=g))
    return [*weights, first, *second, torch.randn(1024, generator=g).bfloat16()]


PACE = Pace(*(torch.tensor(factor) for factor in (0.5, 1 - 1e-5, 1e-3, 2.0)))


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_it_is_the_same_pass(backend):
    torch._dynamo.reset()
    plain, compiled = pieces(), pieces()
    move_halves(*plain, PACE)
    torch.compile(move_halves, dynamic=False, fullgraph=True, backend=backend)(*compiled, PACE)
    assert all(torch.equal(*pair) for pair in zip(plain, compiled, strict=True))


def test_without_a_gradient_it_is_the_pass_by_a_gradient_of_zero():
    upper, lower, first, second, tail, gradient = pieces()
    faded = upper.clone(), lower.clone()
    for still in (first, second, tail, gradient):
        still.zero_()
    move_halves(upper, lower, first, second, tail, gradient, PACE)
    fade_halves(*faded, PACE)
    assert torch.equal(faded[0], upper)
    assert torch.equal(faded[1], lower)
    assert not any(still.any() for still in (first, second, tail))


def test_a_program_does_for_leaves_of_all_sizes(seva_inputs, network, monkeypatch, programs, made):
    """And one for those without a gradient; also for what small weights share, be it no whole rows by itself."""
    monkeypatch.setattr(compiling, "find_spec", lambda name: object())
    halved, (matrices, _) = LeanNetwork(network, "cpu", large=900), matrices_and_others(network)
    assert sum(weight.numel() for weight in matrices.values() if weight.numel() < 900) % lean.ROW
    optimiser = LeanAdamW(halved, [], 1e-3, 0.01, lambda function: compiled_function(function, programs))
    learn(halved, optimiser, 0.5, seva_inputs, steps=3)
    assert len(made) == 2


def test_the_pass_by_hand():
    """One weight: g = 0.5 * 4 = 2, m = 0.9 * 1 + 0.1 * 2, v = 0.999 * 9 + 0.001 * 4."""
    one = torch.ones(())
    weight, first, second = moved_by(10 * one, one, 9 * one, 4 * one, PACE)
    assert first.item() == pytest.approx(1.1)
    assert second.item() == pytest.approx(8.995)
    assert weight.item() == pytest.approx(10 * (1 - 1e-5) - 1e-3 * 1.1 / (2 * math.sqrt(8.995)))


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # what keeps a graph looks for one
def test_with_its_blocks_compiled_and_computed_twice_it_learns_the_same(network, seva_inputs, programs, made):
    """All of a large network's ways at once; at the second step no program is made anew."""
    plain = lean_of(network)
    stand_in(network)
    fast = lean_of(network)
    optimisers = [LeanAdamW(each, [], lr=1e-3, weight_decay=0.01) for each in (plain, fast)]
    blocks = fast.template.blocks()
    expected = learn(plain, optimisers[0], 0.5, seva_inputs, steps=1)
    with compiled(blocks, programs), recomputed(blocks):
        found = learn(fast, optimisers[1], 0.5, seva_inputs, steps=1)
        after_one = len(made)
        learn(fast, optimisers[1], 0.5, seva_inputs, steps=1)
    assert len(made) == after_one > 0
    assert found == pytest.approx(expected, rel=0.01)
