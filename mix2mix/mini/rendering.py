"""Analytic ray casting of the miniature world: colour, depth and object ids, batched over scenes and views."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from mix2mix.cameras import Cameras, camera_rays
from mix2mix.mini.shapes import Primitives
from mix2mix.mini.textures import accent_share

_NEAR = 0.05
_TINY = 1e-9
_SLACK = 1e-3  # rounding must not clip a quadric where it touches its own box


@dataclass(frozen=True)
class Light:
    """One light a scene: `direction` [B, 3] towards it (unit), `ambient` [B] share, `sky` [B, 3] colour behind all."""

    direction: Tensor
    ambient: Tensor
    sky: Tensor

    def to(self, device: torch.device | str) -> "Light":
        """The same light on another device."""
        return Light(self.direction.to(device), self.ambient.to(device), self.sky.to(device))


@dataclass(frozen=True)
class Hits:
    """What each ray meets first: `depth` along the camera's z axis (else inf), `index` of the primitive (else -1)."""

    depth: Tensor
    index: Tensor


def _nearest(t: Tensor, o: Tensor, d: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """t where the point o + t d lies in front and inside the clip box, else infinity. t [...], o and d [..., 3]."""
    inside = (t > _NEAR) & torch.isfinite(t)
    for axis in range(3):
        p = o[..., axis] + t * d[..., axis]
        inside &= (p >= low[..., axis] - _SLACK) & (p <= high[..., axis] + _SLACK)
    return torch.where(inside, t, torch.inf)


def _quadrics(o: Tensor, d: Tensor, conic: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """First hit of rays with quadrics in unit coordinates: o [..., 1, Q, 3], d [..., R, Q, 3] -> t [..., R, Q]."""
    weights = torch.stack([torch.ones_like(conic[:, 0]), conic[:, 0], torch.ones_like(conic[:, 0])], -1)
    a = (weights * d * d).sum(-1)
    b = (weights * o * d).sum(-1)
    c = (weights * o * o).sum(-1) - conic[:, 1]
    root = torch.sqrt(b * b - a * c)
    a = torch.where(a.abs() < _TINY, torch.full_like(a, _TINY), a)
    first, second = (-b - root) / a, (-b + root) / a
    return torch.minimum(_nearest(first, o, d, low, high), _nearest(second, o, d, low, high))


def _boxes(o: Tensor, d: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """First hit of rays with boxes in unit coordinates: o [..., 1, K, 3], d [..., R, K, 3] -> t [..., R, K]."""
    d = torch.where(d.abs() < _TINY, torch.full_like(d, _TINY), d)
    to_low, to_high = (low - o) / d, (high - o) / d
    enter, leave = torch.minimum(to_low, to_high).amax(-1), torch.maximum(to_low, to_high).amin(-1)
    return torch.where((enter < leave) & (enter > _NEAR), enter, torch.inf)


def cast(primitives: Primitives, origins: Tensor, directions: Tensor) -> Hits:
    """Meet rays with primitives: origins [B, V, 3], directions [B, V, R, 3] -> depth and index [B, V, R]."""
    inverse = primitives.rotation.mT / primitives.size[..., None]
    o = torch.einsum("bpij,bvpj->bvpi", inverse, origins[:, :, None] - primitives.centre[:, None])[:, :, None]
    d = torch.einsum("bpij,bvrj->bvrpi", inverse, directions)
    low, high = primitives.low[:, None, None], primitives.high[:, None, None]
    q = len(primitives.conic)
    t = torch.cat(
        [
            _quadrics(o[..., :q, :], d[..., :q, :], primitives.conic, low[..., :q, :], high[..., :q, :]),
            _boxes(o[..., q:, :], d[..., q:, :], low[..., q:, :], high[..., q:, :]),
        ],
        -1,
    )
    depth, index = t.min(-1)
    return Hits(depth, torch.where(torch.isfinite(depth), index, -1))


def _pick(values: Tensor, index: Tensor) -> Tensor:
    """Values [B, P, ...] of the primitive that each ray met, index [B, V, R] -> [B, V, R, ...]."""
    scenes = torch.arange(values.shape[0], device=values.device).view(-1, 1, 1)
    return values[scenes, index]


def _normals(unit: Tensor, index: Tensor, primitives: Primitives) -> Tensor:
    """Outward normals in the local frame [..., 3] from unit coordinates [..., 3] of the hit points."""
    q = len(primitives.conic)
    conic = primitives.conic[index.clamp(max=q - 1)]
    quadric = torch.stack([unit[..., 0], conic[..., 0] * unit[..., 1], unit[..., 2]], -1)
    face = torch.nn.functional.one_hot(unit.abs().argmax(-1), 3) * unit.sign()
    return torch.where((index < q)[..., None], quadric, face)


def shade(primitives: Primitives, light: Light, origins: Tensor, directions: Tensor, hits: Hits) -> Tensor:
    """Colours [B, V, R, 3] in [0, 1] of the hits; no term depends on where the viewer stands."""
    index = hits.index.clamp(min=0)
    depth = torch.where(hits.index >= 0, hits.depth, 1.0)
    points = origins[:, :, None] + depth[..., None] * directions
    rotation, size = _pick(primitives.rotation, index), _pick(primitives.size, index)
    local = torch.einsum("bvrij,bvri->bvrj", rotation, points - _pick(primitives.centre, index))
    normal = _normals(local / size, index, primitives) / size
    normal = torch.nn.functional.normalize(torch.einsum("bvrij,bvrj->bvri", rotation, normal), dim=-1)
    normal = torch.where(((normal * directions).sum(-1) > 0)[..., None], -normal, normal)
    share = accent_share(
        primitives.pattern[index], local, _pick(primitives.frequency, index), _pick(primitives.phase, index)
    )[..., None]
    base = (1 - share) * _pick(primitives.colour, index) + share * _pick(primitives.accent, index)
    lit = _light(normal, light, _pick(primitives.sheen, index))
    glow = _pick(primitives.glow, index)[..., None]
    colour = base * (glow + (1 - glow) * lit[0]) + lit[1]
    return torch.where((hits.index >= 0)[..., None], colour, light.sky[:, None, None]).clamp(0, 1)


def _light(normal: Tensor, light: Light, sheen: Tensor) -> tuple[Tensor, Tensor]:
    """Brightness and added highlight [B, V, R, 1] of surfaces with normals [B, V, R, 3]."""
    towards = light.direction[:, None, None]
    ambient = light.ambient[:, None, None, None] * (0.85 + 0.15 * normal[..., 1:2])
    diffuse = (1 - light.ambient[:, None, None, None]) * (normal * towards).sum(-1, keepdim=True).clamp(min=0)
    half = torch.nn.functional.normalize(towards + torch.tensor([0.0, 0.2, 1.0], device=normal.device), dim=-1)
    highlight = (normal * half).sum(-1, keepdim=True).clamp(min=0) ** 16
    return ambient + 1.15 * diffuse, sheen[..., None] * highlight


def render(primitives: Primitives, light: Light, cameras: Cameras, size: int = 128, samples: int = 2) -> Tensor:
    """Colour images [B, V, 3, size, size] in [0, 1], the mean of samples x samples rays a pixel."""
    origins, directions = camera_rays(cameras, size * samples, size * samples)
    directions = directions.flatten(-3, -2)
    colour = shade(primitives, light, origins, directions, cast(primitives, origins, directions))
    images = colour.unflatten(2, (size * samples, size * samples)).movedim(-1, -3)
    return avg_pool2d(images.flatten(0, 1), samples).view(*images.shape[:3], size, size)


def geometry(primitives: Primitives, cameras: Cameras, size: int = 128) -> tuple[Tensor, Tensor]:
    """Depth [B, V, size, size] (along z, inf where nothing) and primitive index (-1) at the pixel centres."""
    origins, directions = camera_rays(cameras, size, size)
    hits = cast(primitives, origins, directions.flatten(-3, -2))
    return hits.depth.unflatten(-1, (size, size)), hits.index.unflatten(-1, (size, size))
