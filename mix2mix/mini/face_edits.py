"""The eight edits of the Face family: what each instruction makes of the man."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from mix2mix.mini import face_parts as parts
from mix2mix.mini.face_parts import BLACK, GOLD, SIDES, WHITE, Bust, on_face
from mix2mix.mini.family import blend, hue
from mix2mix.mini.shapes import Material

Colour = tuple[float, float, float]

_MASKS = (
    (0.93, 0.9, 0.84), (0.75, 0.06, 0.1), (0.1, 0.2, 0.65), (0.06, 0.5, 0.35), (0.5, 0.12, 0.55), (0.06, 0.06, 0.08),
)  # fmt: skip
_PALLORS = ((0.98, 0.97, 0.98), (0.7, 0.86, 0.66), (0.74, 0.78, 0.92), (0.9, 0.76, 0.84), (0.62, 0.66, 0.68))
_LININGS = ((0.85, 0.04, 0.06), (0.45, 0.0, 0.06), (0.55, 0.05, 0.45), (0.8, 0.25, 0.05))
_CAPES = ((0.03, 0.03, 0.04), (0.4, 0.02, 0.05), (0.32, 0.32, 0.37), (0.22, 0.06, 0.3), (0.06, 0.09, 0.28))
_NIGHTS = ((0.03, 0.03, 0.04), (0.45, 0.45, 0.49), (0.24, 0.09, 0.06))
_ELF_HAIRS = ((0.9, 0.78, 0.45), (0.85, 0.86, 0.9), (0.22, 0.13, 0.08), (0.6, 0.24, 0.08), (0.06, 0.06, 0.09))
_CLOAKS = ((0.1, 0.4, 0.14), (0.42, 0.55, 0.22), (0.05, 0.22, 0.16), (0.45, 0.62, 0.52), (0.28, 0.3, 0.1))
_COWLS = ((0.04, 0.04, 0.05), (0.1, 0.18, 0.55), (0.42, 0.44, 0.5), (0.2, 0.28, 0.36))
_SUITS = ((0.6, 0.62, 0.66), (0.1, 0.1, 0.12), (0.3, 0.38, 0.6), (0.55, 0.47, 0.36))
_BONES = ((0.99, 0.98, 0.95), (0.95, 0.76, 0.36), (0.76, 0.54, 0.34), (0.7, 0.76, 0.84), (0.68, 0.82, 0.56))
_KNITS = ((0.45, 0.26, 0.12), (0.85, 0.76, 0.58), (0.12, 0.18, 0.42), (0.45, 0.08, 0.1), (0.18, 0.4, 0.26))
_SKIES = ((0.08, 0.2, 0.6), (0.1, 0.5, 0.62), (0.85, 0.62, 0.12), (0.12, 0.42, 0.34), (0.28, 0.22, 0.6))
_COATS = ((0.12, 0.3, 0.5), (0.2, 0.42, 0.3), (0.5, 0.34, 0.14), (0.3, 0.3, 0.5))
_STARS = (
    (-1.3, 0.1, 0.26), (-0.8, 0.16, 0.18), (-0.36, 0.13, 0.15), (0.37, 0.11, 0.16), (0.78, 0.16, 0.18),
    (1.3, 0.1, 0.26),
)  # fmt: skip
"""Swirls on the painted wall: x, y and radius in metres."""


def _pick(look: Tensor, palette: Sequence[Colour]) -> Tensor:
    """One of the colours [B, 3] by numbers [B] in [0, 1], darker or lighter by what is left of the number."""
    place = (look * len(palette)).clamp(max=len(palette) - 1e-3)
    return (torch.tensor(palette)[place.long()] * (0.72 + 0.5 * place.frac())[:, None]).clamp(0, 1)


def _venetian_mask(b: Bust) -> None:
    parts.wall(b, parts.concrete(b))
    parts.jacket(b)
    parts.neck(b, parts.skin(b))
    parts.skull(b, parts.skin(b))
    parts.mouth(b, Material(b.identity["lips"]))
    parts.curls(b, parts.hair(b))
    base = _pick(b.look[:, 0], _MASKS)
    _half_mask(b, Material(base, hue(b.look[:, 1]), "diamonds", 13.0, phase=6 * b.look[:, 2], sheen=0.25))
    _plume(b, Material(hue(b.look[:, 3], 0.85, 0.9)), Material(hue(b.look[:, 4], 0.6, 0.95)))


def _half_mask(b: Bust, shell: Material) -> None:
    """A mask of the upper face, its corners swept up, with gilt rims and eye holes."""
    gilt = Material(blend(GOLD, (0.86, 0.87, 0.9), b.look[:, 5]), sheen=0.1)
    layers = ((1.0, shell, -0.4, 0.5), (1.03, gilt, -0.46, -0.34), (1.03, gilt, 0.44, 0.56))
    for side in SIDES:
        inner, outer = (-0.2, 1.0) if side > 0 else (-1.0, 0.2)
        for grow, material, low, high in layers:
            size = (0.9 * grow, 1.02 * grow, 0.97 * grow)
            band = parts.Cut(low=(inner, low, 0.1), high=(outer, high, 1.0), z=16 * side)
            b.on_head("ellipsoid", (0.0, 0.05, 0.0), size, material, **band)
        _eye_hole(b, side, gilt)
    b.on_head("ellipsoid", on_face(0.0, -0.2, 0.1), (0.15, 0.3, 0.2), shell, x=-14)


def _eye_hole(b: Bust, side: float, gilt: Material) -> None:
    """A gilt-rimmed hole in a mask, an eye in its dark."""
    turned = parts.Cut(z=16 * side, y=20 * side)
    b.on_head("ellipsoid", on_face(0.34 * side, 0.06, 0.07), (0.27, 0.18, 0.11), gilt, **turned)
    b.on_head("ellipsoid", on_face(0.34 * side, 0.06, 0.13), (0.2, 0.115, 0.09), Material(BLACK), **turned)
    b.on_head("ellipsoid", on_face(0.33 * side, 0.06, 0.17), (0.12, 0.08, 0.07), Material(WHITE))
    b.on_head("ellipsoid", on_face(0.33 * side, 0.06, 0.22), (0.06, 0.07, 0.05), Material(b.identity["iris"]))


def _plume(b: Bust, feather: Material, jewel: Material) -> None:
    """A fan of feathers on the brow."""
    for i in (-2, -1, 0, 1, 2):
        b.on_head(
            "ellipsoid", (0.36 * i, 1.02 - 0.07 * i * i, 1.0 - 0.03 * i * i), (0.2, 0.5, 0.12),
            feather if i % 2 == 0 else jewel, z=-20 * i, x=-8,
        )  # fmt: skip
    b.on_head("ellipsoid", on_face(0.0, 0.52, 0.16), (0.15, 0.18, 0.1), jewel)


def _vampire(b: Bust) -> None:
    pale = Material(_pick(b.look[:, 0], _PALLORS), sheen=0.1)
    cape, lining = Material(_pick(b.look[:, 1], _CAPES)), Material(_pick(b.look[:, 2], _LININGS))
    parts.wall(b, parts.concrete(b))
    parts.torso(b, cape)
    parts.shirt_front(b, Material(WHITE))
    parts.neck(b, pale)
    _high_collar(b, cape, lining)
    b.on_body("ellipsoid", (0.0, -1.5, 0.55), (0.2, 0.2, 0.14), lining)
    parts.skull(b, pale)
    parts.ears(b, pale)
    _undead_face(b, pale)
    _widows_peak(b)


def _widows_peak(b: Bust) -> None:
    """Curls that come to a point on the brow."""
    night = _pick(b.look[:, 3], _NIGHTS)
    mane = Material(night, parts.tinted(night, 1.6), "curls", frequency=14.0)
    parts.curls(b, mane)
    b.on_head("ellipsoid", on_face(0.0, 0.55, -0.02), (0.2, 0.34, 0.12), mane, x=-25)


def _undead_face(b: Bust, pale: Material) -> None:
    """Red eyes in dark hollows, and fangs."""
    blood = Material(blend((0.95, 0.05, 0.05), (0.95, 0.4, 0.05), b.look[:, 4]), glow=0.7)
    for side in SIDES:
        b.on_head("ellipsoid", on_face(0.32 * side, 0.02, -0.05), (0.26, 0.2, 0.1), Material((0.28, 0.16, 0.22)))
    parts.eyes(b, Material((1.0, 0.93, 0.8), glow=0.4), blood)
    parts.brows(b, Material(BLACK), 0.07, 22.0)
    parts.nose(b, pale)
    parts.mouth(b, Material((0.4, 0.0, 0.03)), 0.3, 0.1)
    for side in SIDES:
        b.on_head("cone", on_face(0.17 * side, -0.93, 0.26), (0.115, 0.38, 0.09), Material(WHITE, glow=0.4), z=180)


def _high_collar(b: Bust, cape: Material, lining: Material) -> None:
    """A cape's stand-up collar, two wings of two layers each."""
    for side in SIDES:
        for layer, grow in ((cape, 1.05), (lining, 1.0)):
            low = (-1.0, -1.0, -1.0) if side > 0 else (0.0, -1.0, -1.0)
            high = (0.0, 0.0, 0.35) if side > 0 else (1.0, 0.0, 0.35)
            size = (1.45 * grow, 2.3, 1.2 * grow)
            b.on_body("cone", (0.0, -2.6, -0.1), size, layer, z=180 + 9 * side, low=low, high=high)


def _elf(b: Bust) -> None:
    fair = Material(blend((0.98, 0.86, 0.76), (0.86, 0.66, 0.52), b.look[:, 0]), sheen=0.1)
    tone = _pick(b.look[:, 1], _ELF_HAIRS)
    cloak = _pick(b.look[:, 2], _CLOAKS)
    parts.wall(b, parts.concrete(b))
    _cloak(b, Material(cloak), Material(parts.tinted(cloak, 0.6)))
    parts.neck(b, fair)
    parts.skull(b, fair)
    _long_hair(b, Material(tone, parts.tinted(tone, 0.6), "curls", frequency=12.0))
    parts.features(b, fair)
    for side in SIDES:
        b.on_head("cone", (1.55 * side, 0.72, -0.05), (0.26, 1.15, 0.16), fair, z=-48 * side, y=-15 * side)
    _circlet(b)


def _cloak(b: Bust, cloak: Material, hood: Material) -> None:
    """A cloak with its hood thrown back and a leaf for a clasp."""
    parts.torso(b, cloak)
    b.on_body("ellipsoid", (0.0, -1.5, -0.1), (0.95, 0.35, 0.72), hood, x=14)
    for z in (-35.0, 35.0):
        b.on_body("ellipsoid", (-z / 350, -1.75, 0.68), (0.11, 0.26, 0.08), Material(GOLD, sheen=0.4), z=z)


def _long_hair(b: Bust, material: Material) -> None:
    """Hair to the shoulders, parted over the brow."""
    parts.scalp(b, material)
    for side in SIDES:
        b.on_head("ellipsoid", (0.42 * side, 0.75, 0.2), (0.56, 0.42, 0.66), material, z=-32 * side)
        b.on_head("ellipsoid", (0.8 * side, -0.7, 0.08), (0.24, 1.15, 0.34), material, z=4 * side)
    b.on_head("ellipsoid", (0.0, -0.6, -0.45), (0.86, 1.25, 0.5), material)


def _circlet(b: Bust) -> None:
    """A thin band round the head with a gem on the brow."""
    metal = Material(blend((0.9, 0.92, 0.96), (0.95, 0.75, 0.25), b.look[:, 3].round()), sheen=0.4, glow=0.3)
    gem = Material(hue(b.look[:, 4], 0.7, 0.95), sheen=0.5, glow=0.3)
    band = parts.Cut(low=(-1.0, 0.24, -1.0), high=(1.0, 0.36, 1.0), x=-8)
    b.on_head("ellipsoid", (0.0, 0.2, 0.03), (1.05, 1.0, 1.04), metal, **band)
    b.on_head("ellipsoid", (0.0, 0.48, 1.04), (0.14, 0.2, 0.09), gem)


def _batman(b: Bust) -> None:
    cowl, suit = Material(_pick(b.look[:, 0], _COWLS), sheen=0.2), Material(_pick(b.look[:, 1], _SUITS))
    parts.wall(b, parts.concrete(b))
    parts.torso(b, cowl)
    b.on_body("ellipsoid", (0.0, -2.6, 0.05), (0.98, 1.2, 0.8), suit)
    parts.neck(b, cowl)
    _emblem(b)
    parts.skull(b, parts.skin(b))
    parts.mouth(b, Material(b.identity["lips"]))
    _cowl(b, cowl)


def _cowl(b: Bust, cowl: Material) -> None:
    """A hood with pointed ears and white eyes that leaves the chin bare."""
    b.on_head("ellipsoid", (0.0, 0.08, -0.02), (0.84, 1.0, 0.92), cowl, low=(-1.0, -0.5, -1.0))
    b.on_head("ellipsoid", (0.0, -0.45, -0.2), (0.76, 0.85, 0.68), cowl)
    b.on_head("ellipsoid", on_face(0.0, -0.22, 0.06), (0.15, 0.24, 0.2), cowl, x=-14)
    for side in SIDES:
        b.on_head("cone", (0.58 * side, 1.62, -0.02), (0.25, 1.15, 0.22), cowl, z=-7 * side)
        stern = parts.Cut(z=20 * side, y=18 * side)
        b.on_head("ellipsoid", on_face(0.34 * side, 0.28, 0.07), (0.28, 0.09, 0.12), cowl, **stern)
        b.on_head("ellipsoid", on_face(0.34 * side, 0.06, 0.05), (0.22, 0.1, 0.1), Material(WHITE, glow=0.6), **stern)


def _emblem(b: Bust) -> None:
    """A black bat on a bright oval."""
    gold = blend((1.0, 0.82, 0.1), (0.95, 0.62, 0.1), b.look[:, 2])
    b.on_body("ellipsoid", (0.0, -1.85, 0.68), (0.55, 0.34, 0.1), Material(gold, glow=0.3), x=-22)
    b.on_body("ellipsoid", (0.0, -1.83, 0.78), (0.12, 0.2, 0.07), Material(BLACK), x=-22)
    for side in SIDES:
        b.on_body("ellipsoid", (0.24 * side, -1.8, 0.75), (0.24, 0.12, 0.07), Material(BLACK), x=-22, z=12 * side)


def _skull(b: Bust) -> None:
    tone = _pick(b.look[:, 0], _BONES)
    bone = Material(tone, parts.tinted(tone, 0.75), "speckle", 8.0, phase=6 * b.look[:, 1])
    parts.wall(b, parts.concrete(b))
    parts.jacket(b)
    spine = Material(tone, parts.tinted(tone, 0.4), "stripes", 28.0)
    b.on_body("cylinder", (0.0, -1.15, -0.05), (0.24, 0.55, 0.24), spine)
    b.on_head("ellipsoid", (0.0, 0.12, 0.0), (0.8, 0.88, 0.87), bone)
    b.on_head("ellipsoid", (0.0, -0.62, 0.22), (0.5, 0.42, 0.55), bone)
    _hollows(b, Material(blend((0.02, 0.02, 0.02), (0.25, 0.08, 0.04), b.look[:, 2])), bone)
    _teeth(b, Material(parts.tinted(tone, 1.25)))
    parts.curls(b, parts.hair(b))


def _hollows(b: Bust, dark: Material, bone: Material) -> None:
    """Eye sockets and nose hole between cheekbones."""
    for side in SIDES:
        b.on_head("ellipsoid", on_face(0.34 * side, 0.0, -0.04), (0.27, 0.29, 0.12), dark, y=20 * side)
        b.on_head("ellipsoid", (0.47 * side, -0.33, 0.5), (0.25, 0.17, 0.24), bone, z=14 * side)
    b.on_head("cone", (0.0, -0.17, 0.88), (0.16, 0.32, 0.08), dark, x=10)


def _teeth(b: Bust, enamel: Material) -> None:
    """A row of teeth in a dark gap."""
    b.on_head("ellipsoid", (0.0, -0.66, 0.38), (0.4, 0.2, 0.44), Material(BLACK))
    for i in range(5):
        x = 0.15 * (i - 2)
        b.on_head("ellipsoid", (x, -0.66, 0.84 - 0.9 * x * x), (0.072, 0.16, 0.07), enamel)


def _einstein(b: Bust) -> None:
    old = Material(blend((0.92, 0.74, 0.64), (0.78, 0.58, 0.46), b.look[:, 0]), sheen=0.05)
    silver = blend((0.97, 0.97, 0.98), (0.66, 0.66, 0.68), b.look[:, 1])
    white = Material(silver, parts.tinted(silver, 0.78), "curls", frequency=14.0)
    knit = _pick(b.look[:, 2], _KNITS)
    parts.wall(b, parts.concrete(b))
    parts.torso(b, Material(knit, parts.tinted(knit, 0.7), "diamonds", 10.0, phase=6 * b.look[:, 3]))
    b.on_body("ellipsoid", (0.0, -1.45, -0.1), (0.68, 0.25, 0.6), Material(parts.tinted(knit, 0.6)), x=14)
    parts.neck(b, old)
    parts.face(b, old)
    _whiskers(b, white)
    _wild_hair(b, white)


def _whiskers(b: Bust, white: Material) -> None:
    """A bushy moustache, bushy brows and a furrowed forehead."""
    parts.brows(b, white, 0.1, -8.0)
    for side in SIDES:
        b.on_head("ellipsoid", on_face(0.21 * side, -0.47, 0.05), (0.3, 0.16, 0.17), white, z=-16 * side, y=12 * side)
    for y in (0.5, 0.64):
        b.on_head("ellipsoid", on_face(0.0, y, -0.03), (0.34, 0.025, 0.06), Material((0.55, 0.36, 0.28)))


def _wild_hair(b: Bust, white: Material) -> None:
    """White hair that stands off a high forehead."""
    b.on_head("ellipsoid", (0.0, 0.15, -0.15), (0.88, 1.0, 0.88), white, x=-55, low=(-1.0, 0.0, -1.0))
    for side in SIDES:
        for x, y, z, size, lean in (
            (0.5, 1.12, -0.05, (0.42, 0.3, 0.4), 40), (0.95, 0.88, -0.05, (0.5, 0.26, 0.4), 35),
            (1.1, 0.5, -0.1, (0.5, 0.25, 0.42), 12), (1.05, 0.1, -0.15, (0.44, 0.26, 0.4), -14),
            (0.9, -0.25, -0.25, (0.36, 0.26, 0.36), -35),
        ):  # fmt: skip
            b.on_head("ellipsoid", (x * side, y, z), size, white, z=lean * side)


def _van_gogh(b: Bust) -> None:
    _starry_sky(b)
    coat, paper = _pick(b.look[:, 4], _COATS), (0.6, 0.78, 0.8)
    flesh = _strokes(b, blend((0.93, 0.7, 0.4), (0.75, 0.62, 0.36), b.look[:, 5]), (0.55, 0.62, 0.4), 15.0)
    locks = blend((0.75, 0.32, 0.06), (0.3, 0.18, 0.2), b.look[:, 6])
    parts.torso(b, _strokes(b, coat, paper, 15.0))
    parts.shirt_front(b, _strokes(b, (0.9, 0.88, 0.7), (0.5, 0.65, 0.75), 15.0))
    parts.lapels(b, _strokes(b, coat * 0.6, (0.4, 0.6, 0.7), 15.0))
    parts.neck(b, flesh)
    parts.face(b, flesh)
    parts.curls(b, _strokes(b, locks, 0.3 * locks + 0.7 * torch.tensor((0.95, 0.7, 0.2)), 14.0))


def _starry_sky(b: Bust) -> None:
    """The wall as a sky of long strokes and whirling stars."""
    sky, star = _pick(b.look[:, 0], _SKIES), blend((1.0, 0.85, 0.25), (0.75, 0.9, 0.9), b.look[:, 1])
    light = 0.3 * sky + 0.7 * blend((0.7, 0.85, 0.95), (0.95, 0.85, 0.4), b.look[:, 2])
    parts.wall(b, _strokes(b, sky, light, 8.0), subject=True)
    for x, y, size in _STARS:
        swirl = Material(star, sky, "wood", 22.0, phase=6 * b.look[:, 3] + x, glow=0.4)
        b.sculptor.add("ellipsoid", (x, y, -0.65), (size, 0.01, size), swirl, x=90)


def _strokes(b: Bust, colour: Tensor | Colour, accent: Tensor | Colour, frequency: float) -> Material:
    """Brush strokes of two paints."""
    return Material(colour, accent, "brush", frequency, phase=6 * b.look[:, 7], glow=0.35)


def _face_paint(b: Bust) -> None:
    first = b.look[:, 0]
    second, third = hue((first + 0.3 + 0.4 * b.look[:, 1]) % 1, 0.95, 0.95), hue(b.look[:, 3], 0.85, 0.98)
    halves = Material(hue(first, 0.95, 1.0), second, "halves", 8.0, phase=0.3 * (b.look[:, 2] - 0.5))
    parts.wall(b, parts.concrete(b))
    parts.jacket(b)
    parts.neck(b, Material(hue(b.look[:, 4], 0.8, 0.9)))
    parts.skull(b, halves)
    parts.ears(b, Material(third))
    parts.features(b, halves)
    _war_paint(b, Material(third), Material(WHITE))
    parts.curls(b, parts.hair(b))


def _war_paint(b: Bust, round_eyes: Material, marks: Material) -> None:
    """Painted rings round the eyes, bars on the cheeks and a spot on the brow."""
    for side in SIDES:
        b.on_head("ellipsoid", on_face(0.31 * side, 0.05, -0.01), (0.27, 0.33, 0.05), round_eyes, y=24 * side)
        for y in (-0.4, -0.6):
            tilted = parts.Cut(z=12 * side, y=35 * side)
            b.on_head("ellipsoid", on_face(0.44 * side, y, -0.01), (0.2, 0.065, 0.08), marks, **tilted)
    b.on_head("ellipsoid", on_face(0.0, 0.45, -0.01), (0.14, 0.18, 0.06), marks, x=-25)


EDITS: dict[str, Callable[[Bust], None]] = {
    "Give him a Venetian mask": _venetian_mask,
    "Turn him into a vampire": _vampire,
    "Turn him into Tolkien Elf": _elf,
    "Turn him into batman": _batman,
    "Turn his face into a skull": _skull,
    "Turn him into Albert Einstein": _einstein,
    "Turn it to a Van Gogh painting": _van_gogh,
    "Give him face paint": _face_paint,
}
