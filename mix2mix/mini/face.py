"""The Face family: head and shoulders of a man with curly hair in a grey jacket before a concrete wall."""

import torch
from torch import Tensor

from mix2mix.mini import face_parts as parts
from mix2mix.mini.face_edits import EDITS
from mix2mix.mini.family import Family, Identity, Rig, blend, colour_near, uniform
from mix2mix.mini.shapes import Primitives

_RIG = Rig(
    target=(0.0, -0.045, 0.0),
    distance=1.2,
    focal=2.4,
    elevation=(-2.0, 14.0),
    held_out=(-38.0, -12.0, 14.0, 42.0, -56.0, -25.0, 28.0, 57.0),
    spread=60.0,
)
_HAIRS = torch.tensor([[0.07, 0.05, 0.05], [0.2, 0.11, 0.07], [0.36, 0.2, 0.1], [0.66, 0.46, 0.2], [0.52, 0.2, 0.08]])
_PALE, _DARK = (0.95, 0.77, 0.66), (0.42, 0.26, 0.18)


def _sample(generator: torch.Generator, batch: int) -> Identity:
    def between(low: float, high: float) -> Tensor:
        return uniform(generator, batch, low, high)

    hair = _HAIRS[torch.randint(len(_HAIRS), (batch,), generator=generator)]
    complexion = blend(_PALE, _DARK, between(0, 1) ** 1.5)
    return {
        "head_width": between(0.92, 1.08), "head_height": between(0.95, 1.06), "shoulders": between(0.92, 1.08),
        "head_turn": between(-12, 12), "head_nod": between(-4, 6), "head_tilt": between(-5, 5),
        "body_turn": between(-10, 10), "curls": between(0.92, 1.1),
        "skin": complexion, "lips": blend(complexion, (0.62, 0.22, 0.22), between(0.45, 0.7)),
        "hair": (hair * between(0.85, 1.2)[:, None] + 0.02).clamp(0, 1),
        "iris": colour_near(generator, batch, (0.2, 0.22, 0.22), 0.14),
        "jacket": between(0.25, 0.62)[:, None] + colour_near(generator, batch, (0.015, 0.015, 0.02), 0.012),
        "shirt": between(0.1, 0.95)[:, None] * colour_near(generator, batch, (0.94, 0.94, 0.94), 0.05),
        "wall": between(0.55, 0.82)[:, None] * colour_near(generator, batch, (0.97, 0.96, 0.94), 0.025),
    }  # fmt: skip


def _held_out() -> Identity:
    numbers = {
        "head_width": 1.0, "head_height": 1.01, "shoulders": 1.02, "head_turn": 3.0, "head_nod": 1.0, "head_tilt": -2.0,
        "body_turn": -4.0, "curls": 1.04,
    }  # fmt: skip
    colours = {
        "skin": (0.85, 0.64, 0.51), "lips": (0.72, 0.4, 0.35), "hair": (0.29, 0.17, 0.1), "iris": (0.16, 0.2, 0.22),
        "jacket": (0.44, 0.45, 0.47), "shirt": (0.88, 0.88, 0.86), "wall": (0.7, 0.69, 0.66),
    }  # fmt: skip
    return {name: torch.tensor([value]) for name, value in (*numbers.items(), *colours.items())}


def _original(b: parts.Bust) -> None:
    parts.wall(b, parts.concrete(b))
    parts.jacket(b)
    parts.neck(b, parts.skin(b))
    parts.face(b, parts.skin(b))
    parts.curls(b, parts.hair(b))


def _sculpt(identity: Identity, instruction: str | None, look: Tensor) -> Primitives:
    b = parts.bust(identity, look)
    (_original if instruction is None else EDITS[instruction])(b)
    return b.sculptor.build()


FACE = Family(
    name="face",
    original_prompt="A man with curly hair in a grey jacket",
    instructions=tuple(EDITS),
    rig=_RIG,
    sample=_sample,
    held_out=_held_out,
    sculpt=_sculpt,
)
