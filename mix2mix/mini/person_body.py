"""The standing man of the Person family: his joints, his body in any outfit, and his face."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from torch import Tensor

from mix2mix.mini.family import Identity
from mix2mix.mini.shapes import Frame, Material, Scalar, Sculptor, Vector, vector

EYE = Material((0.08, 0.06, 0.06))
LIPS = Material((0.62, 0.25, 0.24))


@dataclass(frozen=True)
class Pose:
    """Arms in degrees, (left, right): `swing` forward at the shoulder, `bend` forward and `inward` at the elbow.

    What is None follows the identity. `lift` raises the feet, in metres, and `size` scales the figure.
    """

    swing: tuple[Scalar, Scalar] = (0.0, 0.0)
    bend: tuple[Scalar, Scalar] | None = None
    inward: tuple[Scalar, Scalar] = (0.0, 0.0)
    lift: float = 0.0
    size: float = 1.0


@dataclass(frozen=True)
class Figure:
    """A man's joints: two frames each (left, right; the same on the midline), all lengths for a man of 1.7 m.

    `height` [B] scales every length, `build` [B] the widths of all but the head.
    """

    sculptor: Sculptor
    frames: Mapping[str, tuple[Frame, Frame]]
    height: Tensor
    build: Tensor

    def add(
        self,
        joint: str,
        kind: str,
        centre: Sequence[Scalar],
        size: Sequence[Scalar],
        material: Material,
        *,
        side: int = 1,
        low: Sequence[Scalar] = (-1.0, -1.0, -1.0),
        high: Sequence[Scalar] = (1.0, 1.0, 1.0),
        x: Scalar = 0.0,
        y: Scalar = 0.0,
        z: Scalar = 0.0,
    ) -> None:
        """Add a part at a joint, described as on the right; `side` -1 mirrors it to the left."""
        if side < 0:
            low, high = (-high[0], *low[1:]), (-low[0], *high[1:])
        centre = (side * centre[0], *centre[1:])
        self.sculptor.add(
            kind, self._scaled(joint, centre), self._scaled(joint, size), material, low=low, high=high,
            frame=self.frames[joint][side > 0], x=x, y=side * y, z=side * z,
        )  # fmt: skip

    def pair(
        self,
        joint: str,
        kind: str,
        centre: Sequence[Scalar],
        size: Sequence[Scalar],
        material: Material,
        *,
        low: Sequence[Scalar] = (-1.0, -1.0, -1.0),
        high: Sequence[Scalar] = (1.0, 1.0, 1.0),
        x: Scalar = 0.0,
        y: Scalar = 0.0,
        z: Scalar = 0.0,
    ) -> None:
        """Add a part on the right and its mirror image on the left."""
        for side in (-1, 1):
            self.add(joint, kind, centre, size, material, side=side, low=low, high=high, x=x, y=y, z=z)

    def joint(self, name: str, parent: str, origin: Sequence[Scalar], *, side: int = 1, **degrees: Scalar) -> Self:
        """The figure with one more joint, at `origin` of its parent, turned by `x`, `y`, `z` degrees (not mirrored)."""
        frame = self.sculptor.frame(self._scaled(parent, origin), self.frames[parent][side > 0], **degrees)
        return replace(self, frames={**self.frames, name: (frame, frame)})

    def _scaled(self, joint: str, lengths: Sequence[Scalar]) -> Tensor:
        wide = self.height if joint == "head" else self.height * self.build
        return vector((lengths[0] * wide, lengths[1] * self.height, lengths[2] * wide), self.sculptor.batch)


def stand(sculptor: Sculptor, who: Identity, pose: Pose | None = None) -> Figure:
    """The joints of identities `who` in a pose."""
    pose = pose or Pose()
    height, build = who["height"] * pose.size, who["build"]
    root = sculptor.frame((0.0, pose.lift, 0.0), y=who["yaw"])
    frames = {
        "root": (root, root),
        "chest": (sculptor.frame((0.0, 0.98 * height, 0.0), root),) * 2,
        "head": (sculptor.frame((0.0, 1.50 * height, 0.0), root, y=who["turn"], z=who["tilt"]),) * 2,
    }
    arms = [_arm(sculptor, who, pose, root, side) for side in (0, 1)]
    wide = height * build
    feet = [sculptor.frame((s * 0.15 * wide, 0.0, 0.0), root, y=s * 14) for s in (-1, 1)]
    legs = [sculptor.frame((s * 0.115 * wide, 0.72 * height, 0.0), root, z=s * 3.5) for s in (-1, 1)]
    pairs = {"arm": (arms[0][0], arms[1][0]), "forearm": (arms[0][1], arms[1][1])}
    limbs = {"leg": (legs[0], legs[1]), "foot": (feet[0], feet[1])}
    return Figure(sculptor, frames | pairs | limbs, height, build)


def _arm(sculptor: Sculptor, who: Identity, pose: Pose, root: Frame, side: int) -> tuple[Frame, Frame]:
    """The frames of one shoulder and elbow; the limb runs down -y."""
    height, outward = who["height"] * pose.size, 2 * side - 1
    shoulder = (outward * 0.255 * height * who["build"], 1.19 * height, 0.0)
    raised = who["raise_right" if side else "raise_left"]
    bend = who["bend"] if pose.bend is None else pose.bend[side]
    arm = sculptor.frame(shoulder, root, x=-pose.swing[side], z=outward * raised)
    return arm, sculptor.frame((0.0, -0.26 * height, 0.0), arm, x=-bend, y=-outward * pose.inward[side])


@dataclass(frozen=True)
class Outfit:
    """What covers each part of the body."""

    torso: Material
    sleeve: Material
    forearm: Material
    hand: Material
    hips: Material
    thigh: Material
    shin: Material
    foot: Material
    neck: Material


def body(figure: Figure, outfit: Outfit) -> None:
    """The body below the head."""
    figure.add("root", "cylinder", (0, 1.30, 0), (0.075, 0.09, 0.075), outfit.neck)
    figure.add(
        "chest", "ellipsoid", (0, 0, 0), (0.245, 0.40, 0.165), outfit.torso, low=(-1, -0.8, -1), high=(1, 0.7, 1)
    )
    figure.add("chest", "ellipsoid", (0, 0.215, 0), (0.275, 0.095, 0.12), outfit.torso)
    figure.add("root", "ellipsoid", (0, 0.735, 0), (0.212, 0.14, 0.14), outfit.hips)
    figure.pair("arm", "ellipsoid", (0, -0.09, 0), (0.082, 0.18, 0.09), outfit.sleeve, low=(-1, -0.8, -1))
    figure.pair("forearm", "ellipsoid", (0, -0.08, 0), (0.062, 0.20, 0.065), outfit.forearm)
    figure.pair("forearm", "ellipsoid", (0, -0.28, 0), (0.058, 0.08, 0.06), outfit.hand)
    legs(figure, outfit.thigh, outfit.shin)
    figure.pair("foot", "ellipsoid", (0, 0.045, 0.045), (0.085, 0.085, 0.15), outfit.foot, low=(-1, -0.5, -1))


def legs(figure: Figure, thigh: Material, shin: Material) -> None:
    """Both legs down to the ankles."""
    figure.pair("leg", "ellipsoid", (0, -0.15, 0), (0.118, 0.34, 0.132), thigh, low=(-1, -0.75, -1))
    figure.pair("leg", "ellipsoid", (0, -0.44, 0), (0.098, 0.30, 0.105), shin, low=(-1, -0.75, -1))


def head(figure: Figure, skin: Material, hair: Material) -> None:
    """A bare head with short hair: skull, hair, ears, nose."""
    figure.add("head", "ellipsoid", (0, 0, 0), (0.158, 0.195, 0.165), skin)
    figure.add("head", "ellipsoid", (0, 0.03, -0.012), (0.172, 0.20, 0.178), hair, low=(-1, 0.12, -1), x=-24)
    figure.pair("head", "ellipsoid", (0.158, -0.01, -0.01), (0.028, 0.05, 0.035), skin)
    figure.add("head", "ellipsoid", (0, -0.03, 0.158), (0.03, 0.04, 0.035), skin)


def features(figure: Figure, eye: Material = EYE, lips: Material = LIPS) -> None:
    """Eyes and mouth on the face."""
    figure.pair("head", "ellipsoid", (0.06, 0.03, 0.148), (0.024, 0.03, 0.02), eye)
    figure.add("head", "ellipsoid", (0, -0.10, 0.142), (0.055, 0.014, 0.02), lips)


def paint(colour: Vector, *, sheen: Scalar = 0.0, glow: Scalar = 0.0) -> Material:
    """A plain material."""
    return Material(colour, sheen=sheen, glow=glow)
