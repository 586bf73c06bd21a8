"""Networks from what a bundle holds: configurations, and the weights that fill them.

A configuration alone gives a network with random weights, built on torch's current default device, so that full-size
ones are there in seconds. Weights are copied over them from files that must fit exactly. What a folder need not carry,
because open_clip does, is OpenAI's tokenizer.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch

from mix2mix.checkpoints import load_strictly
from mix2mix.mini.tokenizer import BASE_ENTRIES, Merge, save_teacher_tokenizer
from mix2mix.pretrained import (
    CLIP_CONFIG,
    CLIP_MERGES,
    Clip,
    Editor,
    ImageTower,
    new_clip,
    new_editor,
    new_vae,
    openai_merges,
)
from mix2mix.seva import Seva, SevaConfig
from mix2mix.student import Preconditioning, Student

CLIP_ENTRIES = 49_408
"""Of OpenAI's tokenizer, which Stable Diffusion and OpenCLIP share."""

_LEAST_TEXT = {"context_length": 1, "vocab_size": 1, "width": 1, "heads": 1, "layers": 1}
"""A text tower of next to nothing, where only images are embedded."""

_OLD_NAME = re.compile(r"(attentions\.\d+\.)(query|key|value|proj_attn)(?=\.)")
_OLD_ATTENTION = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""How diffusers named the VAE's attention when InstructPix2Pix was published, and how it does now."""


@contextmanager
def built_on(device: str) -> Iterator[None]:
    """Networks made inside are built on the device; random ones are the same each time, and no other draw changes."""
    gpus = [device] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=gpus), torch.device(device):
        torch.manual_seed(0)
        yield


def read_student(config: Mapping[str, Any], preconditioning: Mapping[str, Any]) -> Student:
    """A student with random weights, from the fields of `SevaConfig` and of `Preconditioning`."""
    network = Seva(SevaConfig(**config))
    with torch.device("cpu"):  # the same noise levels on every device
        return Student(network, Preconditioning(**preconditioning)).eval()


def read_editor(folder: Path) -> Editor:
    """The pipeline that the configurations in `folder` describe, with random weights.

    The tokenizer is the folder's own, or OpenAI's where it has none.
    """
    unet, vae, text = (_read_config(folder / name / "config.json") for name in ("unet", "vae", "text_encoder"))
    sampler = _read_config(folder / "scheduler" / "scheduler_config.json")
    with TemporaryDirectory() as temporary:
        tokenizer = folder / "tokenizer"
        if not tokenizer.is_dir():
            tokenizer = Path(temporary)
            save_teacher_tokenizer(tokenizer, _read_merges(openai_merges()), text["max_position_embeddings"])
        return new_editor(new_vae(vae), unet, text, sampler, tokenizer)


def read_clip(folder: Path, texts: bool = True) -> Clip:
    """The open_clip model that the configuration in `folder` describes, with random weights.

    Args:
        folder: of the configuration, and of the tokenizer's merges where they are not OpenAI's.
        texts: whether it must embed texts too; else it is an `ImageTower`.

    """
    config = json.loads((folder / CLIP_CONFIG).read_text())["model_cfg"]
    merges = folder / CLIP_MERGES
    if not merges.is_file():
        merges = openai_merges()
    if texts:
        return new_clip(config, merges)
    whole = new_clip({**config, "text_cfg": _LEAST_TEXT}, merges)
    return Clip(ImageTower(cast(Any, whole.module).visual), config, merges)


def fill_editor(editor: Editor, files: Mapping[str, Path]) -> None:
    """Load the checkpoints of `unet/...`, `vae/...` and `text_encoder/...`; InputError for one that does not fit."""
    networks = {"unet": editor.unet, "vae": editor.vae.module, "text_encoder": editor.text_encoder}
    for file, path in files.items():
        load_strictly(networks[Path(file).parent.name], path, todays_name)


def fill_clip(clip: Clip, path: Path) -> None:
    """Load an open_clip checkpoint, or of it what an `ImageTower` has; InputError if it does not fit."""
    load_strictly(clip.module, path, _image_name if isinstance(clip.module, ImageTower) else lambda name: name)


def todays_name(name: str) -> str | None:
    """The name that diffusers and transformers give today to a tensor of InstructPix2Pix's published checkpoints."""
    if name.endswith("embeddings.position_ids"):  # a table, not a weight
        return None
    return _OLD_NAME.sub(lambda old: f"{old[1]}{_OLD_ATTENTION[old[2]]}", name.removeprefix("text_model."))


def _image_name(name: str) -> str | None:
    return name if name.startswith("visual.") else None


def _read_config(path: Path) -> dict[str, Any]:
    """A configuration without what its library notes of itself."""
    return {name: value for name, value in json.loads(path.read_text()).items() if not name.startswith("_")}


def _read_merges(path: Path) -> list[Merge]:
    """The merges in use among those of the file: all entries less the single bytes and the two marks."""
    lines = gzip.decompress(path.read_bytes()).decode().split("\n")
    return [(left, right) for left, right in map(str.split, lines[1 : 1 + CLIP_ENTRIES - BASE_ENTRIES])]
