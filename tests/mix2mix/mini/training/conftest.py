"""A training set of noise and untrained networks: rendering and learning take longer than a test may."""

from dataclasses import replace

import pytest
import torch

from mix2mix.cameras import Cameras
from mix2mix.edit import Edit
from mix2mix.mini.family import held_out_cameras
from mix2mix.mini.networks import MiniConfig, build_networks
from mix2mix.mini.tokenizer import train_merges
from mix2mix.mini.training.data import Dataset, dominant_colour, sides
from mix2mix.mini.world import FAMILIES

SCENES, STATES, VIEWS = 2, 2, 4
EDITS = {
    "face": [Edit("Make him old", "a man", "an old man"), Edit("Make him blue", "a man", "a blue man")],
}


def noise_dataset() -> Dataset:
    """Two scenes in two states from four views."""
    g = torch.Generator().manual_seed(0)
    images = torch.randint(256, (SCENES, STATES, VIEWS, 3, 128, 128), generator=g).to(torch.uint8)
    one = held_out_cameras(FAMILIES["face"].rig, VIEWS)
    cameras = Cameras(one.K.repeat(SCENES, 1, 1, 1), one.c2w.repeat(SCENES, 1, 1, 1))
    index = torch.tensor([[0, 1], [0, 2]])
    instruction = torch.tensor([[0, 0], [0, 1]])
    return Dataset(images, index, instruction, sides(cameras), dominant_colour(images), cameras,
                   ("a man", "an old man", "a blue man"), ("Make him old", "Make him blue"))  # fmt: skip


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return noise_dataset()


@pytest.fixture
def networks():
    """Fresh ones, small, every layer of the student awake."""
    config = replace(MiniConfig(), student_blocks=1)
    made = build_networks(config, train_merges(["a blue man", "an old man"], config.vocabulary))
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for parameter in made.student.parameters():
            torch.nn.init.normal_(parameter, std=0.05)
    return made


@pytest.fixture(scope="session")
def edits() -> dict[str, list[Edit]]:
    return EDITS
