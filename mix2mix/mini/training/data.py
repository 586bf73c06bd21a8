"""The training set: random scenes of every family, each in its original state and in a few edits, from eight views."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mix2mix.cameras import Cameras
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.mini.family import LOOKS, Family, sample_cameras, sample_light
from mix2mix.mini.rendering import render
from mix2mix.mini.training.ranks import Ranks
from mix2mix.mini.world import FAMILIES, IMAGE_SIZE, MOST_VIEWS

SIDES = ("front", "left", "right", "back")
COLOURS = {
    "black": (0.08, 0.08, 0.08), "grey": (0.5, 0.5, 0.5), "white": (0.9, 0.9, 0.9), "red": (0.75, 0.12, 0.12),
    "orange": (0.85, 0.5, 0.15), "yellow": (0.85, 0.8, 0.25), "green": (0.2, 0.55, 0.25), "blue": (0.2, 0.3, 0.7),
    "purple": (0.5, 0.2, 0.6), "brown": (0.4, 0.25, 0.15), "pink": (0.9, 0.65, 0.6),
}  # fmt: skip
_SIDE_DEGREES = 20.0


@dataclass(frozen=True)
class DataConfig:
    """How much is drawn: `scenes`, in chunks that share family and edits, and `edits` draws a scene."""

    scenes: int = 9216
    chunk: int = 32
    edits: int = 3
    seed: int = 0


@dataclass(frozen=True)
class Dataset:
    """S scenes in 1 + E states (the original first) from V views.

    `images` [S, 1+E, V, 3, 128, 128] uint8; `prompt` [S, 1+E] into `prompts`: what is shown; `instruction` [S, 1+E]
    into `instructions` (0, without meaning, for the original); `side` [S, V] into SIDES; `colour` [S, 1+E] into
    COLOURS; `cameras` [S, V].
    """

    images: Tensor
    prompt: Tensor
    instruction: Tensor
    side: Tensor
    colour: Tensor
    cameras: Cameras
    prompts: tuple[str, ...]
    instructions: tuple[str, ...]


def read_edits(path: Path) -> dict[str, list[Edit]]:
    """The edit catalogue (the columns of Table 6) by lower-case family name."""
    edits: dict[str, list[Edit]] = {}
    with path.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            edit = Edit(
                row["edit_prompt"],
                row["original_prompt"],
                row["edited_prompt"],
                float(row["text_cfg"]),
                float(row["image_cfg"]),
            )
            edits.setdefault(row["scene"].lower(), []).append(edit)
    return edits


def prompts_of(edits: dict[str, list[Edit]]) -> tuple[str, ...]:
    """Every prompt of the catalogue once, in its order: what a picture of the world may show."""
    rows = [edit for group in edits.values() for edit in group]
    return tuple(dict.fromkeys(prompt for edit in rows for prompt in (edit.original_prompt, edit.edited_prompt)))


def instructions_of(edits: dict[str, list[Edit]]) -> tuple[str, ...]:
    """Every instruction of the catalogue, in its order."""
    return tuple(edit.instruction for group in edits.values() for edit in group)


@dataclass(frozen=True)
class Chunk:
    """Scenes that are drawn together: one family, the edits that they show, and the seed of all that varies."""

    family: Family
    edits: tuple[Edit, ...]
    seed: int
    scenes: int


def draw_dataset(config: DataConfig, edits: dict[str, list[Edit]], ranks: Ranks) -> Dataset:
    """Draw this process's share of the set, seeded, on its device; too few scenes for a share are an `InputError`."""
    _check_scenes(config, ranks.count)
    prompts, instructions = prompts_of(edits), instructions_of(edits)
    parts = [
        (*_draw(chunk, ranks.device), *_labels(chunk, prompts, instructions, ranks.device))
        for chunk in ranks.share_of(plan(config, edits))
    ]
    images, side, K, c2w, prompt, instruction = (torch.cat(part) for part in zip(*parts, strict=True))
    return Dataset(images, prompt, instruction, side, dominant_colour(images), Cameras(K, c2w), prompts, instructions)


def _check_scenes(config: DataConfig, processes: int) -> None:
    fewest = config.chunk * processes
    if config.scenes < fewest:
        raise InputError(
            "scenes",
            got=config.scenes,
            expected=f"at least {fewest}: each process draws {config.chunk} at a time",
            fix="Ask for more --scenes, or for a larger --scale.",
        )


def plan(config: DataConfig, edits: dict[str, list[Edit]]) -> Iterator[Chunk]:
    """Families in proportion to their edits, and for each chunk the edits that it shows (in turn, so all are equal)."""
    names = [name for name, rows in edits.items() for _ in range(len(rows) // 4)]
    shown = dict.fromkeys(edits, 0)
    for number in range(config.scenes // config.chunk):
        name = names[number % len(names)]
        rows = tuple(edits[name][(shown[name] + i) % len(edits[name])] for i in range(config.edits))
        shown[name] += config.edits
        yield Chunk(FAMILIES[name], rows, config.seed * 1_000_003 + number, config.chunk)


def _draw(chunk: Chunk, device: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images [B, 1+E, V, 3, 128, 128], sides, K and c2w [B, V, ...] of a chunk of B scenes."""
    generator = torch.Generator().manual_seed(chunk.seed)
    family = chunk.family
    identity = family.sample(generator, chunk.scenes)
    light = sample_light(generator, chunk.scenes).to(device)
    cameras = sample_cameras(generator, family.rig, chunk.scenes, MOST_VIEWS)
    cameras = cameras[torch.randperm(MOST_VIEWS, generator=generator)]
    states = []
    for instruction in (None, *(edit.instruction for edit in chunk.edits)):
        look = torch.rand(chunk.scenes, LOOKS, generator=generator)
        primitives = family.sculpt(identity, instruction, look).to(device)
        images = [render(primitives, light, cameras[v : v + 1].to(device), IMAGE_SIZE) for v in range(MOST_VIEWS)]
        states.append((torch.cat(images, 1) * 255).round().to(torch.uint8))
    return torch.stack(states, 1), sides(cameras).to(device), cameras.K.to(device), cameras.c2w.to(device)


def _labels(chunk: Chunk, prompts: Sequence[str], instructions: Sequence[str], device: str) -> tuple[Tensor, Tensor]:
    """What each state of a chunk shows and which instruction made it, as indices [B, 1+E]."""
    shown = [chunk.family.original_prompt, *(edit.edited_prompt for edit in chunk.edits)]
    said = [instructions[0], *(edit.instruction for edit in chunk.edits)]
    prompt = torch.tensor([prompts.index(text) for text in shown], device=device)
    instruction = torch.tensor([instructions.index(text) for text in said], device=device)
    return prompt.expand(chunk.scenes, -1), instruction.expand(chunk.scenes, -1)


def sides(cameras: Cameras) -> Tensor:
    """From which side each camera looks, as an index into SIDES, [...]."""
    x, z = cameras.c2w[..., 0, 3], cameras.c2w[..., 2, 3]
    azimuth = torch.rad2deg(torch.atan2(x, z))
    side = torch.where(azimuth > _SIDE_DEGREES, 2, torch.where(azimuth < -_SIDE_DEGREES, 1, 0))
    return torch.where(azimuth.abs() > 90, 3, side)


def dominant_colour(images: Tensor) -> Tensor:
    """The commonest named colour in the middle of a state's first view: [S, 1+E, V, 3, H, W] -> index [S, 1+E]."""
    named = torch.tensor(list(COLOURS.values()), device=images.device)
    middle = images[:, :, 0, :, 24:104:4, 40:88:4].float() / 255
    distance = (middle[:, :, None] - named[:, :, None, None]).square().sum(3)
    votes = torch.nn.functional.one_hot(distance.argmin(2).flatten(2), len(named)).sum(2)
    return votes.argmax(-1)
