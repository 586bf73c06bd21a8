"""Multi-view consistency measured against known geometry: do two views show the same colour at the same surface point?

For an ordered pair of views (i, j) every pixel x of a region of view i (the subject, or the background) is carried to
view j by its known depth. Where it is visible there, the error is |E_i(x) - E_j(pi(x))|, and the chance the same
difference with a random pixel of that region of j (its exact expectation: no draw is made). Error / chance is the
relative error: what a grey or blurred view gains in the error, it loses in the chance. 0 is perfect, 1 is no better
than chance.
"""

from dataclasses import dataclass
from itertools import permutations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from mix2mix.cameras import Cameras, camera_rays, project

MINIMUM_SHARED = 200
"""A pair of views counts when at least so many pixels of the region are visible in both."""

DEPTH_TOLERANCE = 0.01
"""A pixel sees a point whose depth is within this share of its own."""

NO_WEIGHT = 1e-6
"""A neighbour with a smaller share of the mixed colour than this does not count."""


@dataclass(frozen=True)
class PairError:
    """View ``first`` carried to ``second``: shared pixels, mean absolute error of colours in [0, 1], and its chance."""

    first: int
    second: int
    pixels: int
    error: float
    chance: float


@dataclass(frozen=True)
class Reprojection:
    """The pairs that share enough pixels, at least one, and their means."""

    pairs: tuple[PairError, ...]

    @property
    def error(self) -> float:
        """Mean error over the pairs."""
        return sum(pair.error for pair in self.pairs) / len(self.pairs)

    @property
    def chance(self) -> float:
        """Mean chance level over the pairs."""
        return sum(pair.chance for pair in self.pairs) / len(self.pairs)

    @property
    def relative(self) -> float:
        """Error / chance, of the means. Views of one flat colour (chance 0) gain nothing: 1, by definition."""
        return self.error / self.chance if self.chance > 0 else 1.0


def reprojection(views: Tensor, cameras: Cameras, depth: Tensor, region: Tensor) -> Reprojection | None:
    """Score views [N, 3, H, W] over a region [N, H, W] bool; None where no pair shares `MINIMUM_SHARED` pixels.

    ``depth`` [N, H, W] is the z-depth of what the views show, inf where there is nothing; ``cameras`` are the N views'.
    """
    views, depth = views.double().cpu(), depth.double().cpu()
    cameras = Cameras(cameras.K.double().cpu(), cameras.c2w.double().cpu())
    region = region.cpu() & depth.isfinite()
    pairs = tuple(
        _pair_error(views, region, i, j, *shared)
        for i, j in permutations(range(len(views)), 2)
        if len((shared := shared_pixels(cameras, depth, region, i, j))[0]) >= MINIMUM_SHARED
    )
    return Reprojection(pairs) if pairs else None


def shared_pixels(cameras: Cameras, depth: Tensor, region: Tensor, i: int, j: int) -> tuple[Tensor, Tensor]:
    """Pixels of the region of view i that are visible in j and in its region there.

    Their flat indices in i [P], and where they land in j [P, 2] as (x, y), the first pixel's centre at 0.5. Visible
    means that all of the up to four pixels that the colour is mixed from see this surface: next to an edge the mixed
    colour would be of two surfaces, and an error even in perfect views.
    """
    height, width = depth.shape[-2:]
    index = region[i].flatten().nonzero().squeeze(1)
    origin, directions = camera_rays(cameras[i : i + 1], height, width)
    points = origin + depth[i].flatten()[index, None] * directions.reshape(-1, 3)[index]
    pixels, distance = (value[0] for value in project(points, cameras[j : j + 1], height, width))
    x, y = pixels.unbind(-1)
    inside = (distance > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
    index, pixels, distance = index[inside], pixels[inside], distance[inside]
    rows, columns = _mixed_pixels(pixels, height, width)
    seen = depth[j, rows, columns]
    same = region[j, rows, columns] & ((distance - seen).abs() <= DEPTH_TOLERANCE * seen)
    visible = same.all(dim=0)
    return index[visible], pixels[visible]


def bilinear(view: Tensor, pixels: Tensor) -> Tensor:
    """Colours [P, 3] of a view [3, H, W] at pixels [P, 2] (x, y); beyond the outermost centres, the border's own."""
    size = pixels.new_tensor([view.shape[-1], view.shape[-2]])
    grid = (2 * pixels / size - 1)[None, None]
    return grid_sample(view[None], grid, mode="bilinear", padding_mode="border", align_corners=False)[0, :, 0].T


def mean_absolute_difference(a: Tensor, b: Tensor) -> Tensor:
    """Mean of |x - y| over all x of a [P] and y of b [Q], exactly, by sorting b."""
    b = b.sort().values
    below = torch.searchsorted(b, a)
    sums = torch.cat([b.new_zeros(1), b.cumsum(0)])
    lower, total = sums[below], sums[-1]
    return (a * (2 * below - len(b)) + total - 2 * lower).mean() / len(b)


def _mixed_pixels(pixels: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Rows and columns, each [4, P], of the pixels that `bilinear` mixes, without those of no weight."""
    before, after = (pixels - 0.5 + NO_WEIGHT).floor().long(), (pixels - 0.5 - NO_WEIGHT).ceil().long()
    (left, top), (right, bottom) = before.unbind(-1), after.unbind(-1)
    rows, columns = torch.stack([top, top, bottom, bottom]), torch.stack([left, right, left, right])
    return rows.clamp(0, height - 1), columns.clamp(0, width - 1)


def _pair_error(views: Tensor, region: Tensor, i: int, j: int, index: Tensor, pixels: Tensor) -> PairError:
    colours = views[i].flatten(1)[:, index].T
    error = (colours - bilinear(views[j], pixels)).abs().mean()
    others = views[j].flatten(1)[:, region[j].flatten()].T
    chance = torch.stack([mean_absolute_difference(colours[:, c].contiguous(), others[:, c]) for c in range(3)]).mean()
    return PairError(i, j, len(index), float(error), float(chance))
