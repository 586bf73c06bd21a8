"""A small rasteriser of Gaussian splats in plain torch, for a CPU: each tile blends its splats, nearest first.

The picture is that of arXiv 2308.04079 with gsplat's constants: a splat is widened by `BLUR`, its alpha is
min(0.999, o exp(-s)), and an alpha below 1/255 counts as nothing. That last rule bounds every splat, so the lists of
splats per tile leave nothing out: the result is what all splats at all pixels would give.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.splats import Splats, colours_towards, rotation_matrices
from mix2mix.cameras import Cameras

BLUR = 0.3
"""Variance in square pixels that is added to every splat, so that none is thinner than a pixel."""

MOST_ALPHA = 0.999
LEAST_ALPHA = 1 / 255

NEAR = 0.01
"""Splats nearer to the camera's plane than this are not drawn."""

MARGIN = 0.3
"""Beyond this share of the half-width outside the picture a splat's slant grows no more: its shape is linearised."""

TILE = 16
"""Side of a tile in pixels."""

_SLACK = 1e-2
"""Pixels by which a splat's box is widened, against rounding."""


@dataclass(frozen=True, eq=False)
class _Footprints:
    """Splats as ellipses in the picture, nearest first.

    centres [G, 2] in pixels; conics [G, 3], the inverse covariance (xx, xy, yy); reach [G, 2], half-sizes of the boxes
    beyond which alpha is below `LEAST_ALPHA`; opacities [G]; colours [G, 3].
    """

    centres: Tensor
    conics: Tensor
    reach: Tensor
    opacities: Tensor
    colours: Tensor


def dense_rasteriser(splats: Splats, camera: Cameras, size: int, background: Tensor) -> Tensor:
    """Draw splats for one camera: the `Rasteriser` that runs anywhere."""
    prints = _project(splats, camera, size)
    tiles = -(-size // TILE)
    index, listed = _lists(prints, tiles)
    alpha = _log_alphas(prints, index, tiles).exp().clamp(max=MOST_ALPHA)
    alpha = torch.where((alpha >= LEAST_ALPHA) & listed[:, None], alpha, 0.0)
    blended = _blend(alpha, prints.colours[index], background)
    rows = blended.view(tiles, tiles, TILE, TILE, 3).permute(4, 0, 2, 1, 3)
    return rows.reshape(3, tiles * TILE, tiles * TILE)[:, :size, :size]


def _project(splats: Splats, camera: Cameras, size: int) -> _Footprints:
    """The splats in front of the camera that leave a mark, as ellipses (EWA, to first order)."""
    rotation, origin = camera.rotations[0], camera.origins[0]
    depth = (splats.means.detach() - origin) @ rotation[:, 2]
    kept = ((depth > NEAR) & (splats.opacities.detach() > LEAST_ALPHA)).nonzero().squeeze(1)
    kept = kept[depth[kept].argsort(stable=True)]
    splats = splats.map(lambda value: value[kept])
    points = (splats.means - origin) @ rotation
    jacobian, centres = _perspective(points, camera.K[0], size)
    axes = rotation_matrices(splats.quaternions) * splats.log_scales.exp()[:, None, :]
    spread = jacobian @ (rotation.mT @ axes)
    xx, xy, yy = _covariances(spread)
    conics = torch.stack([yy, -xy, xx], dim=-1) / (xx * yy - xy * xy)[:, None]
    opacities = splats.opacities
    reach = (2 * (opacities / LEAST_ALPHA).log()[:, None] * torch.stack([xx, yy], dim=-1)).detach().sqrt()
    return _Footprints(centres, conics, reach + _SLACK, opacities, colours_towards(splats, origin))


def _perspective(points: Tensor, K: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Jacobian [G, 2, 3] of the projection to pixels, and the pixels [G, 2], of points [G, 3] in the camera's axes."""
    depth, slope = points[:, 2:], points[:, :2] / points[:, 2:]
    focal, principal = torch.stack([K[0, 0], K[1, 1]]), K[:2, 2]
    low, high = (-principal - MARGIN / 2) / focal, (1 - principal + MARGIN / 2) / focal
    slant = slope.clamp(min=low, max=high)
    jacobian = torch.cat(
        [torch.eye(2, device=K.device, dtype=K.dtype).expand(len(points), 2, 2), -slant[..., None]], dim=-1
    )
    return size * (focal / depth)[..., None] * jacobian, size * (focal * slope + principal)


def _covariances(spread: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Blurred covariances (xx, xy, yy), each [G], of splats whose axes land on the columns of spread [G, 2, 3]."""
    x, y = spread.unbind(dim=1)
    return (x * x).sum(-1) + BLUR, (x * y).sum(-1), (y * y).sum(-1) + BLUR


@torch.no_grad()
def _lists(prints: _Footprints, tiles: int) -> tuple[Tensor, Tensor]:
    """Splats that touch each tile, nearest first: index [tiles^2, M], and whether each entry is one [tiles^2, M]."""
    first = torch.arange(tiles, device=prints.centres.device) * TILE + 0.5
    ends = [(prints.centres + sign * prints.reach).T[..., None] for sign in (-1, 1)]
    x, y = ((ends[0] <= first + (TILE - 1)) & (ends[1] >= first)).unbind(0)
    touches = (y.T[:, None] & x.T[None]).flatten(0, 1)
    longest = int(touches.sum(dim=1).max()) if touches.numel() else 0
    index = touches.byte().argsort(dim=1, descending=True, stable=True)[:, :longest]
    return index, touches.gather(1, index)


def _log_alphas(prints: _Footprints, index: Tensor, tiles: int) -> Tensor:
    """Logarithm of o exp(-s) at each pixel of each tile for the splats in its list [tiles^2, M]: [tiles^2, P, M].

    s is a quadratic in the pixel's place; written out in coordinates about the tile's middle, it is one product.
    """
    tile = torch.arange(tiles * tiles, device=index.device)
    middle = (torch.stack([tile % tiles, tile // tiles], dim=-1) + 0.5) * TILE
    x, y = (prints.centres[index] - middle[:, None]).unbind(-1)
    xx, xy, yy = prints.conics[index].unbind(-1)
    nearest = 0.5 * (xx * x * x + yy * y * y) + xy * x * y
    terms = [prints.opacities.log()[index] - nearest, xx * x + xy * y, yy * y + xy * x, -0.5 * xx, -xy, -0.5 * yy]
    return _monomials(prints.centres) @ torch.stack(terms, dim=1)


def _monomials(like: Tensor) -> Tensor:
    """1, x, y, x^2, xy, y^2 of a tile's pixel centres about its middle, row by row: [TILE^2, 6]."""
    place = torch.arange(TILE, device=like.device).to(like.dtype) + 0.5 - TILE / 2
    y, x = place.repeat_interleave(TILE), place.repeat(TILE)
    return torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y], dim=-1)


def _blend(alpha: Tensor, colours: Tensor, background: Tensor) -> Tensor:
    """Front-to-back blend of alpha [T, P, M] and colours [T, M, 3] on a background [3]: [T, P, 3]."""
    blocked = torch.log1p(-alpha)
    weights = alpha * (blocked.cumsum(dim=-1) - blocked).exp()
    return weights @ colours + blocked.sum(dim=-1, keepdim=True).exp() * background
