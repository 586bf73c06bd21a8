"""Edits of the person into things of metal and stone: Iron Man, a robot, a marble statue, a knight."""

from dataclasses import replace

from torch import Tensor

from mix2mix.mini.family import Identity, blend, hue
from mix2mix.mini.person_body import Figure, Outfit, Pose, body, features, head, paint, stand
from mix2mix.mini.person_looks import along, either, vivid
from mix2mix.mini.shapes import Material, Sculptor

DARK = paint((0.07, 0.07, 0.08))
REACTOR = paint((0.80, 0.97, 1.0), glow=1.0)
REDS = ((0.93, 0.20, 0.08), (0.28, 0.01, 0.05), (0.82, 0.05, 0.09))
GOLDS = ((0.66, 0.42, 0.08), (0.93, 0.68, 0.16), (0.99, 0.88, 0.50))
SHELLS = ((0.80, 0.42, 0.22), (0.96, 0.76, 0.20), (0.92, 0.93, 0.94), (0.52, 0.76, 0.68), (0.30, 0.40, 0.58))
TUBES = ((0.16, 0.17, 0.20), (0.48, 0.50, 0.54), (0.80, 0.82, 0.84))
STONES = ((0.74, 0.75, 0.78), (0.97, 0.96, 0.94), (0.98, 0.92, 0.82), (0.92, 0.84, 0.82))
VEINS = ((0.16, 0.18, 0.22), (0.38, 0.36, 0.38), (0.48, 0.32, 0.18), (0.20, 0.36, 0.32))
PLINTHS = ((0.14, 0.14, 0.16), (0.16, 0.34, 0.27), (0.55, 0.24, 0.20), (0.86, 0.82, 0.74))
STEELS = ((0.30, 0.32, 0.36), (0.58, 0.61, 0.65), (0.86, 0.88, 0.90), (0.80, 0.68, 0.42))


def iron_man(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """Red and gold armour with a glowing reactor, eyes and palms."""
    figure = stand(sculptor, who)
    red, gold = along(look[:, 0], REDS), along(look[:, 1], GOLDS)
    armour = Material(red, red * 0.55, "plates", 3.6, 3.1, sheen=0.25)
    plain, plate = paint(red, sheen=0.25), paint(gold, sheen=0.3)
    thigh, boot = (paint(either(look[:, 2], *pair), sheen=0.25) for pair in ((gold, red), (red, gold)))
    arm, gauntlet = (paint(either(look[:, 3], *pair), sheen=0.25) for pair in ((gold, red), (red, gold)))
    belly = paint(either(look[:, 4], gold, red), sheen=0.25)
    body(figure, Outfit(armour, arm, gauntlet, plate, belly, thigh, boot, boot, plate))
    pads = paint(either(look[:, 5], red, gold), sheen=0.25)
    figure.pair("arm", "ellipsoid", (0.015, 0.0, 0), (0.115, 0.10, 0.12), pads)
    figure.pair("forearm", "ellipsoid", (0, -0.13, 0), (0.082, 0.14, 0.085), gauntlet, high=(1, 0.85, 1))
    figure.pair("leg", "ellipsoid", (0, -0.56, 0), (0.115, 0.17, 0.12), boot)
    figure.pair("forearm", "ellipsoid", (0, -0.33, 0.03), (0.045, 0.03, 0.045), REACTOR)
    figure.add("chest", "ellipsoid", (0, 0.09, 0.155), (0.085, 0.085, 0.03), plate)
    figure.add("chest", "ellipsoid", (0, 0.09, 0.165), (0.06, 0.06, 0.042), REACTOR)
    _iron_helmet(figure, plain, plate)


def _iron_helmet(figure: Figure, red: Material, gold: Material) -> None:
    figure.add("head", "ellipsoid", (0, 0.005, -0.005), (0.178, 0.212, 0.188), red)
    figure.add("head", "ellipsoid", (0, -0.012, 0.055), (0.138, 0.178, 0.152), gold)
    figure.pair("head", "ellipsoid", (0.062, 0.02, 0.182), (0.046, 0.02, 0.024), REACTOR, y=20, z=8)
    figure.add("head", "ellipsoid", (0, -0.105, 0.175), (0.06, 0.012, 0.02), DARK)


def robot(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """A metal box with a box head, an antenna, lamps and tubes for limbs."""
    figure = stand(sculptor, who)
    shell, dark = along(look[:, 0], SHELLS), along(look[:, 1], TUBES)
    metal = paint(shell, sheen=0.2)
    tube = Material(dark, dark * 0.5, "stripes", 9.0, sheen=0.2)
    limb = paint(either(look[:, 2], shell, dark), sheen=0.2)
    glow = paint(vivid(look[:, 3]), glow=1.0)
    figure.add("root", "cylinder", (0, 1.30, 0), (0.07, 0.09, 0.07), tube)
    figure.add("chest", "box", (0, 0.06, 0), (0.26, 0.225, 0.17), metal)
    figure.add("root", "box", (0, 0.74, 0), (0.20, 0.075, 0.14), limb)
    _robot_limbs(figure, metal, tube, limb)
    _robot_panel(figure, look)
    _robot_head(figure, metal, limb, glow)


def _robot_limbs(figure: Figure, metal: Material, tube: Material, limb: Material) -> None:
    figure.pair("arm", "ellipsoid", (0.03, 0, 0), (0.09, 0.09, 0.09), limb)
    figure.pair("arm", "cylinder", (0.02, -0.15, 0), (0.05, 0.15, 0.05), tube)
    figure.pair("forearm", "box", (0.01, -0.10, 0), (0.07, 0.12, 0.07), metal)
    figure.pair("forearm", "ellipsoid", (0.01, -0.27, 0), (0.06, 0.075, 0.07), limb)
    figure.pair("leg", "cylinder", (0, -0.17, 0), (0.065, 0.2, 0.065), tube)
    figure.pair("leg", "box", (0, -0.45, 0), (0.095, 0.17, 0.1), metal)
    figure.pair("foot", "box", (0, 0.045, 0.04), (0.105, 0.045, 0.16), limb)


def _robot_panel(figure: Figure, look: Tensor) -> None:
    figure.add("chest", "box", (0, 0.08, 0.17), (0.17, 0.13, 0.015), DARK)
    for i, x in enumerate((-0.10, 0.0, 0.10)):
        lamp = paint(vivid((look[:, 4] + i / 3) % 1), glow=1.0)
        figure.add("chest", "ellipsoid", (x, 0.135, 0.185), (0.04, 0.04, 0.03), lamp)
    gauge = Material((0.95, 0.95, 0.85), vivid(look[:, 5]), "halves", 1.0, 0.1 * (look[:, 6] - 0.5), glow=0.8)
    figure.add("chest", "box", (0, 0.015, 0.185), (0.13, 0.035, 0.01), gauge)


def _robot_head(figure: Figure, metal: Material, trim: Material, glow: Material) -> None:
    figure.add("head", "box", (0, -0.005, 0), (0.19, 0.165, 0.165), metal)
    figure.pair("head", "ellipsoid", (0.08, 0.035, 0.165), (0.055, 0.055, 0.04), DARK)
    figure.pair("head", "ellipsoid", (0.08, 0.035, 0.185), (0.038, 0.038, 0.035), glow)
    figure.add("head", "box", (0, -0.095, 0.165), (0.10, 0.028, 0.012), DARK)
    figure.pair("head", "ellipsoid", (0.19, 0, 0), (0.04, 0.065, 0.065), trim)
    figure.add("head", "cylinder", (0, 0.21, 0), (0.014, 0.07, 0.014), DARK)
    figure.add("head", "ellipsoid", (0, 0.28, 0), (0.045, 0.045, 0.045), glow)


def marble_statue(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """The same man, hair and clothes of veined stone, on a plinth."""
    figure = stand(sculptor, who, Pose(lift=0.22, size=0.87))
    tint, vein = along(look[:, 0], STONES), along(look[:, 1], VEINS)
    veins = blend(tint, vein, 0.75 + 0.25 * look[:, 2])
    stone = Material(tint, veins, "marble", 1.3 + 0.7 * look[:, 3], 6 * look[:, 4], 0.1)
    arm, leg, skull = (replace(stone, phase=stone.phase + shift) for shift in (1.0, 2.2, 3.4))
    body(figure, Outfit(stone, arm, leg, stone, leg, leg, stone, stone, skull))
    head(figure, skull, paint(tint * 0.86))
    features(figure, paint(tint * 0.7), paint(tint * 0.7))
    figure.add("root", "cone", (0, 2.0, 0), (0.275, 1.52, 0.225), leg, high=(1, -0.77, 1))
    figure.add("chest", "ellipsoid", (0, 0.02, 0), (0.32, 0.075, 0.195), arm, z=-38)
    base = along(look[:, 5], PLINTHS)
    block = Material(base, blend(base, (0.95, 0.93, 0.9), 0.25 + 0.4 * look[:, 6]), "marble", 1.8, 6 * look[:, 7])
    plinth = sculptor.frame((0, 0, 0.03), y=who["yaw"])
    for y, half, tall in ((0.03, 0.36, 0.03), (0.115, 0.30, 0.07), (0.20, 0.335, 0.022)):
        sculptor.add("box", (0, y, 0), (half, tall, half * 0.8), block, frame=plinth)


def knight(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """Plate armour, visor and plume, a tabard, a shield with arms and a sword."""
    figure = stand(sculptor, who, Pose(swing=(18, 10), bend=(62, 62), inward=(24, -12)))
    metal = along(look[:, 0], STEELS)
    steel = paint(metal, sheen=0.35)
    mail = Material(metal * 0.6, metal * 0.4, "dots", 9.0)
    first, second = vivid(look[:, 1]), either(look[:, 3], hue(look[:, 2], 0.1, 0.95), hue(look[:, 2], 0.8, 0.35))
    arms = Material(first, second, "halves", 3.0)
    body(figure, Outfit(steel, mail, steel, steel, mail, steel, steel, steel, mail))
    figure.pair("arm", "ellipsoid", (0.015, 0.005, 0), (0.125, 0.115, 0.13), steel)
    figure.pair("leg", "ellipsoid", (0, -0.30, 0.07), (0.085, 0.08, 0.07), steel)
    figure.add(
        "chest", "ellipsoid", (0, 0, 0.012), (0.25, 0.41, 0.168), arms, low=(-0.78, -0.75, 0), high=(0.78, 0.62, 1)
    )
    figure.add("root", "cone", (0, 2.0, 0), (0.275, 1.54, 0.24), arms, high=(1, -0.75, 1))
    _helm(figure, steel, paint(vivid(look[:, 4])))
    _shield(figure, replace(arms, colour=second, accent=first), steel)
    _sword(figure, paint((0.86, 0.89, 0.93), sheen=0.3), paint(along(look[:, 5], GOLDS)))


def _helm(figure: Figure, steel: Material, plume: Material) -> None:
    figure.add("head", "ellipsoid", (0, 0.02, 0), (0.18, 0.215, 0.19), steel)
    figure.add("head", "cylinder", (0, -0.10, 0), (0.172, 0.10, 0.182), steel)
    figure.add("head", "ellipsoid", (0, -0.05, 0.05), (0.15, 0.13, 0.175), steel)
    figure.add("head", "ellipsoid", (0, 0.05, 0.045), (0.155, 0.026, 0.165), DARK)
    figure.add("head", "ellipsoid", (0, 0.22, -0.05), (0.05, 0.09, 0.17), plume, x=-14)
    figure.add("head", "ellipsoid", (0, 0.14, -0.19), (0.05, 0.15, 0.08), plume, x=-14)


def _shield(figure: Figure, arms: Material, rim: Material) -> None:
    shield = figure.joint("shield", "root", (-0.35, 0.86, 0.36), y=-14)
    shield.add("shield", "ellipsoid", (0, 0.10, -0.02), (0.235, 0.43, 0.05), rim, high=(1, 0.42, 1))
    shield.add("shield", "ellipsoid", (0, 0.09, 0.0), (0.20, 0.38, 0.05), arms, high=(1, 0.42, 1))
    shield.add("shield", "ellipsoid", (0, 0.08, 0.05), (0.055, 0.055, 0.035), rim)


def _sword(figure: Figure, blade: Material, gilt: Material) -> None:
    sword = figure.joint("sword", "forearm", (0, -0.29, 0.0))
    sword.add("sword", "box", (0, 0, 0.40), (0.035, 0.012, 0.34), blade)
    sword.add("sword", "box", (0, 0, 0.07), (0.12, 0.022, 0.022), gilt)
    sword.add("sword", "ellipsoid", (0, 0, -0.10), (0.035, 0.035, 0.035), gilt)
