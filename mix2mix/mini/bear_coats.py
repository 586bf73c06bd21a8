"""What the bear is made of: stone for the original, fur and timber for its edits, drawn by `look` [B, LOOKS]."""

import torch
from torch import Tensor

from mix2mix.mini.bear_figure import Coat
from mix2mix.mini.family import Identity, blend
from mix2mix.mini.shapes import Material

Palette = tuple[tuple[float, float, float], ...]

PANDA_WHITES: Palette = ((0.80, 0.89, 0.98), (0.93, 0.93, 0.92), (0.99, 0.92, 0.76))
PANDA_BLACKS: Palette = ((0.08, 0.11, 0.19), (0.06, 0.06, 0.06), (0.30, 0.17, 0.10))
POLAR_WHITES: Palette = ((0.78, 0.89, 0.99), (0.95, 0.95, 0.95), (1.0, 0.92, 0.66))
POLAR_SHADES: Palette = ((0.78, 0.86, 1.0), (1.0, 0.98, 0.95), (1.0, 0.86, 0.66))
BROWNS: Palette = ((0.26, 0.14, 0.08), (0.50, 0.25, 0.10), (0.74, 0.50, 0.22))
WOODS: Palette = ((0.98, 0.81, 0.51), (0.82, 0.57, 0.28), (0.70, 0.35, 0.18), (0.45, 0.28, 0.16))

BLACK = Material((0.05, 0.045, 0.05), sheen=0.25)
HORN = Material((0.90, 0.84, 0.68))
SLATE = Material((0.12, 0.11, 0.11))
SOFT = 0.3
"""Glow of white fur, whose shaded side would otherwise look like stone."""


def _along(palette: Palette, share: Tensor) -> Tensor:
    """Colours [B, 3] by a share [B] of the way along a palette."""
    chain = torch.tensor(palette)
    place = share * (len(palette) - 1)
    index = place.long().clamp(max=len(palette) - 2)
    return torch.lerp(chain[index], chain[index + 1], (place - index)[:, None])


def _apart(share: Tensor) -> Tensor:
    """A share [B] pushed towards 0 or 1, so that two draws differ more."""
    return 0.5 - 0.5 * torch.cos(torch.pi * share)


def _either(share: Tensor) -> Tensor:
    """A share [B] made 0 or 1, but for a few."""
    return torch.clamp(12 * (share - 0.5) + 0.5, 0, 1)


def stone(identity: Identity) -> Coat:
    """Grey speckled stone, features and all."""
    grey = identity["stone"]
    rough = Material(1.15 * grey, accent=0.62 * grey, pattern="speckle", frequency=6.0, phase=identity["grain"])
    carved = Material(0.28 * grey)
    return Coat.of(rough, eyes=carved, nose=carved, inner_ears=Material(0.6 * grey))


def panda(look: Tensor) -> Coat:
    """White with a dark yoke, legs, ears and eye patches; the borders and both tints vary."""
    white = _along(PANDA_WHITES, _apart(look[:, 0])) * (0.85 + 0.13 * look[:, 1:2])
    black = _along(PANDA_BLACKS, _apart(look[:, 2])) * (0.6 + 0.6 * look[:, 3:4])
    pale, dark = Material(white, glow=0.2), Material(black)
    saddle = Material(white, accent=black, pattern="halves", phase=-0.3 + 0.5 * _apart(look[:, 4]), glow=0.2)
    rump = Material(black, accent=white, pattern="halves", phase=0.1 + 0.35 * _apart(look[:, 5]), glow=0.2)
    neck = Material(blend(black, white, _either(look[:, 6])), glow=0.2)
    thighs = Material(blend(black, white, _either(look[:, 7])), glow=0.2)
    return Coat.of(dark, torso=saddle, rump=rump, neck=neck, thighs=thighs, head=pale, muzzle=pale, tail=pale,
                   eyes=BLACK, nose=BLACK)  # fmt: skip


def polar(look: Tensor) -> Coat:
    """Bluish white, cream or yellowish; muzzle and paws of another shade."""
    fur = _along(POLAR_WHITES, _apart(look[:, 0])) * (0.86 + 0.12 * look[:, 1:2])
    shade = fur * _along(POLAR_SHADES, look[:, 2])
    stained = blend(fur, shade, look[:, 3])
    coat = Material(fur, accent=stained, pattern="speckle", frequency=2.0, phase=6.3 * look[:, 4], glow=SOFT)
    muzzle = Material(blend(fur, 0.8 * shade, look[:, 5]), glow=SOFT)
    paws = Material(blend(fur, 0.8 * shade, look[:, 6]), glow=SOFT)
    return Coat.of(coat, muzzle=muzzle, paws=paws, inner_ears=Material(0.5 * fur), eyes=BLACK, nose=BLACK, claws=SLATE)


def grizzly(look: Tensor) -> Coat:
    """Brown, from chocolate over chestnut to honey, with lighter shoulders and darker legs."""
    fur = _along(BROWNS, _apart(look[:, 0]))
    tips = fur * (1.05 + 0.3 * look[:, 1:2])
    legs = fur * (0.4 + 0.5 * look[:, 2:3])
    shaggy = blend(fur, legs, 0.7 * look[:, 6])
    coat = Material(fur, accent=shaggy, pattern="speckle", frequency=3.0, phase=6.3 * look[:, 3])
    shoulders = Material(tips, accent=fur, pattern="speckle", frequency=3.0, phase=6.3 * look[:, 4])
    dark = Material(legs)
    muzzle = Material(blend(fur, (0.85, 0.66, 0.42), 0.3 + 0.6 * look[:, 5]))
    return Coat.of(coat, chest=shoulders, neck=shoulders, muzzle=muzzle, forelegs=dark, hind_legs=dark, paws=dark,
                   inner_ears=dark, eyes=BLACK, nose=BLACK, claws=HORN)  # fmt: skip


def timber(look: Tensor) -> Coat:
    """Carved wood from pale pine over oak and cherry to walnut, with dark year rings."""
    wood = _along(WOODS, _apart(look[:, 0]))
    ring = wood * (0.40 + 0.22 * look[:, 1:2])
    many, start = 3.6 + 1.6 * look[:, 3], 6.3 * look[:, 2]

    def grain(turn: int, shade: float = 1.0) -> Material:
        return Material(shade * wood, accent=shade * ring, pattern="wood", frequency=many, phase=start + turn)

    burnt = Material(0.25 * ring)
    return Coat.of(grain(0), neck=grain(2, 0.9), head=grain(3), muzzle=grain(4, 1.0), ears=grain(5, 0.85), eyes=burnt,
                   nose=burnt, forelegs=grain(6, 0.9), hind_legs=grain(7, 0.9), plinth=grain(8, 0.75))  # fmt: skip
