"""Attention among the few frames at a pixel, as sums that a compiler makes one kernel of, and two of its gradient.

Flash attention pads so few tokens to a tile of 64. And the sums' own derivatives are written out and read again five
times over; so the gradient is stated here, in the order of FlashAttention-2 (Dao, arXiv 2307.08691, Algorithm 2): with
the log of each softmax's denominator kept, those of queries and those of keys are two passes over the same rows.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any, cast

import torch
from torch import Tensor


def attended_in_sums(qkv: Tensor) -> Tensor:
    """Self-attention of queries, keys and values [n, T, 3, heads, d] to [n, T, heads, d], summed in fp32."""
    # torch 2.11 compiles a Function that ends in a conversion to the same type with wrong gradients.
    return cast(Tensor, _Attention.apply(qkv)).to(qkv.dtype)


class _Attention(torch.autograd.Function):
    """Each sum leaves a dimension of one in place of d, so that all run over the same rows."""

    @staticmethod
    def forward(ctx: Any, qkv: Tensor) -> Tensor:
        ctx.save_for_backward(qkv)
        q, k, v = qkv.unbind(2)
        weights, _ = _softmax(q, k)
        return _total(weight * value for weight, value in zip(weights, _each(v), strict=True))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (qkv,) = ctx.saved_tensors
        q, k, v = qkv.unbind(2)
        weights, log_sum = _softmax(q, k)
        by_weight = [_dot(gradient, value) for value in _each(v)]
        mean = _total(weight * slope for weight, slope in zip(weights, by_weight, strict=True))
        by_score = [weight * (slope - mean) for weight, slope in zip(weights, by_weight, strict=True)]
        by_q = _total(slope * key for slope, key in zip(by_score, _each(k), strict=True))
        by_k, by_v = _gradient_of_keys(qkv, gradient, log_sum, mean)
        return torch.stack([each.to(qkv.dtype) for each in (by_q * _scale(q), by_k * _scale(q), by_v)], 2)


def _gradient_of_keys(qkv: Tensor, gradient: Tensor, log_sum: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Of keys and of values [n, T, heads, d]; the former lack the scale of the scores."""
    q, k, v = qkv.unbind(2)
    by_k, by_v = [], []
    for query, slope, log_of_query, mean_of_query in zip(*map(_each, (q, gradient, log_sum, mean)), strict=True):
        weight = (_dot(query, k) * _scale(q) - log_of_query).exp()
        by_k.append(weight * (_dot(slope, v) - mean_of_query) * query)
        by_v.append(weight * slope)
    return _total(by_k), _total(by_v)


def _softmax(q: Tensor, k: Tensor) -> tuple[list[Tensor], Tensor]:
    """Each key's weights [n, T, heads, 1] to all queries, and the log of the sum of exponentials."""
    scores = [_dot(q, key) * _scale(q) for key in _each(k)]
    highest = reduce(torch.maximum, scores)
    log_sum = highest + _total((score - highest).exp() for score in scores).log()
    return [(score - log_sum).exp() for score in scores], log_sum


def _scale(q: Tensor) -> float:
    return float(q.shape[-1] ** -0.5)


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """[..., d] and [..., d] to [..., 1]."""
    return (a.float() * b.float()).sum(-1, keepdim=True)


def _each(tokens: Tensor) -> tuple[Tensor, ...]:
    """[n, T, ...] to T of [n, 1, ...]."""
    return cast(tuple[Tensor, ...], tokens.split(1, 1))


def _total(parts: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, parts)
