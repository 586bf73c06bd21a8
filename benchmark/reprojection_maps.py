"""Where views disagree: how far the colour of every pixel is from what the other views show at that surface point.

The maps that the report shows beside the reprojection error, which is the mean of such errors over the subject. Pixels
are carried and compared as there; here all pixels are, and those that no other view sees have no error.
"""

from collections.abc import Sequence
from itertools import permutations

import torch
from torch import Tensor

from benchmark.error_maps import encode_map, map_name
from benchmark.reprojection import bilinear, shared_pixels
from benchmark.scoring import Truth, to_tensor
from benchmark.store import Pixels
from mix2mix.cameras import Cameras


def error_maps(views: Tensor, cameras: Cameras, depth: Tensor) -> Tensor:
    """Errors [N, H, W] in [0, 1] of views [N, 3, H, W]: means over the other views that see the point; NaN without one.

    ``depth`` [N, H, W] is the z-depth of what the views show, inf where there is nothing; ``cameras`` are the N views'.
    """
    views, depth = views.double().cpu(), depth.double().cpu()
    cameras = Cameras(cameras.K.double().cpu(), cameras.c2w.double().cpu())
    total = torch.zeros_like(depth)
    seen = torch.zeros_like(depth)
    for i, j in permutations(range(len(views)), 2):
        index, pixels = shared_pixels(cameras, depth, depth.isfinite(), i, j)
        colours = views[i].flatten(1)[:, index].T
        total[i].view(-1)[index] += (colours - bilinear(views[j], pixels)).abs().mean(dim=1)
        seen[i].view(-1)[index] += 1
    return total / seen


def map_files(edited: Sequence[Pixels], cameras: Cameras, truth: Truth) -> dict[str, bytes]:
    """The maps of N edited views as PNG files by name, to be saved in their cell's folder."""
    maps = error_maps(to_tensor(edited), cameras, truth.depth)
    return {map_name(index): encode_map(errors.numpy()) for index, errors in enumerate(maps)}
