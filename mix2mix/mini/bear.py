"""The Bear family: a stone bear on a slab in a garden, and the four bears that its edits make of it."""

from collections.abc import Callable

import torch
from torch import Tensor

from mix2mix.mini.bear_coats import grizzly, panda, polar, stone, timber
from mix2mix.mini.bear_figure import Anatomy, Figure, bear, hewn_bear, stand
from mix2mix.mini.family import Family, Identity, Rig, colour_near, uniform
from mix2mix.mini.shapes import Material, Primitives, Sculptor

SLAB = 0.14
"""Height of the slab in metres."""

RIG = Rig(
    target=(0.0, 0.76, 0.0), distance=3.4, focal=1.65, elevation=(7.0, 17.0),
    held_out=(-30.0, 5.0, 32.0, 130.0, -52.0, 18.0, 55.0, -12.0), spread=60.0, far=2,
)  # fmt: skip

RANGES = {
    "heading": (25.0, 52.0), "length": (0.94, 1.06), "height": (0.95, 1.07), "girth": (0.92, 1.1), "head": (0.95, 1.1),
    "nod": (-6.0, 12.0), "glance": (-32.0, 12.0), "ears": (0.85, 1.15), "gait": (-9.0, 9.0), "grain": (0.0, 6.3),
    "wander": (-6.0, 6.0), "growth": (0.85, 1.15),
}  # fmt: skip
"""Lowest and highest of each measure: degrees, factors on a medium bear, radians."""

COLOURS = {
    "stone": (0.60, 0.60, 0.60), "slab": (0.74, 0.68, 0.58), "grass": (0.36, 0.56, 0.22), "hedge": (0.16, 0.36, 0.15),
    "bush": (0.26, 0.50, 0.20), "bark": (0.36, 0.26, 0.18), "flower": (0.80, 0.35, 0.45),
}  # fmt: skip

# Azimuth in degrees and distance from the bear, off every line from a camera to it.
BUSHES = ((86.0, 2.9), (-88.0, 2.9), (180.0, 2.9), (-42.0, 4.7), (-140.0, 4.6))
TRUNKS = ((158.0, 4.9), (-158.0, 5.3), (-66.0, 5.2))


def _sample(generator: torch.Generator, batch: int) -> Identity:
    """Random bears and gardens."""
    measures = {name: uniform(generator, batch, *ends) for name, ends in RANGES.items()}
    colours = {name: colour_near(generator, batch, rgb) for name, rgb in COLOURS.items()}
    grey = colour_near(generator, batch, COLOURS["stone"], 0.02) + uniform(generator, batch, -0.14, 0.12)[:, None]
    return measures | colours | {"stone": grey}


def _held_out() -> Identity:
    """The benchmark's bear."""
    measures = {
        "heading": 38.0, "length": 1.0, "height": 1.0, "girth": 1.0, "head": 1.02, "nod": 4.0, "glance": -12.0,
        "ears": 1.05, "gait": 5.0, "grain": 2.0, "wander": 2.0, "growth": 1.0,
    }  # fmt: skip
    tensors = {name: torch.tensor([value]) for name, value in measures.items()}
    return tensors | {name: torch.tensor([rgb]) for name, rgb in COLOURS.items()}


def _garden(sculptor: Sculptor, identity: Identity) -> None:
    _lawn(sculptor, identity)
    for azimuth, distance in BUSHES:
        _bush(sculptor, identity, azimuth, distance)
    bark = Material(identity["bark"], accent=0.7 * identity["bark"], pattern="speckle", frequency=1.5)
    for azimuth, distance in TRUNKS:
        place = sculptor.frame((0, 0, 0), y=azimuth + identity["wander"])
        sculptor.add("cylinder", (0, 1.5, distance), (0.2, 1.5, 0.2), bark, frame=place, subject=False, z=4.0)


def _lawn(sculptor: Sculptor, identity: Identity) -> None:
    """Ground, a hedge all around, and the slab."""
    grass, hedge = identity["grass"], identity["hedge"]
    lawn = Material(grass, accent=0.78 * grass, pattern="speckle", frequency=1.3)
    sculptor.add("box", (0, -0.1, 0), (9, 0.1, 9), lawn, subject=False)
    leaves = Material(hedge, accent=1.7 * hedge, pattern="speckle", frequency=1.5)
    sculptor.add("cylinder", (0, 0.75, 0), (6.2, 0.75, 6.2), leaves, subject=False)
    slab = Material(identity["slab"], accent=0.85 * identity["slab"], pattern="speckle", frequency=2.5)
    sculptor.add("box", (0, SLAB / 2, 0), (0.64, SLAB / 2, 0.98), slab, subject=False, y=identity["heading"])


def _bush(sculptor: Sculptor, identity: Identity, azimuth: float, distance: float) -> None:
    leaves = Material(identity["bush"], accent=identity["flower"], pattern="dots", frequency=2.6, phase=azimuth)
    place = sculptor.frame((0, 0, 0), y=azimuth + identity["wander"])
    size = torch.stack([0.6 * identity["growth"], 0.55 * identity["growth"], 0.5 * identity["growth"]], -1)
    sculptor.add("ellipsoid", (0, 0.3, distance), size, leaves, frame=place, subject=False)


PANDA = Anatomy(
    skull=(0.34, 0.30, 0.29), muzzle=(0.15, 0.11, 0.12), ear=0.125, reach=(1.02, 0.42), patch=0.1, girth=1.06
)
POLAR = Anatomy(skull=(0.23, 0.21, 0.27), muzzle=(0.125, 0.105, 0.2), ear=0.07, reach=(1.02, 0.5), claw=0.07)
GRIZZLY = Anatomy(reach=(0.95, 0.48), hump=0.26, claw=0.13)

EDITS: dict[str, Callable[[Figure, Identity, Tensor], None]] = {
    "Turn the bear to a panda bear": lambda figure, identity, look: bear(figure, identity, PANDA, panda(look)),
    "Turn the bear to a polar bear": lambda figure, identity, look: bear(figure, identity, POLAR, polar(look)),
    "Turn the bear to a grizzly bear": lambda figure, identity, look: bear(figure, identity, GRIZZLY, grizzly(look)),
    "Turn the bear to a wooden bear": lambda figure, identity, look: hewn_bear(figure, identity, timber(look)),
}


def _sculpt(identity: Identity, instruction: str | None, look: Tensor) -> Primitives:
    """The garden and its bear: of stone, or edited by an instruction."""
    sculptor = Sculptor(len(look))
    _garden(sculptor, identity)
    figure = stand(sculptor, identity, SLAB)
    if instruction is None:
        bear(figure, identity, Anatomy(), stone(identity))
    else:
        EDITS[instruction](figure, identity, look)
    return sculptor.build()


BEAR = Family("bear", "A stone bear in a garden", tuple(EDITS), RIG, _sample, _held_out, _sculpt)
