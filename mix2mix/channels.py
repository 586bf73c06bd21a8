"""Group norms and convolutions as a compiler does them best where features lie channels last.

torch's own group norm wants features channel by channel, and so turns them, and in a backward pass all gradients around
it, from one layout to the other and back. Here the statistics are those of channels, put together to groups. A
convolution of single pixels is a matrix product of what lies there already, and a bias is added by whoever reads it.
Uncompiled, all computes as torch does.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GroupNorm(nn.GroupNorm):
    """torch's group norm, from the statistics of channels while it is compiled."""

    def forward(self, input: Tensor) -> Tensor:
        """Features [n, C, h, w] to the same shape; fp32 under autocast, as torch's."""
        if not torch.compiler.is_compiling() or input.dim() != 4 or not self.affine:
            return super().forward(input)
        return group_norm(input, self.weight, self.bias, self.num_groups, self.eps)


class Convolution(nn.Conv2d):
    """torch's convolution; while it is compiled, that of single pixels is a matrix product, and the bias comes last."""

    def forward(self, input: Tensor) -> Tensor:
        """Features [n, C, h, w] to [n, out, h', w']."""
        if not torch.compiler.is_compiling() or input.dim() != 4 or self.bias is None:
            return super().forward(input)
        if (self.kernel_size, self.stride, self.padding, self.groups) == ((1, 1), (1, 1), (0, 0), 1):
            return product_of_pixels(input, self.weight, self.bias)
        convolved: Tensor = self._conv_forward(input, self.weight, None)
        return convolved + self.bias.to(convolved.dtype)[:, None, None]


def group_norm(x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float) -> Tensor:
    """Group norm of features [n, C, h, w], from the statistics of channels."""
    wide = x.float()  # once, so that its gradients are summed before they are rounded
    variances, means = torch.var_mean(wide, (2, 3), correction=0)
    means = means.unflatten(1, (groups, -1))
    mean = means.mean(2, keepdim=True)
    variance = (variances.unflatten(1, (groups, -1)) + (means - mean).square()).mean(2, keepdim=True)
    # Not rsqrt, whose derivative has a third power, which underflows.
    scale = (variance + eps).sqrt().reciprocal().expand_as(means).flatten(1) * weight
    shift = bias - mean.expand_as(means).flatten(1) * scale
    normed: Tensor = wide * scale[..., None, None] + shift[..., None, None]
    return normed if torch.is_autocast_enabled(x.device.type) else normed.to(x.dtype)


def product_of_pixels(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Features [n, C, h, w] times a weight [out, C, 1, 1], and a bias [out]: [n, out, h, w]."""
    pixels, weight, missing = x.movedim(1, -1), weight.flatten(1), -x.shape[1] % ALIGNED
    if not missing:
        return F.linear(pixels, weight, bias).movedim(-1, 1)
    # What is missing is made up for by a one, whose weight is the bias, and by zeros.
    ones = F.pad(F.pad(pixels, (0, 1), value=1.0), (0, missing - 1))
    return F.linear(ones, F.pad(torch.cat([weight, bias[:, None]], 1), (0, missing - 1))).movedim(-1, 1)


def doubled(x: Tensor) -> Tensor:
    """Features [n, C, h, w] at twice the resolution, [n, C, 2h, 2w], by nearest neighbours."""
    if not torch.compiler.is_compiling():
        return F.interpolate(x, scale_factor=2, mode="nearest")
    # Without an index: the gradient is a sum of four, not of whatever points at a pixel.
    pixels = x.movedim(1, -1)[:, :, None, :, None].expand(-1, -1, 2, -1, 2, -1)
    return pixels.flatten(3, 4).flatten(1, 2).movedim(-1, 1)


ALIGNED = 8
"""Numbers of two bytes that matrix products read at once: with other widths they are slow."""

STAND_INS: dict[type[nn.Module], type[nn.Module]] = {nn.GroupNorm: GroupNorm, nn.Conv2d: Convolution}


def stand_in(network: nn.Module) -> None:
    """Have a network's norms and convolutions compiled so; its weights should lie channels last, too."""
    for part in network.modules():
        part.__class__ = STAND_INS.get(type(part), type(part))
