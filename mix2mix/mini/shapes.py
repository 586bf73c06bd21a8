"""Shapes of the miniature world: quadrics and boxes in local frames, sculpted for a whole batch of scenes at once.

World axes: x right, y up, z towards the viewer; lengths in metres. Every scene of a batch has the same list of
primitives, with its own sizes, places and materials, so that one render call draws all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Self

import torch
from torch import Tensor

Scalar = float | Tensor
Vector = Sequence[float] | Tensor

BOX = "box"
# A quadric is x^2 + z^2 + q_y y^2 = q_0 in the local frame, cut by its clip box: (q_y, q_0).
QUADRICS = {"ellipsoid": (1.0, 1.0), "cylinder": (0.0, 1.0), "cone": (-1.0, 0.0)}
PATTERNS = ("plain", "stripes", "checks", "patches", "speckle", "wood", "marble", "plates", "diamonds", "brush",
            "gradient", "halves", "dots", "curls")  # fmt: skip


@dataclass(frozen=True)
class Material:
    """How a surface looks: two colours mixed by a pattern in object coordinates.

    Colours are RGB in [0, 1], one for all scenes or [B, 3]; `frequency` is in cycles a metre, `phase` shifts the
    pattern (radians), `sheen` adds a highlight that does not depend on the viewer, `glow` (0 .. 1) replaces shading by
    the bare colour.
    """

    colour: Vector
    accent: Vector = (0.0, 0.0, 0.0)
    pattern: str = "plain"
    frequency: Scalar = 1.0
    phase: Scalar = 0.0
    sheen: Scalar = 0.0
    glow: Scalar = 0.0


@dataclass(frozen=True)
class Frame:
    """A local frame in each of B scenes: rotation [B, 3, 3] (world from local) and origin [B, 3]."""

    rotation: Tensor
    origin: Tensor

    def then(self, rotation: Tensor, offset: Tensor) -> "Frame":
        """The frame that lies at `offset` [B, 3] of this one, turned by `rotation` [B, 3, 3]."""
        return Frame(self.rotation @ rotation, self.origin + (self.rotation @ offset[..., None])[..., 0])


@dataclass(frozen=True)
class Primitives:
    """P primitives in each of B scenes, quadrics first and boxes after them.

    Geometry: `rotation` [B, P, 3, 3] world from local, `centre` [B, P, 3], `size` [B, P, 3] half extents, `low` and
    `high` [B, P, 3] the clip box in unit coordinates. `conic` [Q, 2] holds (q_y, q_0) of the Q quadrics. Materials:
    `colour`,
    `accent` [B, P, 3]; `pattern` [P]; `frequency`, `phase`, `sheen`, `glow` [B, P]. `subject` [P] marks what is edited.
    """

    rotation: Tensor
    centre: Tensor
    size: Tensor
    low: Tensor
    high: Tensor
    conic: Tensor
    colour: Tensor
    accent: Tensor
    pattern: Tensor
    frequency: Tensor
    phase: Tensor
    sheen: Tensor
    glow: Tensor
    subject: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The same primitives on another device."""
        return replace(self, **{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def turn(batch: int, x: Scalar = 0.0, y: Scalar = 0.0, z: Scalar = 0.0) -> Tensor:
    """Rotation matrices [B, 3, 3] of angles in degrees about x, then y, then z."""
    angles = torch.stack([spread(a, batch) for a in (x, y, z)], -1) * torch.pi / 180
    (cx, cy, cz), (sx, sy, sz) = angles.cos().unbind(-1), angles.sin().unbind(-1)
    one, zero = torch.ones_like(cx), torch.zeros_like(cx)
    about_x = torch.stack([one, zero, zero, zero, cx, -sx, zero, sx, cx], -1).view(batch, 3, 3)
    about_y = torch.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], -1).view(batch, 3, 3)
    about_z = torch.stack([cz, -sz, zero, sz, cz, zero, zero, zero, one], -1).view(batch, 3, 3)
    return about_z @ about_y @ about_x


def spread(value: Scalar, batch: int) -> Tensor:
    """A number, or one a scene, as [B]."""
    return torch.as_tensor(value, dtype=torch.float32).expand(batch)


def vector(value: Vector | Sequence[Scalar], batch: int) -> Tensor:
    """Three numbers, each perhaps [B], or a tensor [3] or [B, 3], as [B, 3]."""
    if isinstance(value, Tensor):
        return value.to(torch.float32).expand(batch, 3)
    return torch.stack([spread(v, batch) for v in value], -1)


@dataclass
class _Part:
    kind: str
    rotation: Tensor
    centre: Tensor
    size: Tensor
    low: Tensor
    high: Tensor
    material: Material
    subject: bool


@dataclass
class Sculptor:
    """Collects primitives for a batch of scenes; `build` stacks them."""

    batch: int
    parts: list[_Part] = field(default_factory=list)

    def world(self) -> Frame:
        """The world's own frame."""
        return Frame(torch.eye(3).expand(self.batch, 3, 3), torch.zeros(self.batch, 3))

    def frame(self, origin: Sequence[Scalar] | Tensor, parent: Frame | None = None, **degrees: Scalar) -> Frame:
        """A frame at `origin` of its parent, turned by `x`, `y`, `z` degrees."""
        return (parent or self.world()).then(turn(self.batch, **degrees), vector(origin, self.batch))

    def add(
        self,
        kind: str,
        centre: Sequence[Scalar] | Tensor,
        size: Sequence[Scalar] | Tensor,
        material: Material,
        *,
        frame: Frame | None = None,
        low: Sequence[Scalar] = (-1.0, -1.0, -1.0),
        high: Sequence[Scalar] = (1.0, 1.0, 1.0),
        subject: bool = True,
        **degrees: Scalar,
    ) -> None:
        """Add one primitive: `size` are half extents, `low` and `high` cut it in unit coordinates of its own frame.

        An ellipsoid fills [-1, 1]^3; a cylinder is an open tube along y; a cone has its apex at the centre and opens to
        radius 1 at y = -1 (cut it with `high` y = 0), open below.
        """
        placed = self.frame(centre, frame, **degrees)
        high = (high[0], min(high[1], 0.0), high[2]) if kind == "cone" and not isinstance(high[1], Tensor) else high
        self.parts.append(
            _Part(kind, placed.rotation, placed.origin, vector(size, self.batch), vector(low, self.batch),
                  vector(high, self.batch), material, subject)
        )  # fmt: skip

    def build(self) -> Primitives:
        """Stack what was added, quadrics before boxes."""
        parts = [p for p in self.parts if p.kind != BOX] + [p for p in self.parts if p.kind == BOX]
        looks = [p.material for p in parts]

        def scalars(name: str) -> Tensor:
            return torch.stack([spread(getattr(look, name), self.batch) for look in looks], 1).contiguous()

        return Primitives(
            **{
                name: torch.stack([getattr(p, name) for p in parts], 1)
                for name in ("rotation", "centre", "size", "low", "high")
            },
            conic=torch.tensor([QUADRICS[p.kind] for p in parts if p.kind != BOX]),
            colour=torch.stack([vector(look.colour, self.batch) for look in looks], 1),
            accent=torch.stack([vector(look.accent, self.batch) for look in looks], 1),
            pattern=torch.tensor([PATTERNS.index(look.pattern) for look in looks]),
            **{name: scalars(name) for name in ("frequency", "phase", "sheen", "glow")},
            subject=torch.tensor([p.subject for p in parts]),
        )
