"""How alike a picture and its target look, for methods that fit renders: LPIPS (arXiv 1801.03924), or 1 - SSIM."""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Literal

from torch import Tensor

from baselines.api import EditRequest
from baselines.losses import dssim
from mix2mix.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]
"""Of pictures [..., 3, H, W] in [0, 1] and their targets: []."""

Trunk = Literal["alex", "vgg"]
Kind = Literal["lpips", "ssim"]


def perceptual_loss(kind: Kind, trunk: Trunk, request: EditRequest) -> tuple[Loss, str]:
    """The loss, and what a result calls it.

    LPIPS is that of the trunk's ImageNet weights, which are downloaded at first use; with a bundle of random weights it
    has random ones as well. Raises InputError where the package or the weights cannot be had.
    """
    if kind == "ssim":
        return dssim, f"1 - SSIM in the place of LPIPS ({trunk})"
    untrained = request.bundle.settings.random_weights
    return _lpips(trunk, untrained, request.device), f"LPIPS ({trunk}{', random weights' if untrained else ''})"


def _lpips(trunk: Trunk, untrained: bool, device: str) -> Loss:
    if find_spec("lpips") is None:
        raise _missing("which is not installed", "Install mix2mix[perceptual]")
    import lpips

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it calls torchvision as that was called in 2021
            network = lpips.LPIPS(net=trunk, pnet_rand=untrained, verbose=False)
    except OSError as error:  # among them those of a download
        raise _missing(f"whose weights could not be had ({error})", "Connect to the network once") from error
    network = network.requires_grad_(False).to(device)

    def loss(images: Tensor, targets: Tensor) -> Tensor:
        batches = (each.reshape(-1, *each.shape[-3:]) for each in (images, targets))
        mean: Tensor = network(*batches, normalize=True).mean()
        return mean

    return loss


def _missing(why: str, way: str) -> InputError:
    fix = f"{way}, or ask for @perceptual=ssim."
    return InputError("perceptual loss", got=f"'lpips', {why}", expected="lpips and its weights, or 'ssim'", fix=fix)
