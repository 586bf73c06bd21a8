"""What tokens pass in SEVA's transformers: attention among them, across frames and to a context; gated feed-forward.

Source: Zhou et al., "Stable Virtual Camera" (arXiv 2503.14489); parameter names are those of its checkpoint 1.1.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mix2mix.frame_attention import attended_in_sums

MAX_ATTENTION_BATCH = 65_535
"""Flash attention puts batch x heads on a CUDA grid axis, which ends here."""

FEW_TOKENS = 9
"""Flash attention pads the T frames at a pixel to a tile of 64; so few are cheaper as sums that a compiler fuses."""


class Attention(nn.Module):
    """Multi-head attention of tokens to a context."""

    def __init__(self, width: int, context_width: int, head_width: int) -> None:
        super().__init__()
        self.heads = width // head_width
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context_width, width, bias=False)
        self.to_v = nn.Linear(context_width, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Map queries [n, s, width] and context [n, L, context_width] to [n, s, width], or [n, 1, width] if L = 1."""
        # A softmax over one token is exactly 1: the query does not matter, and to_q and to_k get no gradient.
        mixed = self.to_v(context) if context.shape[1] == 1 else self._mixed(x, context)
        output: Tensor = self.to_out(mixed)
        return output

    def _mixed(self, x: Tensor, context: Tensor) -> Tensor:
        if torch.compiler.is_compiling() and context is x:
            return mixed_by_one_product(x, self.to_q.weight, self.to_k.weight, self.to_v.weight, self.heads)
        v, q, k = self.to_v(context), self.to_q(x), self.to_k(context)
        return _merged(attend(*(_split(y, self.heads) for y in (q, k, v))))


class GatedLinear(nn.Module):
    """GEGLU: one half of a projection, gated by the GELU of the other."""

    def __init__(self, width: int, out_width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * out_width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [..., width] to [..., out_width]."""
        # Two products, not halves of one: their gradients need not be put side by side.
        value, gate = map(F.linear, (x, x), self.proj.weight.chunk(2), self.proj.bias.chunk(2))
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    """GEGLU four times as wide, and back."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GatedLinear(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Tokens [..., width] to the same shape."""
        output: Tensor = self.net(x)
        return output


class SpatialBlock(nn.Module):
    """Self-attention among the given tokens, cross-attention to the context, feed-forward; each residual."""

    def __init__(self, width: int, context_width: int, head_width: int) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1 = Attention(width, width, head_width)
        self.attn2 = Attention(width, context_width, head_width)
        self.ff = FeedForward(width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Tokens [n, s, width] and context [n, L, context_width] to [n, s, width]."""
        tokens = self.norm1(x)
        x = x + self.attn1(tokens, tokens)
        x = x + _cross_attend(self.attn2, self.norm2, x, context)
        output: Tensor = x + self.ff(self.norm3(x))
        return output


class FrameMixing(nn.Module):
    """Attention across the frames at each pixel; returns an update, to be added to its input by the caller."""

    def __init__(self, width: int, context_width: int, head_width: int) -> None:
        super().__init__()
        self.norm_in, self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(4))
        self.ff_in, self.ff = FeedForward(width), FeedForward(width)
        self.attn1 = Attention(width, width, head_width)
        self.attn2 = Attention(width, context_width, head_width)

    def forward(self, x: Tensor, context: Tensor, num_frames: int) -> Tensor:
        """Tokens [B*T, s, width] and the scene's context [B*T, L, context_width] to an update [B*T, s, width]."""
        x = x + self.ff_in(self.norm_in(x))
        tokens = self.norm1(x).unflatten(0, (-1, num_frames)).transpose(1, 2).flatten(0, 1)  # [B*s, T, width]
        x = x + self.attn1(tokens, tokens).unflatten(0, (-1, x.shape[1])).transpose(1, 2).flatten(0, 1)
        x = x + _cross_attend(self.attn2, self.norm2, x, context)
        output: Tensor = self.ff(self.norm3(x))
        return output


def _cross_attend(attend: Attention, norm: nn.LayerNorm, x: Tensor, context: Tensor) -> Tensor:
    """Cross-attention of normed tokens; to one context token all attend alike, whatever they are."""
    update: Tensor = attend(norm(x) if context.shape[1] > 1 else x, context)
    return update


def mixed_by_one_product(x: Tensor, to_q: Tensor, to_k: Tensor, to_v: Tensor, heads: int) -> Tensor:
    """Self-attention of tokens [n, s, width], compiled: in the gradient, the three are summed at once, not rounded."""
    qkv = F.linear(x, torch.cat([to_q, to_k, to_v])).unflatten(2, (3, heads, -1))
    if x.shape[1] <= FEW_TOKENS:
        return attended_in_sums(qkv).flatten(2)
    q, k, v = qkv.transpose(1, 3).unbind(2)
    return _merged(attend(q, k, v))


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scaled dot-product attention [n, h, s, d], in chunks of the batch where flash attention's grid ends."""
    chunk = MAX_ATTENTION_BATCH // q.shape[1]
    if q.shape[0] <= chunk:
        return F.scaled_dot_product_attention(q, k, v)
    parts = (slice(start, start + chunk) for start in range(0, q.shape[0], chunk))
    return torch.cat([F.scaled_dot_product_attention(q[part], k[part], v[part]) for part in parts])


def _split(tokens: Tensor, heads: int) -> Tensor:
    """[n, s, width] -> [n, heads, s, width / heads]."""
    split: Tensor = tokens.unflatten(2, (heads, -1))
    return split.transpose(1, 2)


def _merged(tokens: Tensor) -> Tensor:
    """[n, heads, s, d] -> [n, s, heads x d]."""
    return tokens.transpose(1, 2).flatten(2)
