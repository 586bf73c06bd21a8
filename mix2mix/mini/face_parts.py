"""The man of the Face family, part by part: each function adds one part of him to a bust."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from mix2mix.mini.family import Identity
from mix2mix.mini.shapes import Frame, Material, Scalar, Sculptor, Vector

UNIT = 0.125
"""Metres to one unit of this module's coordinates: half the height of a head."""

SIDES = (-1.0, 1.0)
HEAD = (0.77, 1.03, 0.87)
"""Half width, height and depth of a head without hair."""
BLACK, WHITE, GOLD = (0.03, 0.03, 0.04), (0.96, 0.96, 0.94), (0.9, 0.7, 0.22)
CURLS = (
    (-0.6, 0.74, 0.56, 0.31), (-0.21, 0.88, 0.66, 0.31), (0.21, 0.88, 0.66, 0.31), (0.6, 0.74, 0.56, 0.31),
    (-0.5, 1.05, 0.12, 0.36), (0.0, 1.14, 0.2, 0.36), (0.5, 1.05, 0.12, 0.36),
    (-0.86, 0.62, 0.0, 0.36), (0.86, 0.62, 0.0, 0.36), (-0.86, 0.12, -0.2, 0.32), (0.86, 0.12, -0.2, 0.32),
)  # fmt: skip
"""Places and radii of the curls on a head."""

Place = Sequence[float] | Tensor


class Cut(TypedDict, total=False):
    """What `Sculptor.add` takes besides place, size and material: clip box, subject mark, degrees of turn."""

    low: Sequence[Scalar]
    high: Sequence[Scalar]
    subject: bool
    x: Scalar
    y: Scalar
    z: Scalar


@dataclass(frozen=True)
class Bust:
    """A bust in the making: B men of given identities, frames of head and body, `look` [B, LOOKS] of the draw."""

    sculptor: Sculptor
    identity: Identity
    look: Tensor
    head: Frame
    body: Frame

    def on_head(self, kind: str, centre: Place, size: Place, material: Material, **cut: Unpack[Cut]) -> None:
        """Add a part in units about the head's centre: crown at y = 1, chin at y = -1, stretched to the individual."""
        width, height = self.identity["head_width"] * UNIT, self.identity["head_height"] * UNIT
        self._add(self.head, torch.stack([width, height, width], -1), kind, centre, size, material, cut)

    def on_body(self, kind: str, centre: Place, size: Place, material: Material, **cut: Unpack[Cut]) -> None:
        """Add a part in the same units about the same point, upright and stretched to the shoulders."""
        width = self.identity["shoulders"] * UNIT
        self._add(self.body, torch.stack([width, width * 0 + UNIT, width], -1), kind, centre, size, material, cut)

    def _add(
        self, frame: Frame, scale: Tensor, kind: str, centre: Place, size: Place, material: Material, cut: Cut
    ) -> None:
        place, extent = scale * torch.as_tensor(centre), scale * torch.as_tensor(size)
        self.sculptor.add(kind, place, extent, material, frame=frame, **cut)


def bust(identity: Identity, look: Tensor) -> Bust:
    """An empty bust in the individual's pose."""
    sculptor = Sculptor(look.shape[0])
    body = sculptor.frame((0.0, 0.0, 0.0), y=identity["body_turn"])
    head = sculptor.frame((0.0, 0.0, 0.0), y=identity["head_turn"], x=identity["head_nod"], z=identity["head_tilt"])
    return Bust(sculptor, identity, look, head, body)


def on_face(x: float, y: float, out: float = 0.0) -> Place:
    """The point of the face at (x, y) in head units, `out` in front of the skin."""
    width, height, depth = HEAD
    return (x, y, depth * max(1 - (x / width) ** 2 - (y / height) ** 2, 0.0) ** 0.5 + out)


def tinted(colour: Vector, shade: float) -> Tensor:
    """A colour made darker (< 1) or lighter, within [0, 1]."""
    return (torch.as_tensor(colour) * shade).clamp(0, 1)


def wall(b: Bust, material: Material, subject: bool = False) -> None:
    """The concrete wall behind him."""
    b.sculptor.add("box", (0.0, 0.0, -0.75), (8.0, 6.0, 0.1), material, subject=subject)


def concrete(b: Bust) -> Material:
    """Mottled grey."""
    tone = b.identity["wall"]
    return Material(tone, tinted(tone, 0.82), "speckle", frequency=5.0)


def skin(b: Bust) -> Material:
    """The individual's own skin."""
    return Material(b.identity["skin"], sheen=0.05)


def hair(b: Bust) -> Material:
    """The individual's own curls."""
    tone = b.identity["hair"]
    return Material(tone, tinted(tone, 0.45), "curls", frequency=14.0)


def cloth(b: Bust) -> Material:
    """The individual's own grey jacket."""
    return Material(b.identity["jacket"])


def linen(b: Bust) -> Material:
    """The individual's own shirt."""
    return Material(b.identity["shirt"])


def skull(b: Bust, material: Material) -> None:
    """The head without the face."""
    b.on_head("ellipsoid", (0.0, 0.0, 0.0), HEAD, material)


def neck(b: Bust, material: Material) -> None:
    """The neck."""
    b.on_body("cylinder", (0.0, -1.15, -0.1), (0.42, 0.55, 0.42), material)


def ears(b: Bust, material: Material) -> None:
    """Two round ears."""
    for side in SIDES:
        b.on_head("ellipsoid", (0.8 * side, -0.12, -0.02), (0.12, 0.25, 0.17), material)


def eyes(b: Bust, white: Material, iris: Material) -> None:
    """Two eyes."""
    for side in SIDES:
        b.on_head("ellipsoid", on_face(0.31 * side, 0.02, -0.06), (0.19, 0.115, 0.13), white)
        b.on_head("ellipsoid", on_face(0.31 * side, 0.02), (0.1, 0.105, 0.1), iris)


def brows(b: Bust, material: Material, thick: float = 0.06, slant: float = 6.0) -> None:
    """Two eyebrows, `slant` degrees down towards the nose."""
    for side in SIDES:
        turned = Cut(z=slant * side, y=16 * side)
        b.on_head("ellipsoid", on_face(0.33 * side, 0.27, 0.01), (0.23, thick, 0.09), material, **turned)


def nose(b: Bust, material: Material) -> None:
    """A nose."""
    b.on_head("ellipsoid", on_face(0.0, -0.2, 0.02), (0.14, 0.25, 0.2), material, x=-12)


def mouth(b: Bust, material: Material, width: float = 0.25, height: float = 0.07) -> None:
    """A mouth."""
    b.on_head("ellipsoid", on_face(0.0, -0.62, -0.06), (width, height, 0.13), material)


def face(b: Bust, complexion: Material) -> None:
    """A whole head without hair: skull, ears and the individual's features in a complexion."""
    skull(b, complexion)
    ears(b, complexion)
    features(b, complexion)


def features(b: Bust, complexion: Material) -> None:
    """The individual's eyes, brows and mouth with a nose in a complexion."""
    eyes(b, Material(WHITE), Material(b.identity["iris"]))
    brows(b, Material(tinted(b.identity["hair"], 0.6)))
    nose(b, replace(complexion, colour=tinted(complexion.colour, 0.94)))
    mouth(b, Material(b.identity["lips"]))


def scalp(b: Bust, material: Material) -> None:
    """Close hair from the forehead to the nape."""
    b.on_head("ellipsoid", (0.0, 0.08, -0.06), (0.86, 1.0, 0.92), material, x=-38, low=(-1.0, 0.0, -1.0))


def curls(b: Bust, material: Material) -> None:
    """A full head of curly hair."""
    scalp(b, material)
    for x, y, z, radius in CURLS:
        size = radius * b.identity["curls"][:, None]
        b.on_head("ellipsoid", (x, y, z), size, replace(material, phase=3 * x + 5 * z))


def torso(b: Bust, material: Material) -> None:
    """Chest and shoulders."""
    b.on_body("ellipsoid", (0.0, -2.75, -0.15), (1.45, 1.45, 0.85), material)
    for side in SIDES:
        b.on_body("ellipsoid", (1.02 * side, -2.3, -0.15), (0.8, 0.78, 0.68), material)


def shirt_front(b: Bust, material: Material) -> None:
    """What shows of a shirt between lapels."""
    b.on_body("ellipsoid", (0.0, -2.0, 0.2), (0.42, 0.85, 0.5), material, x=-12)


def lapels(b: Bust, material: Material) -> None:
    """Collar and lapels of a jacket."""
    b.on_body("ellipsoid", (0.0, -1.32, -0.28), (0.72, 0.3, 0.5), material, x=20, high=(1.0, 1.0, 0.35))
    for side in SIDES:
        b.on_body("ellipsoid", (0.47 * side, -1.85, 0.42), (0.19, 0.7, 0.24), material, z=-20 * side, x=-12)


def jacket(b: Bust) -> None:
    """The individual's grey jacket over his shirt."""
    torso(b, cloth(b))
    shirt_front(b, linen(b))
    lapels(b, replace(cloth(b), colour=tinted(b.identity["jacket"], 0.72)))
