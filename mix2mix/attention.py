"""Cross-view attention: all views of the teacher look at one view (random per update, RCVA; or fixed, Text2Video-Zero).

In every self-attention of the U-Net the queries of all views attend to the keys and values of view kappa alone, in
each of the three guidance branches; in the dearer extended attention, to those of all views (paper, Figure 6).
Cross-attention to the text stays what it is, but the text's keys and values are computed once an edit. The processors
stand in for diffusers' own.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

RELIABLE = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""All kinds of kernels but cuDNN's. torch prefers those on Hopper GPUs, but there their backward pass may leave NaN in
finite gradients (pytorch issue 196678, cudnn-frontend issue 1072)."""

ALL = [SDPBackend.CUDNN_ATTENTION, *RELIABLE]

SELF, CROSS = "attn1", "attn2"
"""What diffusers calls a transformer block's attention to its own tokens, and to the text."""


@dataclass(frozen=True)
class CrossViewState:
    """What all attention layers share; kappa is changed in place, also between replays of a captured graph."""

    views: int
    kappa: Tensor
    """The view that is looked at: [] int64, 0 .. views - 1, on the network's device."""


class HasUnet(Protocol):
    """An editor whose U-Net's attention can be replaced."""

    @property
    def unet(self) -> nn.Module:
        """A diffusers U-Net."""


class Attention(Protocol):
    """What is used of diffusers' attention layer."""

    heads: int
    to_q: nn.Module
    to_k: nn.Module
    to_v: nn.Module
    to_out: nn.ModuleList
    processor: object

    def set_processor(self, processor: object) -> None:
        """Replace how the layer computes."""


class CrossViewProcessor:
    """Self-attention in which every view's queries attend to view kappa's keys and values (paper, method section)."""

    def __init__(self, state: CrossViewState) -> None:
        self.state = state

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Mix tokens [branches x N, L, C]; diffusers hands no context and no mask to a self-attention."""
        views = hidden_states.unflatten(0, (-1, self.state.views))
        # Selected by a tensor: kappa never has to come to the host, and a captured graph reads its latest value.
        looked_at = views.index_select(1, self.state.kappa.reshape(1)).squeeze(1)
        # One view's keys serve all: the views' queries line up as one long sequence, and nothing is copied.
        return attend(attn, views.flatten(1, 2), looked_at).reshape(hidden_states.shape)


class ExtendedProcessor:
    """Self-attention in which every view's queries attend to the keys and values of all views (paper, Figure 6)."""

    def __init__(self, views: int) -> None:
        self.views = views

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Mix tokens [branches x N, L, C] within each guidance branch."""
        return attend_together(attn, hidden_states, self.views)


class SteadyProcessor:
    """Cross-attention to a context that does not change, by its keys and values [B, heads, M, C / heads]."""

    def __init__(self, key: Tensor, value: Tensor) -> None:
        self.key, self.value = key, value

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        """Mix tokens [B, L, C]; the context that is handed over is known, and has no mask."""
        return _mixed(attn, _split_heads(attn.to_q(hidden_states), attn.heads), self.key, self.value)


def cross_view_attention(editor: HasUnet, state: CrossViewState) -> AbstractContextManager[None]:
    """Within the block, every self-attention of the editor looks at view `state.kappa`; afterwards it is as before."""
    return self_attention_by(editor, CrossViewProcessor(state))


def extended_attention(editor: HasUnet, views: int) -> AbstractContextManager[None]:
    """Within the block, every self-attention of the editor looks at all views; afterwards it is as before."""
    return self_attention_by(editor, ExtendedProcessor(views))


def self_attention_by(editor: HasUnet, processor: object) -> AbstractContextManager[None]:
    """Within the block, a processor of one's own computes every self-attention of the editor; then all is as before."""
    return _computed_by([(layer, processor) for layer in _layers(editor, SELF)])


@torch.no_grad()
def steady_context(editor: HasUnet, context: Tensor) -> AbstractContextManager[None]:
    """Within the block, every cross-attention of the editor is to this context [B, M, C]; then all is as before."""
    layers, context = _layers(editor, CROSS), context.to(next(editor.unet.parameters()).dtype)
    projected = [
        [_split_heads(project(context), layer.heads) for project in (layer.to_k, layer.to_v)] for layer in layers
    ]
    return _computed_by([(layer, SteadyProcessor(*both)) for layer, both in zip(layers, projected, strict=True)])


@contextmanager
def _computed_by(processors: Sequence[tuple[Attention, object]]) -> Iterator[None]:
    """Within the block, layers compute by these processors; afterwards as before."""
    before = [(layer, layer.processor) for layer, _ in processors]
    for layer, processor in processors:
        layer.set_processor(processor)
    try:
        yield
    finally:
        for layer, own in before:
            layer.set_processor(own)


def _layers(editor: HasUnet, name: str) -> list[Attention]:
    return [cast(Attention, layer) for path, layer in editor.unet.named_modules() if path.endswith(name)]


def reliable_kernels() -> AbstractContextManager[None]:
    """Within the block, attention is computed by kernels whose gradients can be relied on."""
    return sdpa_kernel(RELIABLE)


def fastest_kernels() -> AbstractContextManager[None]:
    """Within the block, attention is computed by the kernels that torch prefers: for what needs no gradients."""
    return sdpa_kernel(ALL)


def attend(attn: Attention, tokens: Tensor, looked_at: Tensor) -> Tensor:
    """Attention of tokens [B, L, C] to the keys and values of others [B, M, C]: [B, L, C]."""
    query = _split_heads(attn.to_q(tokens), attn.heads)
    key, value = (_split_heads(project(looked_at), attn.heads) for project in (attn.to_k, attn.to_v))
    return _mixed(attn, query, key, value)


def attend_together(attn: Attention, tokens: Tensor, views: int) -> Tensor:
    """Attention of tokens [branches x N, L, C] to those of all N views of their own guidance branch, to that shape."""
    together = tokens.unflatten(0, (-1, views)).flatten(1, 2)
    return attend(attn, together, together).reshape(tokens.shape)


def _mixed(attn: Attention, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """What queries [B, heads, L, C / heads] take from the values, as tokens [B, L, C] of the layer's output."""
    mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    for layer in attn.to_out:
        mixed = layer(mixed)
    return mixed


def _split_heads(tokens: Tensor, heads: int) -> Tensor:
    """[B, L, C] -> [B, heads, L, C / heads]."""
    return tokens.view(*tokens.shape[:2], heads, -1).transpose(1, 2)
