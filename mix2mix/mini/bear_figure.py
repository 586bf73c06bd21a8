"""The bear's body, standing on four legs: one anatomy in flesh or stone, and one hewn from timber.

The bear's own axes: x to its side, y up from the slab, z ahead. Sizes below are those of a bear of medium build.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from mix2mix.mini.family import Identity
from mix2mix.mini.shapes import Frame, Material, Scalar, Sculptor, Vector, vector

SIDES = (-1.0, 1.0)


@dataclass(frozen=True)
class Coat:
    """A material for each region of the bear."""

    torso: Material
    chest: Material
    rump: Material
    neck: Material
    head: Material
    muzzle: Material
    ears: Material
    inner_ears: Material
    forelegs: Material
    thighs: Material
    hind_legs: Material
    paws: Material
    tail: Material
    eyes: Material
    nose: Material
    claws: Material
    patches: Material
    plinth: Material

    @classmethod
    def of(cls, material: Material, **regions: Material) -> "Coat":
        """One material for all regions but the named ones."""
        return cls(**{field.name: regions.get(field.name, material) for field in fields(cls)})


@dataclass(frozen=True)
class Anatomy:
    """What sets one kind of bear apart: half extents in metres, `reach` where the head sits, 0 for a part it lacks."""

    skull: tuple[float, float, float] = (0.27, 0.25, 0.26)
    muzzle: tuple[float, float, float] = (0.145, 0.12, 0.19)
    ear: float = 0.105
    reach: tuple[float, float] = (1.04, 0.46)
    hump: float = 0.0
    claw: float = 0.0
    patch: float = 0.0
    girth: float = 1.0


@dataclass(frozen=True)
class Figure:
    """A part of the bear under construction: its frame, and how far [B, 3] its measures are stretched."""

    sculptor: Sculptor
    frame: Frame
    stretch: Tensor

    def add(
        self,
        kind: str,
        centre: Vector,
        size: Vector,
        material: Material,
        x: Scalar = 0.0,
        y: Scalar = 0.0,
        z: Scalar = 0.0,
    ) -> None:
        """Add a primitive of the subject, placed and sized in this part's measures, turned by degrees."""
        centre, size = self.scaled(centre), self.scaled(size)
        self.sculptor.add(kind, centre, size, material, frame=self.frame, x=x, y=y, z=z)

    def part(self, centre: Vector, stretch: Tensor | None = None, **degrees: Scalar) -> "Figure":
        """A part at `centre` of this one, turned, with its own stretch if given."""
        frame = self.sculptor.frame(self.scaled(centre), self.frame, **degrees)
        return Figure(self.sculptor, frame, self.stretch if stretch is None else stretch)

    def scaled(self, measures: Vector) -> Tensor:
        """Measures in metres [B, 3], stretched."""
        return vector(measures, self.sculptor.batch) * self.stretch


def stand(sculptor: Sculptor, identity: Identity, height: float) -> Figure:
    """The figure of this identity's bear, its feet `height` above the ground."""
    stretch = torch.stack([identity["girth"], identity["height"], identity["length"]], -1)
    return Figure(sculptor, sculptor.frame((0.0, height, 0.0), y=identity["heading"]), stretch)


def bear(figure: Figure, identity: Identity, anatomy: Anatomy, coat: Coat) -> None:
    """A rounded bear."""
    _trunk(figure, anatomy, coat)
    _head(_head_figure(figure, identity, anatomy.reach), identity, anatomy, coat)
    for side in SIDES:
        foreleg = figure.part((0.22 * side, 0.62, 0.14), x=identity["gait"] * side)
        _leg(foreleg, coat.forelegs, coat.paws)
        _leg(figure.part((0.23 * side, 0.62, -0.52), x=identity["gait"] * -side), coat.hind_legs, coat.paws)
        figure.add("ellipsoid", (0.23 * side, 0.54, -0.50), (0.19, 0.28, 0.24), coat.thighs)
        if anatomy.claw:
            _claws(foreleg, anatomy.claw, coat.claws)


def _trunk(figure: Figure, anatomy: Anatomy, coat: Coat) -> None:
    """Rump, back, chest, neck and tail; the own x axis of rump and back points ahead, for patterns along the body."""
    wide = anatomy.girth
    figure.add("ellipsoid", (0, 0.70, -0.42), (0.38, 0.37 * wide, 0.39 * wide), coat.rump, y=-90.0)
    figure.add("ellipsoid", (0, 0.71, -0.17), (0.52, 0.385 * wide, 0.41 * wide), coat.torso, y=-90.0)
    figure.add("ellipsoid", (0, 0.72, 0.08), (0.385, 0.38, 0.32), coat.chest)
    rise, ahead = anatomy.reach
    figure.add("ellipsoid", (0, (rise + 0.74) / 2, ahead / 2 + 0.04), (0.27, 0.29, 0.34), coat.neck, x=-38.0)
    figure.add("ellipsoid", (0, 0.80, -0.78), (0.08, 0.09, 0.08), coat.tail)
    if anatomy.hump:
        figure.add("ellipsoid", (0, 0.98, 0.02), (0.25, anatomy.hump, 0.32), coat.chest)


def _head_figure(figure: Figure, identity: Identity, reach: tuple[float, float]) -> Figure:
    stretch = identity["head"][:, None].expand(-1, 3)
    return figure.part((0.0, *reach), stretch, x=identity["nod"], y=identity["glance"])


def _head(head: Figure, identity: Identity, anatomy: Anatomy, coat: Coat) -> None:
    x, y, z = anatomy.skull
    head.add("ellipsoid", (0, 0, 0), anatomy.skull, coat.head)
    head.add("ellipsoid", (0, -0.30 * y, z * 0.92), anatomy.muzzle, coat.muzzle)
    head.add("ellipsoid", (0, -0.12 * y, z * 0.92 + anatomy.muzzle[2] * 0.88), (0.068, 0.052, 0.05), coat.nose)
    for side in SIDES:
        _ear(head.part((0.74 * x * side, 0.80 * y, -0.1 * z)), anatomy.ear * identity["ears"], coat)
        head.add("ellipsoid", (0.42 * x * side, 0.24 * y, 0.86 * z), (0.042, 0.046, 0.04), coat.eyes)
        if anatomy.patch:
            size = (anatomy.patch * 0.8, anatomy.patch * 1.15, 0.08)
            head.add("ellipsoid", (0.43 * x * side, 0.16 * y, 0.80 * z), size, coat.patches, z=30.0 * side)


def _ear(ear: Figure, size: Tensor, coat: Coat) -> None:
    ear.add("ellipsoid", (0, 0, 0), torch.stack([size, size, 0.55 * size], -1), coat.ears)
    ear.add("ellipsoid", (0, 0, 0.035), torch.stack([0.62 * size, 0.62 * size, 0.4 * size], -1), coat.inner_ears)


def _leg(leg: Figure, coat: Material, paw: Material) -> None:
    leg.add("cylinder", (0, -0.27, 0), (0.145, 0.29, 0.15), coat)
    leg.add("ellipsoid", (0, -0.54, 0.06), (0.17, 0.085, 0.21), paw)


def _claws(leg: Figure, length: float, claw: Material) -> None:
    for across in (-0.095, 0.0, 0.095):
        leg.add("ellipsoid", (across, -0.57, 0.24), (0.032, 0.035, length), claw, x=20.0)


def hewn_bear(figure: Figure, identity: Identity, coat: Coat) -> None:
    """A bear hewn from timber in flat cuts, on a plank."""
    _block(figure, (0, 0.03, -0.17), (0.42, 0.05, 0.73), coat.plinth)
    _prism(figure.part((0, 0.75, -0.20)), 0.35, 0.50, coat.torso)
    _block(figure, (0, 0.92, 0.24), (0.25, 0.25, 0.24), coat.neck, x=-30.0)
    _block(figure, (0, 0.88, -0.72), (0.08, 0.08, 0.06), coat.tail)
    _hewn_head(_head_figure(figure, identity, (1.03, 0.36)), identity, coat)
    for side in SIDES:
        for ahead, material in ((0.165, coat.forelegs), (-0.555, coat.hind_legs)):
            _block(figure, (0.22 * side, 0.34, ahead), (0.155, 0.30, 0.16), material)
            _block(figure, (0.22 * side, 0.14, ahead + 0.09), (0.165, 0.075, 0.2), coat.paws)


def _hewn_head(head: Figure, identity: Identity, coat: Coat) -> None:
    _prism(head, 0.28, 0.25, coat.head)
    _prism(head.part((0, -0.09, 0.3)), 0.15, 0.17, coat.muzzle)
    _block(head, (0, -0.03, 0.47), (0.085, 0.055, 0.04), coat.nose)
    for side in SIDES:
        ear = 0.12 * identity["ears"]
        head.add("ellipsoid", (0.24 * side, 0.25, -0.04), torch.stack([ear, ear, 0.6 * ear], -1), coat.ears)
        _block(head, (0.14 * side, 0.09, 0.24), (0.045, 0.05, 0.03), coat.eyes)


def _prism(figure: Figure, radius: float, half: float, material: Material) -> None:
    """An eight-sided prism along z: an upright and a lying slab, and two on the slant between them.

    Their ends lie a little apart, as no two faces may share a plane.
    """
    narrow = 0.56 * radius
    slant, bevel = (radius + narrow) / 2**0.5, (radius - narrow) / 2**0.5
    _block(figure, (0, 0, 0), (radius, narrow, half), material)
    _block(figure, (0, 0, 0), (narrow, radius, 0.98 * half), material)
    for side in SIDES:
        _block(figure, (0, 0, 0), (slant, bevel, (0.95 + 0.01 * side) * half), material, z=45.0 * side)


def _block(figure: Figure, centre: Vector, size: Vector, material: Material, x: float = 0.0, z: float = 0.0) -> None:
    """A box whose local y, the axis of its year rings, points sidewards: they lie open on its flanks."""
    block = figure.part(centre, x=x, z=z)
    size = block.scaled(size)[:, [1, 0, 2]]
    figure.sculptor.add("box", (0, 0, 0), size, material, frame=block.frame, z=90.0)
