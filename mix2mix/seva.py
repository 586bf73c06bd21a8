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

from mix2mix.channels import doubled
from mix2mix.errors import InputError
from mix2mix.token_blocks import FrameMixing, SpatialBlock

GROUPS = 32
"""Groups of every GroupNorm: channel counts are multiples of it."""


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
    """A block that reads the signals besides the features; a residual block may be handed some of these apart."""

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

    def forward(self, x: Tensor, signals: Signals, skipped: Tensor | None = None) -> Tensor:
        """Features [B*T, width, h, w] to [B*T, out_width, h, w]; the last of the channels may be handed apart."""
        x = x if skipped is None else torch.cat([x, skipped], dim=1)
        norm, activation, conv = self.in_layers
        scale, shift = self.dense_emb_layers(signals.pluecker[_size(x)]).chunk(2, dim=1)
        h = conv(activation(norm(x)) * (1 + scale) + shift)
        h = h + self.emb_layers(signals.time)[:, :, None, None]
        output: Tensor = self.skip_connection(x) + self.out_layers(h)
        return output


class MultiviewTransformer(Conditioned):
    """Spatial and frame-mixing blocks in turn, between two projections, residual as a whole."""

    def __init__(self, width: int, depth: int, name: str, config: SevaConfig) -> None:
        super().__init__()
        widths = width, config.context_dim, config.num_head_channels
        self.joint = name in config.unflatten_names
        self.norm = nn.GroupNorm(GROUPS, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList(SpatialBlock(*widths) for _ in range(depth))
        self.time_mix_blocks = nn.ModuleList(FrameMixing(*widths) for _ in range(depth))
        self.proj_out = nn.Linear(width, width)

    def forward(self, x: Tensor, signals: Signals) -> Tensor:
        """Features [B*T, width, h, w] to the same shape."""
        frames = signals.num_frames
        scene_context = signals.context[::frames, None].expand(-1, frames, -1, -1).flatten(0, 1)
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
        output: Tensor = self.conv(doubled(x))
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

    def blocks(self) -> list[nn.Module]:
        """The parts that hold nearly all of its work."""
        return [*(part for part in self.modules() if isinstance(part, Conditioned | Upsample)), self.out]

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
            h = _run(block, h, signals, skips.pop())
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


def _run(block: nn.Module, x: Tensor, signals: Signals, *skipped: Tensor) -> Tensor:
    for layer in block.children():
        x = layer(x, signals, *skipped) if isinstance(layer, Conditioned) else layer(x)
        skipped = ()
    return x


def _pyramid(pluecker: Tensor, levels: int) -> dict[tuple[int, int], Tensor]:
    """Resize the map to every feature size of the U-Net, corners aligned."""
    height, width = _size(pluecker)
    sizes = [(height >> level, width >> level) for level in range(levels)]
    return {size: F.interpolate(pluecker, size, mode="bilinear", align_corners=True) for size in sizes}


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]
