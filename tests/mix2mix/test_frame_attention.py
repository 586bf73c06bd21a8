"""Attention as sums is the textbook's, and so is the gradient that is stated for it."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from mix2mix.frame_attention import attended_in_sums


def reference(qkv: Tensor) -> Tensor:
    """torch's own, in fp64."""
    q, k, v = qkv.double().transpose(1, 3).unbind(2)
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def with_gradient(function, qkv: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    output = function(qkv)
    return output.detach(), torch.autograd.grad((output * weights).sum(), qkv)[0]


def assert_same(qkv: Tensor, function=attended_in_sums) -> None:
    qkv.requires_grad_()
    weights = torch.randn(qkv[:, :, 0].shape)
    for ours, wanted in zip(
        with_gradient(function, qkv, weights), with_gradient(reference, qkv, weights.double()), strict=True
    ):
        torch.testing.assert_close(ours, wanted.to(ours.dtype), rtol=1e-4, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 16), st.integers(0, 99))
def test_it_is_the_textbook_s_with_its_gradient(tokens, heads, width, seed):
    torch.manual_seed(seed)
    assert_same(torch.randn(3, tokens, 3, heads, width))


def test_two_tokens_by_hand():
    """A query of 0 weighs both values equally; one of 1, with keys 0 and ln 3, by 1/4 and 3/4."""
    q, k, v = (torch.tensor(pair).view(1, 2, 1, 1, 1) for pair in ([0.0, 1.0], [0.0, math.log(3)], [1.0, 5.0]))
    found = attended_in_sums(torch.cat([q, k, v], 2))
    torch.testing.assert_close(found.flatten(), torch.tensor([3.0, 4.0]))


def test_large_scores_stay_finite():
    qkv = torch.randn(2, 5, 3, 2, 8) * torch.tensor([300.0, 300.0, 1.0]).view(3, 1, 1)
    found = with_gradient(attended_in_sums, qkv.requires_grad_(), torch.ones(2, 5, 2, 8))
    assert all(each.isfinite().all() for each in found)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_rounded_once(dtype):
    torch.manual_seed(0)
    qkv = torch.randn(4, 5, 3, 2, 16).to(dtype)
    found = attended_in_sums(qkv)
    assert found.dtype == dtype
    torch.testing.assert_close(found, reference(qkv).to(dtype), rtol=torch.finfo(dtype).eps, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # the compiler looks for one
def test_compiled_it_is_the_same():
    torch.manual_seed(0)
    torch._dynamo.reset()
    compiled = torch.compile(attended_in_sums, backend="aot_eager", fullgraph=True, dynamic=False)
    assert_same(torch.randn(3, 5, 3, 2, 8), compiled)
