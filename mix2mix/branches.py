"""The teacher's three guidance branches as one batch: (text, image, null) x N views, and what need not be repeated.

The text and the image branch see the same images, and part where the network first looks at the text. What lies before
is computed once for both.
"""

from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from mix2mix.attention import HasUnet
from mix2mix.compiling import computing_by

BRANCHES = 3
"""Guidance branches of a batch: (text, image, null) x N views, views innermost."""


class Forward(Protocol):
    """A layer's forward pass."""

    def __call__(self, x: Tensor, *others: Any, **named: Any) -> Tensor:
        """From features of all samples to features."""


def in_branches(text_embeds: Tensor, views: int) -> Tensor:
    """What each sample is told, [3 N, L, C], of features of a text and of the empty one [2, L, C]."""
    text, null = text_embeds[:1].expand(views, -1, -1), text_embeds[1:].expand(2 * views, -1, -1)
    return torch.cat([text, null])


def shared_beginning(editor: HasUnet) -> AbstractContextManager[None]:
    """Within the block, the editor computes its first layers once for the text and the image branch."""
    return computing_by({layer: partial(_once, layer.forward) for layer in _beginning(editor.unet)})


def _beginning(unet: Any) -> list[nn.Module]:
    """What computes before the first look at the text, save what takes no time."""
    first = unet.down_blocks[0]
    return [first.resnets[0], first.attentions[0].transformer_blocks[0].attn1]


def _once(forward: Forward, x: Tensor, *others: Any, **named: Any) -> Tensor:
    """A layer's features of the image and the null branch [2 N, ...], and the former again for the text branch."""
    views = len(x) // BRANCHES
    y = forward(x[views:], *(other[views:] if isinstance(other, Tensor) else other for other in others), **named)
    return torch.cat([y[:views], y])
