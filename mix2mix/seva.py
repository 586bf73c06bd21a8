"""SEVA: the multi-view diffusion U-Net that is personalised to an edit.

Source: Zhou et al., "Stable Virtual Camera" (arXiv 2503.14489); parameter names are those of its checkpoint 1.1, which
loads strictly. A U-Net of residual blocks, each modulated by the Pluecker map, and of multi-view transformers: tokens
attend within a frame (or, in the layers that the configuration names, over all frames of a scene), then across frames
at one pixel. Frames are folded into the batch, scene by scene: B*T.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mix2mix.errors import InputError

GROUPS = 32
"""Groups of every GroupNorm: channel counts are multiples of it."""

MAX_ATTENTION_BATCH = 65_535
"""Flash attention puts batch x heads on a CUDA grid axis, which ends here."""


FEW_TOKENS = 9
"""Flash attention pads the T frames at a pixel to a tile of 64; so few are cheaper as sums that a compiler fuses."""


@dataclass(frozen=True)
class SevaConfig:
    """Size of the network, under the published names; the defaults are SEVA 1.1."""

    in_channels: int = 11
    """Latent 4, input-frame mask 1, Pluecker map 6."""
    model_channels: int = 320
    out_channels: int = 4
    num_frames: int = 21
    """Frames that the weights were trained on; a forward pass states its own number."""
    num_res_blocks: int = 2
    attention_resolutions: Sequence[int] = (4, 2, 1)
    """Downsampling factors at which the encoder and decoder hold transformers (the middle block always does)."""
    channel_mult: Sequence[int] = (1, 2, 4, 4)
    num_head_channels: int = 64
    transformer_depth: Sequence[int] = (1, 1, 1, 1)
    context_dim: int = 1024
    dense_in_channels: int = 6
    unflatten_names: Sequence[str] = ("middle_ds8", "output_ds4", "output_ds2")
    """Transformers whose self-attention spans all frames: input_ds1, middle_ds8, output_ds2, ..."""

    def __post_init__(self) -> None:
        for name in ("attention_resolutions", "channel_mult", "transformer_depth", "unflatten_names"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON brings lists; a frozen config must hash
        self._check()

    def _check(self) -> None:
        if self.model_channels % math.lcm(GROUPS, self.num_head_channels):
            raise InputError(
                "SevaConfig.model_channels",
                got=self.model_channels,
                expected=f"a multiple of {GROUPS} and of num_head_channels = {self.num_head_channels}",
                fix="Choose a width that groups and heads divide.",
            )
        if len(self.transformer_depth) != len(self.channel_mult):
            raise InputError(
                "SevaConfig.transformer_depth",
                got=self.transformer_depth,
                expected=f"one depth per level of channel_mult = {self.channel_mult}",
                fix="Give both the same length.",
            )


class Signals(NamedTuple):
    """What conditions every block of one forward pass."""

    time: Tensor
    """Time embedding [B*T, 4 * model_channels]."""
    context: Tensor
    """Cross-attention tokens [B*T, L, context_dim]."""
    pluecker: dict[tuple[int, int], Tensor]
    """The Pluecker map at each feature size (h, w): [B*T, 6, h, w]."""
    num_frames: int


class Conditioned(nn.Module):
    """A block that reads the signals besides the features."""

    def forward(self, x: Tensor, signals: Signals) -> Tensor:
        """Features [B*T, C, h, w] to features."""
        raise NotImplementedError


class ResBlock(Conditioned):
    """Residual block: scale and shift by the Pluecker map, then the time embedding added between two convolutions."""

    def __init__(self, width: int, out_width: int, config: SevaConfig) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, out_width, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(4 * config.model_channels, out_width))
        self.dense_emb_layers = nn.Sequential(nn.Conv2d(config.dense_in_channels, 2 * width, 1))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(GROUPS, out_width),
            nn.SiLU(),
            nn.Identity(),  # the published block keeps a dropout of zero here: the next layer's name counts it
            nn.Conv2d(out_width, out_width, 3, padding=1),
        )
        self.skip_connection = nn.Identity() if width == out_width else nn.Conv2d(width, out_width, 1)

    def forward(self, x: Tensor, signals: Signals) -> Tensor:
        """Features [B*T, width, h, w] to [B*T, out_width, h, w]."""
        norm, activation, conv = self.in_layers
        scale, shift = self.dense_emb_layers(signals.pluecker[_size(x)]).chunk(2, dim=1)
        h = conv(activation(norm(x)) * (1 + scale) + shift)
        h = h + self.emb_layers(signals.time)[:, :, None, None]
        output: Tensor = self.skip_connection(x) + self.out_layers(h)
        return output


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
        mixed = self.to_v(context)
        # A softmax over one token is exactly 1: the query does not matter, and to_q and to_k get no gradient.
        if context.shape[1] > 1:
            projections = (self.to_q(x), self.to_k(context), mixed)
            q, k, v = (y.unflatten(2, (self.heads, -1)).transpose(1, 2) for y in projections)
            mixed = _attend(q, k, v).transpose(1, 2).flatten(2)
        output: Tensor = self.to_out(mixed)
        return output


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

    def __init__(self, width: int, config: SevaConfig) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))
        self.attn1 = Attention(width, width, config.num_head_channels)
        self.attn2 = Attention(width, config.context_dim, config.num_head_channels)
        self.ff = FeedForward(width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Tokens [n, s, width] and context [n, L, context_dim] to [n, s, width]."""
        tokens = self.norm1(x)
        x = x + self.attn1(tokens, tokens)
        x = x + _cross_attend(self.attn2, self.norm2, x, context)
        output: Tensor = x + self.ff(self.norm3(x))
        return output


class FrameMixing(nn.Module):
    """Attention across the frames at each pixel; returns an update, to be added to its input by the caller."""

    def __init__(self, width: int, config: SevaConfig) -> None:
        super().__init__()
        self.norm_in, self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(4))
        self.ff_in, self.ff = FeedForward(width), FeedForward(width)
        self.attn1 = Attention(width, width, config.num_head_channels)
        self.attn2 = Attention(width, config.context_dim, config.num_head_channels)

    def forward(self, x: Tensor, context: Tensor, num_frames: int) -> Tensor:
        """Tokens [B*T, s, width] and the scene's context [B*T, L, context_dim] to an update [B*T, s, width]."""
        pixels = x.shape[1]
        x = x + self.ff_in(self.norm_in(x))
        tokens = self.norm1(x).unflatten(0, (-1, num_frames)).transpose(1, 2).flatten(0, 1)  # [B*s, T, width]
        x = x + self.attn1(tokens, tokens).unflatten(0, (-1, pixels)).transpose(1, 2).flatten(0, 1)
        x = x + _cross_attend(self.attn2, self.norm2, x, context)
        output: Tensor = self.ff(self.norm3(x))
        return output


class MultiviewTransformer(Conditioned):
    """Spatial and frame-mixing blocks in turn, between two projections, residual as a whole."""

    def __init__(self, width: int, depth: int, name: str, config: SevaConfig) -> None:
        super().__init__()
        self.joint = name in config.unflatten_names
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList(SpatialBlock(width, config) for _ in range(depth))
        self.time_mix_blocks = nn.ModuleList(FrameMixing(width, config) for _ in range(depth))
        self.proj_out = nn.Linear(width, width)

    def forward(self, x: Tensor, signals: Signals) -> Tensor:
        """Features [B*T, width, h, w] to the same shape."""
        frames, scene_context = signals.num_frames, _first_frames(signals.context, signals.num_frames)
        tokens = self.proj_in(self.norm(x).flatten(2).transpose(1, 2))  # [B*T, h*w, width]
        for spatial, mixing in zip(self.transformer_blocks, self.time_mix_blocks, strict=True):
            if self.joint:
                scene = tokens.unflatten(0, (-1, frames)).flatten(1, 2)  # [B, T*h*w, width]
                tokens = spatial(scene, signals.context[::frames]).unflatten(1, (frames, -1)).flatten(0, 1)
            else:
                tokens = spatial(tokens, signals.context)
            tokens = tokens + mixing(tokens, scene_context, frames)
        update: Tensor = self.proj_out(tokens).transpose(1, 2).unflatten(2, _size(x))
        return x + update


class Downsample(nn.Module):
    """Half the resolution by a strided convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Features [n, width, h, w] to [n, width, h/2, w/2]."""
        output: Tensor = self.op(x)
        return output


class Upsample(nn.Module):
    """Twice the resolution: nearest neighbour, then a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Features [n, width, h, w] to [n, width, 2h, 2w]."""
        output: Tensor = self.conv(F.interpolate(x, scale_factor=2, mode="nearest"))
        return output


class Seva(nn.Module):
    """The multi-view U-Net: predicts the noise (or v) of all frames of each scene together."""

    def __init__(self, config: SevaConfig) -> None:
        super().__init__()
        self.config = config
        width = config.model_channels
        self.time_embed = nn.Sequential(nn.Linear(width, 4 * width), nn.SiLU(), nn.Linear(4 * width, 4 * width))
        self.input_blocks, skips = _encoder(config)
        self.middle_block = _middle(config, skips[-1])
        self.output_blocks = _decoder(config, skips)
        self.out = nn.Sequential(
            nn.GroupNorm(GROUPS, width), nn.SiLU(), nn.Conv2d(width, config.out_channels, 3, padding=1)
        )

    def forward(self, latents: Tensor, timesteps: Tensor, context: Tensor, pluecker: Tensor, num_frames: int) -> Tensor:
        """Predict from noisy latents; scenes do not see each other.

        Args:
            latents: [B*T, in_channels, h, w], scaled latents, input-frame mask and Pluecker map. h and w must halve
                evenly at every level.
            timesteps: [B*T], index of the noise level.
            context: [B*T, L, context_dim], CLIP image embedding of the input view.
            pluecker: [B*T, dense_in_channels, h, w].
            num_frames: T.

        Returns:
            [B*T, out_channels, h, w].

        """
        sinusoid = timestep_embedding(timesteps, self.config.model_channels).to(latents.dtype)
        pyramid = _pyramid(pluecker, levels=len(self.config.channel_mult))
        signals = Signals(self.time_embed(sinusoid), context, pyramid, num_frames)
        h, skips = latents, []
        for block in self.input_blocks:
            h = _run(block, h, signals)
            skips.append(h)
        h = _run(self.middle_block, h, signals)
        for block in self.output_blocks:
            h = _run(block, torch.cat([h, skips.pop()], dim=1), signals)
        output: Tensor = self.out(h)
        return output


def timestep_embedding(timesteps: Tensor, width: int) -> Tensor:
    """Sinusoids of the timestep, cosines first: [n] to [n, width] fp32, made on the timesteps' device."""
    half = width // 2
    index = torch.arange(half, dtype=torch.float32, device=timesteps.device)
    angles = timesteps.float()[:, None] * torch.exp(index * (-math.log(10_000) / half))
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def _encoder(config: SevaConfig) -> tuple[nn.ModuleList, list[int]]:
    """Build the input blocks, and the width that each leaves for the decoder."""
    width = config.model_channels
    blocks, skips = [nn.ModuleList([nn.Conv2d(config.in_channels, width, 3, padding=1)])], [width]
    for level, multiple in enumerate(config.channel_mult):
        for _ in range(config.num_res_blocks):
            block = nn.ModuleList([ResBlock(width, multiple * config.model_channels, config)])
            width = multiple * config.model_channels
            blocks.append(block.extend(_transformer(config, "input", level)))
            skips.append(width)
        if level + 1 < len(config.channel_mult):
            blocks.append(nn.ModuleList([Downsample(width)]))
            skips.append(width)
    return nn.ModuleList(blocks), skips


def _middle(config: SevaConfig, width: int) -> nn.ModuleList:
    name = f"middle_ds{2 ** (len(config.channel_mult) - 1)}"
    transformer = MultiviewTransformer(width, config.transformer_depth[-1], name, config)
    return nn.ModuleList([ResBlock(width, width, config), transformer, ResBlock(width, width, config)])


def _decoder(config: SevaConfig, skips: Sequence[int]) -> nn.ModuleList:
    """Build the output blocks, which take the encoder's features back in reverse order."""
    blocks, width, pending = [], skips[-1], list(skips)
    for level, multiple in reversed(list(enumerate(config.channel_mult))):
        for index in range(config.num_res_blocks + 1):
            block = nn.ModuleList([ResBlock(width + pending.pop(), multiple * config.model_channels, config)])
            width = multiple * config.model_channels
            block.extend(_transformer(config, "output", level))
            if level > 0 and index == config.num_res_blocks:
                block.append(Upsample(width))
            blocks.append(block)
    return nn.ModuleList(blocks)


def _transformer(config: SevaConfig, side: str, level: int) -> list[nn.Module]:
    """Build the transformer of one encoder or decoder level, or none where its resolution has none."""
    if 2**level not in config.attention_resolutions:
        return []
    width = config.channel_mult[level] * config.model_channels
    return [MultiviewTransformer(width, config.transformer_depth[level], f"{side}_ds{2**level}", config)]


def _run(block: nn.Module, x: Tensor, signals: Signals) -> Tensor:
    for layer in block.children():
        x = layer(x, signals) if isinstance(layer, Conditioned) else layer(x)
    return x


def _cross_attend(attend: Attention, norm: nn.LayerNorm, x: Tensor, context: Tensor) -> Tensor:
    """Cross-attention of normed tokens; to one context token all attend alike, whatever they are."""
    update: Tensor = attend(norm(x) if context.shape[1] > 1 else x, context)
    return update


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scaled dot-product attention [n, h, s, d], in chunks of the batch where flash attention's grid ends."""
    if torch.compiler.is_compiling() and k.shape[2] <= FEW_TOKENS:
        weights = ((q.unsqueeze(-2) * k.unsqueeze(-3)).sum(-1) * q.shape[-1] ** -0.5).softmax(-1)
        mixed: Tensor = (weights.unsqueeze(-1) * v.unsqueeze(-3)).sum(-2)
        return mixed
    chunk = MAX_ATTENTION_BATCH // q.shape[1]
    if q.shape[0] <= chunk:
        return F.scaled_dot_product_attention(q, k, v)
    parts = (slice(start, start + chunk) for start in range(0, q.shape[0], chunk))
    return torch.cat([F.scaled_dot_product_attention(q[part], k[part], v[part]) for part in parts])


def _pyramid(pluecker: Tensor, levels: int) -> dict[tuple[int, int], Tensor]:
    """Resize the map to every feature size of the U-Net, corners aligned."""
    height, width = _size(pluecker)
    sizes = [(height >> level, width >> level) for level in range(levels)]
    return {size: F.interpolate(pluecker, size, mode="bilinear", align_corners=True) for size in sizes}


def _first_frames(context: Tensor, num_frames: int) -> Tensor:
    """Context of each scene's first frame, given to all its frames: [B*T, L, C] to the same shape."""
    return context[::num_frames, None].expand(-1, num_frames, -1, -1).flatten(0, 1)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]
