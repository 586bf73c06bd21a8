"""Group norms and convolutions that a compiler does channels last compute what torch's own do."""

import copy

import pytest
import torch
from torch import nn

from mix2mix.channels import Convolution, GroupNorm, group_norm, stand_in
from mix2mix.seva import Upsample

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the compiler looks for one


@pytest.fixture(autouse=True)
def nothing_compiled():
    torch._dynamo.reset()
    torch.manual_seed(0)


def features(width: int = 64, side: int = 6) -> torch.Tensor:
    """Far from zero in every channel, as a norm's sums of squares do not like it."""
    x = torch.randn(3, width, side, side) + 50 * torch.randn(1, width, 1, 1)
    return x.to(memory_format=torch.channels_last).requires_grad_()


def results(network: nn.Module, x: torch.Tensor, compiled: bool) -> list[torch.Tensor]:
    """The output, and the gradients of its weighted sum by all weights and by the input."""
    run = torch.compile(network, backend="aot_eager", fullgraph=True) if compiled else network
    y = run(x)
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    return [y, *torch.autograd.grad((y * weights).sum(), [*network.parameters(), x])]


LAYERS = {
    "group norm": lambda: nn.GroupNorm(32, 64),
    "group norm of another eps": lambda: nn.GroupNorm(16, 64, eps=1e-2),
    "3 x 3": lambda: nn.Conv2d(64, 24, 3, padding=1),
    "3 x 3, strided": lambda: nn.Conv2d(64, 24, 3, stride=2, padding=1),
    "3 x 3 without a bias": lambda: nn.Conv2d(64, 24, 3, padding=1, bias=False),
    "1 x 1": lambda: nn.Conv2d(64, 24, 1),
    "1 x 1, strided": lambda: nn.Conv2d(64, 24, 1, stride=2),
    "1 x 1 without a bias": lambda: nn.Conv2d(64, 24, 1, bias=False),
    "1 x 1, padded": lambda: nn.Conv2d(64, 24, 1, padding=1),
    "1 x 1, by groups": lambda: nn.Conv2d(64, 24, 1, groups=2),
    "group norm without weights": lambda: nn.GroupNorm(32, 64, affine=False),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_compiled_it_is_torch_s_own(layer):
    network, x = nn.Sequential(layer()), features()
    for weight in network.parameters():
        nn.init.normal_(weight)
    expected = results(network, x, compiled=False)
    stand_in(network)
    assert isinstance(network[0], GroupNorm | Convolution)
    for found, own in zip(results(network, x, compiled=True), expected, strict=True):
        torch.testing.assert_close(found, own, rtol=1e-4, atol=1e-4 * own.detach().abs().max().item())


@pytest.mark.parametrize("compiled", [False, True], ids=["as written", "compiled"])
@pytest.mark.parametrize("power", [-20, 0, 44, 50])
def test_features_are_normed_however_large_or_small(power, compiled):
    """As in fp64. A third power of the scale leaves fp32 from 2^44 on; of very small features eps alone is left."""
    network, x = nn.Sequential(nn.GroupNorm(32, 64, eps=1e-6)), features()
    x = (x.detach() * 2.0**power).requires_grad_()
    expected = results(copy.deepcopy(network).double(), x.detach().double().requires_grad_(), compiled=False)
    stand_in(network)
    for found, own in zip(results(network, x, compiled), expected, strict=True):
        torch.testing.assert_close(found.double(), own, rtol=1e-4, atol=1e-4 * own.detach().abs().max().item())


def test_a_norm_s_gradient_is_rounded_once():
    """That of bf16 features is that of the same in fp32, rounded."""
    x, weight, bias = features().detach().bfloat16(), torch.randn(64), torch.randn(64)
    told = torch.randn(x.shape).bfloat16()

    def gradient(x: torch.Tensor) -> torch.Tensor:
        y = group_norm(x.requires_grad_(), weight, bias, 32, 1e-6)
        return torch.autograd.grad(y, x, told.to(y.dtype))[0]

    assert torch.equal(gradient(x.clone()), gradient(x.float()).bfloat16())


@pytest.mark.parametrize("width", [6, 7, 8, 9])
def test_a_pixel_of_any_width(width):
    """Six are the Pluecker map's: with a one for the bias and a zero they are eight."""
    network, x = nn.Sequential(nn.Conv2d(width, 10, 1)), torch.randn(3, width, 5, 5, requires_grad=True)
    expected = results(network, x, compiled=False)
    stand_in(network)
    for found, own in zip(results(network, x, compiled=True), expected, strict=True):
        torch.testing.assert_close(found, own, rtol=1e-5, atol=1e-5)


def test_uncompiled_nothing_is_changed():
    network, x = nn.Sequential(nn.GroupNorm(32, 64), nn.Conv2d(64, 24, 1)), features()
    expected = results(network.to(memory_format=torch.channels_last), x, compiled=False)
    stand_in(network)
    assert all(map(torch.equal, results(network, x, compiled=False), expected))


def test_a_norm_keeps_the_precision_that_torch_s_has():
    """Of the features' own; under autocast fp32, as what follows it is told by torch."""
    norm = nn.Sequential(nn.GroupNorm(32, 64))
    stand_in(norm)
    run = torch.compile(norm, backend="aot_eager")
    with torch.autocast("cpu", torch.bfloat16):
        assert run(features().bfloat16()).dtype == torch.float32
    assert run.bfloat16()(features().bfloat16()).dtype == torch.bfloat16


def test_features_stay_as_they_lie():
    """No gradient is turned from one layout to the other."""
    for layer in (nn.GroupNorm(32, 64), nn.Conv2d(64, 64, 1)):
        network = nn.Sequential(layer)
        stand_in(network)
        y = torch.compile(network, backend="aot_eager")(features())
        assert y.is_contiguous(memory_format=torch.channels_last)


def test_pixels_are_doubled_as_by_interpolation():
    upsample, x = Upsample(64), features()
    expected = results(upsample, x, compiled=False)
    for found, own in zip(results(upsample, x, compiled=True), expected, strict=True):
        torch.testing.assert_close(found, own, rtol=1e-5, atol=1e-5 * own.detach().abs().max().item())
