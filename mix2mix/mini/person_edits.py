"""The eight edits of the Person family, by the instruction of Table 6."""

from collections.abc import Callable, Mapping

from torch import Tensor

from mix2mix.mini.family import Identity
from mix2mix.mini.person_cloth import clown, cowboy, soldier, suit
from mix2mix.mini.person_hard import iron_man, knight, marble_statue, robot
from mix2mix.mini.shapes import Sculptor

EDITS: Mapping[str, Callable[[Sculptor, Identity, Tensor], None]] = {
    "Turn him into Iron Man": iron_man,
    "Turn the man into a robot": robot,
    "Make him in a suit": suit,
    "Turn him into a clown": clown,
    "Make him into a marble statue": marble_statue,
    "Turn him into a cowboy with a hat": cowboy,
    "Turn him into a soldier": soldier,
    "Turn him into a knight": knight,
}
