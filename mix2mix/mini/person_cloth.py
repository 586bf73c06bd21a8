"""Edits of the person by clothes: a suit, a clown, a cowboy, a soldier."""

from torch import Tensor

from mix2mix.mini.family import Identity, hue
from mix2mix.mini.person_body import EYE, Figure, Outfit, Pose, body, features, head, paint, stand
from mix2mix.mini.person_looks import along, either, vivid
from mix2mix.mini.shapes import Material, Sculptor

BLACK = paint((0.07, 0.07, 0.08))
WHITE = paint((0.95, 0.95, 0.94))
GOLD = paint((0.93, 0.72, 0.20), sheen=0.2)
SUITS = ((0.07, 0.07, 0.09), (0.56, 0.58, 0.63), (0.09, 0.15, 0.42), (0.90, 0.85, 0.74), (0.45, 0.08, 0.16))
HATS = ((0.12, 0.10, 0.10), (0.36, 0.22, 0.12), (0.66, 0.48, 0.28), (0.90, 0.84, 0.70))
LEATHERS = ((0.16, 0.11, 0.09), (0.42, 0.24, 0.12), (0.66, 0.42, 0.22))
JEANS = ((0.12, 0.18, 0.36), (0.26, 0.40, 0.62), (0.56, 0.66, 0.78))
UNIFORMS = ((0.20, 0.32, 0.14), (0.42, 0.48, 0.24), (0.82, 0.70, 0.48), (0.50, 0.54, 0.56))
CAMOUFLAGES = ((0.11, 0.13, 0.08), (0.30, 0.20, 0.11), (0.52, 0.36, 0.20), (0.24, 0.28, 0.32))


def _face(figure: Figure, who: Identity) -> Material:
    skin = paint(who["skin"])
    head(figure, skin, paint(who["hair"]))
    features(figure)
    return skin


def _jacket_skirt(figure: Figure, material: Material, *, bottom: float = 0.26) -> None:
    figure.add("root", "cone", (0, 2.0, 0), (bottom, 1.40, bottom * 0.8), material, high=(1, -0.80, 1))


def suit(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """Jacket with lapels, white shirt, coloured tie, trousers of the same cloth."""
    figure = stand(sculptor, who)
    colour = along(look[:, 0], SUITS)
    cloth, trousers = paint(colour, sheen=0.05), paint(colour * 0.85)
    tie = paint(vivid(look[:, 1]))
    skin = _face(figure, who)
    shoes = paint(along(look[:, 2], LEATHERS), sheen=0.2)
    body(figure, Outfit(cloth, cloth, cloth, skin, trousers, trousers, trousers, shoes, WHITE))
    _jacket_skirt(figure, cloth)
    _shirt_front(figure, paint(along(look[:, 3], ((0.97, 0.97, 0.97), (0.80, 0.88, 0.98), (0.98, 0.86, 0.88)))), tie)
    _lapels(figure, paint(colour * 0.6 + 0.03))
    figure.pair("forearm", "cylinder", (0, -0.21, 0), (0.062, 0.02, 0.064), WHITE)


def _shirt_front(figure: Figure, shirt: Material, tie: Material) -> None:
    figure.add(
        "chest", "ellipsoid", (0, 0, 0.008), (0.245, 0.40, 0.168), shirt, low=(-0.36, -0.16, 0), high=(0.36, 0.74, 1)
    )
    figure.add(
        "chest", "ellipsoid", (0, 0, 0.018), (0.245, 0.40, 0.168), tie, low=(-0.15, -0.22, 0), high=(0.15, 0.66, 1)
    )
    figure.add("chest", "ellipsoid", (0, 0.25, 0.13), (0.045, 0.035, 0.03), tie)


def _lapels(figure: Figure, material: Material) -> None:
    figure.pair("chest", "ellipsoid", (0.10, 0.06, 0.135), (0.055, 0.23, 0.05), material, z=-20, x=-8)
    figure.add("chest", "ellipsoid", (0, -0.16, 0.165), (0.02, 0.02, 0.015), material)


def clown(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """White face, red nose, puffs of bright hair, a ruffle, a baggy costume and huge shoes."""
    figure = stand(sculptor, who)
    first, second, third = vivid(look[:, 0]), vivid((look[:, 0] + 0.3 + 0.4 * look[:, 1]) % 1), vivid(look[:, 2])
    top = Material(first, second, "diamonds", 3.6, 6 * look[:, 3])
    trousers = Material(third, either(look[:, 5], second, hue(look[:, 2], 0.0, 0.96)), "dots", 5.0, 6 * look[:, 4])
    shoes = paint(vivid(look[:, 6]), sheen=0.1)
    body(figure, Outfit(top, top, top, WHITE, trousers, trousers, trousers, shoes, WHITE))
    figure.add("chest", "ellipsoid", (0, -0.10, 0.0), (0.29, 0.30, 0.225), top)
    figure.pair("leg", "ellipsoid", (0, -0.30, 0), (0.15, 0.28, 0.15), trousers, low=(-1, -0.9, -1))
    figure.pair("foot", "ellipsoid", (0, 0.06, 0.12), (0.105, 0.085, 0.20), shoes, low=(-1, -0.65, -1))
    for y in (0.08, -0.06, -0.2):
        figure.add("chest", "ellipsoid", (0, y, 0.17 if y > 0 else 0.22), (0.045, 0.045, 0.04), paint(third))
    _ruffle(figure, WHITE, paint(second))
    _clown_head(figure, paint(vivid(look[:, 7])))


def _ruffle(figure: Figure, white: Material, edge: Material) -> None:
    figure.add("root", "ellipsoid", (0, 1.275, 0.01), (0.29, 0.05, 0.25), edge)
    figure.add("root", "ellipsoid", (0, 1.305, 0.01), (0.24, 0.055, 0.21), white)


def _clown_head(figure: Figure, wig: Material) -> None:
    red = paint((0.90, 0.06, 0.08), sheen=0.25)
    figure.add("head", "ellipsoid", (0, 0, 0), (0.158, 0.195, 0.165), WHITE)
    figure.pair("head", "ellipsoid", (0.18, 0.05, -0.02), (0.115, 0.135, 0.13), wig)
    figure.add("head", "ellipsoid", (0, 0.15, -0.05), (0.15, 0.105, 0.14), wig)
    figure.add("head", "ellipsoid", (0, -0.02, 0.175), (0.055, 0.055, 0.05), red)
    figure.add("head", "ellipsoid", (0, -0.105, 0.135), (0.085, 0.035, 0.03), red)
    figure.pair("head", "ellipsoid", (0.068, 0.055, 0.138), (0.04, 0.055, 0.02), paint((0.25, 0.55, 0.95)))
    figure.pair("head", "ellipsoid", (0.065, 0.05, 0.152), (0.024, 0.028, 0.02), EYE)


def cowboy(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """A wide-brimmed hat, neckerchief, vest, jeans, belt with a buckle, boots."""
    figure = stand(sculptor, who)
    shirt = Material(hue(look[:, 0], 0.65, 0.85), hue(look[:, 0], 0.3, 0.95), "checks", 4.0, 6 * look[:, 1])
    vest, leather = paint(along(look[:, 2], LEATHERS)), paint(along(look[:, 3], LEATHERS), sheen=0.1)
    jeans = paint(along(look[:, 4], JEANS))
    skin = _face(figure, who)
    body(figure, Outfit(shirt, shirt, shirt, skin, jeans, jeans, leather, leather, skin))
    figure.pair(
        "chest", "ellipsoid", (0.0, 0, 0.0), (0.262, 0.41, 0.185), vest, low=(0.36, -0.62, -1), high=(1, 0.62, 1)
    )
    figure.add("root", "cylinder", (0, 0.76, 0), (0.225, 0.032, 0.165), leather)
    figure.add("root", "ellipsoid", (0, 0.76, 0.165), (0.06, 0.045, 0.02), GOLD)
    scarf = paint(vivid(look[:, 5]))
    figure.add("root", "ellipsoid", (0, 1.275, 0.01), (0.135, 0.055, 0.125), scarf)
    figure.add("chest", "cone", (0, 0.08, 0.14), (0.13, 0.19, 0.06), scarf, z=180, x=-12)
    _cowboy_hat(figure, paint(along(look[:, 6], HATS)), paint(vivid(look[:, 7])))


def _cowboy_hat(figure: Figure, felt: Material, band: Material) -> None:
    figure.add("head", "ellipsoid", (0, 0.30, 0), (0.45, 0.24, 0.60), felt, low=(-1, -1, -0.55), high=(1, -0.66, 0.55))
    figure.add("head", "ellipsoid", (0, 0.14, -0.005), (0.182, 0.20, 0.19), felt, low=(-1, -0.3, -1))
    figure.add("head", "cylinder", (0, 0.115, -0.005), (0.186, 0.03, 0.194), band)


def soldier(sculptor: Sculptor, who: Identity, look: Tensor) -> None:
    """Camouflage uniform and helmet, pouches, boots, a rifle across the chest."""
    figure = stand(sculptor, who, Pose(swing=(10, 5), bend=(75, 95), inward=(45, 55)))
    ground, spots = along(look[:, 0], UNIFORMS), along(look[:, 1], CAMOUFLAGES)
    camouflage = Material(ground, spots, "patches", 6.0, 6 * look[:, 2])
    webbing = paint(along(look[:, 3], ((0.16, 0.17, 0.12), (0.36, 0.34, 0.22), (0.62, 0.54, 0.38))))
    boots = paint(along(look[:, 4], LEATHERS))
    skin = paint(who["skin"])
    body(figure, Outfit(camouflage, camouflage, camouflage, skin, camouflage, camouflage, camouflage, boots, skin))
    figure.pair("leg", "ellipsoid", (0, -0.58, 0), (0.112, 0.13, 0.118), boots)
    head(figure, skin, paint(who["hair"]))
    features(figure)
    figure.add("head", "ellipsoid", (0, 0.05, -0.005), (0.205, 0.215, 0.21), camouflage, low=(-1, 0.02, -1), x=-4)
    figure.add("head", "cylinder", (0, 0.055, 0), (0.212, 0.016, 0.222), webbing, x=-4)
    _webbing(figure, webbing)
    _rifle(figure)


def _webbing(figure: Figure, webbing: Material) -> None:
    figure.pair(
        "chest", "ellipsoid", (0, 0, 0), (0.255, 0.41, 0.18), webbing, low=(0.36, -0.8, -1), high=(0.62, 0.66, 1)
    )
    figure.add("root", "cylinder", (0, 0.76, 0), (0.225, 0.032, 0.168), webbing)
    for x in (-0.13, 0.0, 0.13):
        figure.add("root", "box", (x, 0.77, 0.16 - abs(x) * 0.3), (0.052, 0.055, 0.035), webbing)
    figure.add("chest", "box", (0, 0.07, -0.22), (0.21, 0.22, 0.1), webbing)


def _rifle(figure: Figure) -> None:
    rifle = figure.joint("rifle", "chest", (0.0, 0.0, 0.30), z=32)
    rifle.add("rifle", "cylinder", (0.36, 0.02, 0), (0.018, 0.2, 0.018), BLACK, z=90)
    rifle.add("rifle", "box", (0.04, 0, 0), (0.18, 0.04, 0.028), BLACK)
    rifle.add("rifle", "box", (-0.24, -0.03, 0), (0.11, 0.05, 0.026), paint((0.34, 0.22, 0.12)))
    rifle.add("rifle", "box", (0.06, -0.09, 0), (0.03, 0.07, 0.022), BLACK, z=-12)
