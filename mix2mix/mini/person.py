"""The Person family: a man in a blue T-shirt and brown pants who stands before a wall, and eight edits of him."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mix2mix.mini.family import Family, Identity, Rig, uniform
from mix2mix.mini.person_body import Outfit, body, features, head, paint, stand
from mix2mix.mini.person_edits import EDITS
from mix2mix.mini.person_looks import Colour, along
from mix2mix.mini.shapes import Material, Primitives, Sculptor

PALETTES: Mapping[str, Sequence[Colour]] = {
    "skin": ((0.96, 0.80, 0.70), (0.86, 0.64, 0.50), (0.66, 0.45, 0.32), (0.42, 0.27, 0.19)),
    "hair": ((0.07, 0.06, 0.06), (0.26, 0.15, 0.08), (0.45, 0.20, 0.09), (0.70, 0.50, 0.16)),
    "shirt": ((0.10, 0.20, 0.55), (0.16, 0.38, 0.80), (0.35, 0.62, 0.92)),
    "pants": ((0.26, 0.15, 0.08), (0.44, 0.27, 0.14), (0.60, 0.42, 0.24)),
    "shoes": ((0.10, 0.09, 0.09), (0.32, 0.18, 0.10), (0.75, 0.72, 0.68)),
    "wall": ((0.62, 0.36, 0.27), (0.66, 0.60, 0.50), (0.56, 0.58, 0.58), (0.52, 0.58, 0.48)),
    "ground": ((0.44, 0.43, 0.42), (0.58, 0.54, 0.47), (0.50, 0.44, 0.40)),
}  # fmt: skip

RIG = Rig(
    target=(0.0, 0.90, 0.0), distance=4.4, focal=2.06, elevation=(3.0, 13.0),
    held_out=(-42.0, -14.0, 12.0, 44.0, -57.0, -28.0, 28.0, 58.0), spread=60.0,
)  # fmt: skip


def sample(generator: torch.Generator, batch: int) -> Identity:
    """Random men, walls and grounds."""
    ranges = {
        "height": (0.96, 1.03), "build": (0.92, 1.10), "yaw": (-16, 16), "turn": (-18, 18), "tilt": (-5, 5),
        "raise_left": (10, 24), "raise_right": (10, 24), "bend": (8, 35), "wall_height": (1.9, 2.6),
        "block": (0.8, 1.3), "shift": (0, 6.28), "slab": (0.7, 1.1),
    }  # fmt: skip
    scale = {name: uniform(generator, batch, low, high) for name, (low, high) in ranges.items()}
    colours = {name: _colour(generator, batch, stops) for name, stops in PALETTES.items()}
    return scale | colours | {"mortar": uniform(generator, batch, -0.14, 0.14)[:, None].expand(-1, 3)}


def _colour(generator: torch.Generator, batch: int, stops: Sequence[Colour]) -> Tensor:
    jitter = 0.03 * (2 * torch.rand(batch, 3, generator=generator) - 1)
    return (along(uniform(generator, batch, 0, 1), stops) + jitter).clamp(0, 1)


def held_out() -> Identity:
    """The benchmark's man."""
    numbers = {
        "height": 1.0, "build": 1.02, "yaw": 3.0, "turn": -6.0, "tilt": 2.0, "raise_left": 17.0, "raise_right": 14.0,
        "bend": 20.0, "wall_height": 2.25, "block": 1.0, "shift": 1.3, "slab": 0.85,
    }  # fmt: skip
    colours = {
        "skin": (0.87, 0.67, 0.54), "hair": (0.24, 0.14, 0.08), "shirt": (0.16, 0.36, 0.78),
        "pants": (0.43, 0.27, 0.15), "shoes": (0.16, 0.13, 0.12), "wall": (0.64, 0.53, 0.43),
        "ground": (0.52, 0.49, 0.45), "mortar": (0.10, 0.10, 0.09),
    }  # fmt: skip
    return {k: torch.tensor([v]) for k, v in numbers.items()} | {k: torch.tensor([v]) for k, v in colours.items()}


def sculpt(who: Identity, instruction: str | None, look: Tensor) -> Primitives:
    """The scene of identities `who`: the original (None) or an edit whose appearance `look` [B, LOOKS] draws."""
    sculptor = Sculptor(len(look))
    _place(sculptor, who)
    if instruction is None:
        _man(sculptor, who)
    else:
        EDITS[instruction](sculptor, who, look)
    return sculptor.build()


def _place(sculptor: Sculptor, who: Identity) -> None:
    """Wall, paved ground and the man's contact shadow."""
    wall, ground = who["wall"], who["ground"]
    blocks = Material(wall, wall + who["mortar"], "plates", who["block"], who["shift"])
    slabs = Material(ground, ground - 0.12, "plates", who["slab"], who["shift"])
    tall = who["wall_height"] / 2
    sculptor.add("box", (0, tall, -0.75), (9, tall, 0.12), blocks, subject=False)
    sculptor.add("box", (0, -0.05, 0), (12, 12, 0.05), slabs, subject=False, x=90)
    sculptor.add("ellipsoid", (0, 0.0, 0.02), (0.42, 0.012, 0.26), paint(ground * 0.55), subject=False)


def _man(sculptor: Sculptor, who: Identity) -> None:
    figure = stand(sculptor, who)
    skin, shirt, pants, shoes = (paint(who[name]) for name in ("skin", "shirt", "pants", "shoes"))
    body(figure, Outfit(shirt, shirt, skin, skin, pants, pants, pants, shoes, skin))
    head(figure, skin, paint(who["hair"]))
    features(figure)


PERSON = Family(
    name="person",
    original_prompt="A man standing next to a wall wearing a blue T-shirt and brown pants",
    instructions=tuple(EDITS),
    rig=RIG,
    sample=sample,
    held_out=held_out,
    sculpt=sculpt,
)
