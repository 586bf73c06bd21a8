"""Compiled for a GPU, the blocks of SEVA 1.1 have the gradients of the plain ones, weight by weight."""

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from mix2mix.attention import reliable_kernels
from mix2mix.channels import stand_in
from mix2mix.compiling import compiled, recomputed
from mix2mix.seva import Conditioned, MultiviewTransformer, ResBlock, SevaConfig, Signals, Upsample

CONFIG = SevaConfig()

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),  # on importing torch's own compiler
]


def signals(frames: int, side: int) -> Signals:
    time, context = torch.randn(frames, 4 * CONFIG.model_channels), torch.randn(frames, 1, CONFIG.context_dim)
    pluecker = torch.randn(frames, CONFIG.dense_in_channels, side, side)
    return Signals(time.cuda(), context.cuda(), {(side, side): pluecker.cuda()}, frames)


def gradients(block: nn.Module, x: Tensor, told: Signals, autocast: bool = True) -> dict[str, Tensor]:
    """Of the sum of the output's squares by every weight that it depends on, and by the input."""
    with torch.autocast("cuda", torch.bfloat16, enabled=autocast):
        loss = (block(x, told) if isinstance(block, Conditioned) else block(x)).float().square().mean()
    named = {**dict(block.named_parameters()), "input": x}
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return {name: gradient for name, gradient in zip(named, found, strict=True) if gradient is not None}


def errors(found: dict[str, Tensor], truth: dict[str, Tensor]) -> dict[str, float]:
    pairs = {name: (found[name].double(), true.double()) for name, true in truth.items()}
    return {name: ((one - other).norm() / other.norm()).item() for name, (one, other) in pairs.items()}


@pytest.fixture(params=[False, True], ids=["", "computed twice"])
def twice(request):
    return recomputed if request.param else lambda blocks: nullcontext()


@pytest.mark.parametrize("frames", [5, 9])
@pytest.mark.parametrize(("width", "side", "name"), [(640, 36, "output_ds4"), (1280, 18, "input_ds4"), (1280, 9, "")])
def test_of_a_transformer(width, side, name, frames, twice):
    torch.manual_seed(0)
    check(MultiviewTransformer(width, 1, name, CONFIG), torch.randn(frames, width, side, side), twice)


@pytest.mark.parametrize("frames", [5, 9])
@pytest.mark.parametrize(("width", "out_width", "side"), [(640, 320, 72), (2560, 1280, 9)])
def test_of_a_residual_block(width, out_width, side, frames, twice):
    torch.manual_seed(0)
    check(ResBlock(width, out_width, CONFIG), torch.randn(frames, width, side, side), twice)


@pytest.mark.parametrize("frames", [5, 9])
def test_of_what_lies_between(frames, twice):
    torch.manual_seed(0)
    check(Upsample(1280), torch.randn(frames, 1280, 9, 9), twice)
    check(last(), torch.randn(frames, 320, 36, 36), twice)


def test_of_large_features(twice):
    torch.manual_seed(0)
    check(last(), 2.0**50 * torch.randn(5, 320, 36, 36), twice)


def last() -> nn.Module:
    return nn.Sequential(nn.GroupNorm(32, 320), nn.SiLU(), nn.Conv2d(320, 4, 3, padding=1))


def check(block: nn.Module, x: Tensor, twice) -> None:
    """Rounded to bf16 both ways, compiled gradients are as near to those in fp32 as plain ones."""
    block, x = block.cuda(), x.cuda().to(memory_format=torch.channels_last).requires_grad_()
    stand_in(block)
    told = signals(x.shape[0], x.shape[-1])
    truth = gradients(block, x, told, autocast=False)
    with reliable_kernels():
        plain = errors(gradients(block, x, told), truth)
        with compiled([block]), twice([block]):
            found = errors(gradients(block, x, told), truth)
    assert all(found[name] < 1.5 * plain[name] + 1e-3 for name in truth), (found, plain)
