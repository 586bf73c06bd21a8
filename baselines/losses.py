"""What pictures are fitted by: the mean absolute difference, and the structural one of SSIM (Wang et al. 2004)."""

import torch
from torch import Tensor

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = 0.01**2, 0.03**2


def l1(image: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference [] of pictures of one shape."""
    return (image - target).abs().mean()


def dssim(image: Tensor, target: Tensor) -> Tensor:
    """1 - SSIM [] of pictures [..., 3, H, W] in [0, 1], at least 11 pixels a side; windows lie within the picture."""
    mean_x, mean_y, square_x, square_y, product = _blurred(
        torch.stack([image, target, image * image, target * target, image * target])
    )
    variances = square_x + square_y - mean_x**2 - mean_y**2
    covariance = product - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    similarity: Tensor = (luminance * (2 * covariance + _C2) / (variances + _C2)).mean()
    return 1 - similarity


def psnr(images: Tensor, targets: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of pictures in [0, 1], over all of their values together."""
    return float(-10 * (images - targets).square().mean().clamp(min=1e-10).log10())


def _blurred(stack: Tensor) -> Tensor:
    """Gaussian means over windows of [..., H, W]: [..., H - 10, W - 10]."""
    rows, columns = (_band(stack.shape[axis], stack) for axis in (-2, -1))
    return rows @ stack @ columns.mT


def _band(size: int, like: Tensor) -> Tensor:
    """The windows' weights as a matrix [size - 10, size]: as a product it is several times faster than convolving."""
    place = torch.arange(size, device=like.device)
    offsets = place - place[: size - _WINDOW + 1, None]
    weights = torch.exp(-0.5 * ((offsets - _WINDOW // 2) / _SIGMA) ** 2)
    weights = torch.where((offsets >= 0) & (offsets < _WINDOW), weights, 0.0)
    return (weights / weights.sum(dim=1, keepdim=True)).to(like.dtype)
