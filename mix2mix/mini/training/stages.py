"""The stages of the mini bundle's training: VAE, CLIP and decoder first, then teacher and student, then the bundle.

The decoder is the VAE's own, trained further by itself: its latents stay what teacher and student learn from.
"""

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mix2mix.attention import reliable_kernels
from mix2mix.compiling import compiled
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.mini.networks import TEXT_GUIDANCE_FACTOR, MiniConfig, MiniNetworks, build_networks
from mix2mix.mini.tokenizer import train_merges
from mix2mix.mini.training.data import DataConfig, Dataset, draw_dataset, instructions_of, prompts_of
from mix2mix.mini.training.latents import Latents, encode, latent_scale, load_latents, save_latents
from mix2mix.mini.training.loop import Fit, FitConfig
from mix2mix.mini.training.losses import (
    caption_texts,
    clip_loss,
    decoder_loss,
    student_loss,
    teacher_loss,
    vae_loss,
)
from mix2mix.mini.training.ranks import Ranks
from mix2mix.mini.training.shown import Shown, load_shown, save_shown, show
from mix2mix.pretrained import Clip, Editor
from mix2mix.student import Student

_VAE = FitConfig(steps=5_000, batch=256, lr=1.2e-3, average=0.998)
_CLIP = FitConfig(steps=4_000, batch=1024, lr=6e-4, average=0.998, weight_decay=0.1, seed=1)
_TEACHER = FitConfig(steps=40_000, batch=1024, lr=8e-4, average=0.999, seed=2)
_STUDENT = FitConfig(steps=16_000, batch=256, lr=8e-4, average=0.9995, seed=3)
_DECODER = FitConfig(steps=5_700, batch=128, lr=1e-3, average=0.998, seed=4)
NETWORKS = ("vae", "clip", "decoder", "teacher", "student")
"""The stages that train, in their order."""


@dataclass(frozen=True)
class TrainConfig:
    """All that decides the mini bundle's weights; sizes that 95 minutes of one H100 or H200 pay for."""

    data: DataConfig = field(default_factory=DataConfig)
    networks: MiniConfig = field(default_factory=MiniConfig)
    vae: FitConfig = _VAE
    clip: FitConfig = _CLIP
    teacher: FitConfig = _TEACHER
    student: FitConfig = _STUDENT
    decoder: FitConfig = _DECODER


@dataclass
class Workshop:
    """A training run in its folder: networks and data of one process, weights and checkpoints as files of all."""

    config: TrainConfig
    edits: dict[str, list[Edit]]
    folder: Path
    ranks: Ranks
    networks: MiniNetworks
    start: Path | None = None
    """The folder of an earlier run: stages begin with its weights, and those that do not run are taken from it."""
    drawn: Dataset | None = None

    def data(self) -> Dataset:
        """The training set, drawn once a process."""
        if self.drawn is None:
            start = time.monotonic()
            self.drawn = draw_dataset(self.config.data, self.edits, self.ranks)
            images = self.drawn.images[..., 0, 0, 0].numel()
            print(f"data: {images} images in {time.monotonic() - start:.0f} s", flush=True)
        return self.drawn

    def module(self, name: str) -> nn.Module:
        """What a stage trains."""
        networks = self.networks
        return modules_of(networks.editor, networks.clip, networks.student)[name]

    def load(self, name: str) -> None:
        """Put an earlier stage's averaged weights in place.

        Raises:
            InputError: that stage has not run, or with networks of other sizes.

        """
        file = self.weights(name)
        state = load_file(file, device=self.ranks.device)
        try:
            self.module(name).load_state_dict(state)
        except RuntimeError as error:
            raise _of_other_sizes(name, file) from error
        if name == "vae":
            self.networks.editor.vae.rescale(self.log("vae")["scale"])

    def beginning(self, name: str) -> Path | None:
        """What a stage begins with: its weights of the run that this one starts from, if it has run there."""
        file = self.start and self.start / f"{name}.safetensors"
        return file if file and file.is_file() else None

    def weights(self, name: str) -> Path:
        """A stage's file of weights, of this run or of the one that it starts from; InputError where neither has it."""
        own = self.folder / f"{name}.safetensors"
        file = own if own.is_file() else self.beginning(name)
        if file is None:
            raise InputError(f"stage '{name}'", got=f"no {own}", expected="its weights", fix=f"Run --stages {name}.")
        return file

    def log(self, name: str) -> dict[str, Any]:
        """What was kept beside a stage's weights: its rounds of training; the VAE's also its latent scale."""
        log: dict[str, Any] = json.loads(self.weights(name).with_suffix(".json").read_text())
        return log

    def latents(self) -> Latents:
        """The training set as VAE and CLIP see it, kept in a file for the runs that resume."""
        self.load("vae")
        self.load("clip")
        kept = self.kept("latents", "vae", "clip")
        if not kept.exists():
            save_latents(encode(self.networks.editor.vae, self.networks.clip, self.data()), kept)
            self.drawn = None
        return load_latents(kept, self.ranks.device)

    def shown(self, latents: Latents) -> Shown:
        """Its edited views as the teacher leaves them, kept likewise."""
        self.load("decoder")
        self.load("teacher")
        kept = self.kept("shown", "vae", "clip", "decoder", "teacher")
        if not kept.exists():
            edits = [edit.guided(TEXT_GUIDANCE_FACTOR) for group in self.edits.values() for edit in group]
            editor, clip = self.networks.editor, self.networks.clip
            save_shown(show(editor, clip, latents, edits, self.ranks.index), kept)
        return load_shown(kept, self.ranks.device)

    def kept(self, what: str, *names: str) -> Path:
        """A file of this process, named by what it comes from: the weights of stages, and what was drawn."""
        weights = (self.weights(name).read_bytes() for name in names)
        come_from = hashlib.sha256(b"".join([*weights, repr(self.config.data).encode()])).hexdigest()[:12]
        return self.folder / f"{what}-{come_from}-{self.ranks.index}of{self.ranks.count}.pt"


def _of_other_sizes(name: str, file: Path) -> InputError:
    return InputError(
        f"stage '{name}'",
        got=f"{file} of a network of another size",
        expected="the sizes of `MiniConfig`",
        fix=f"Train it anew: --stages {name}, with a --work and an --initial that have no {file.name}.",
    )


def modules_of(editor: Editor, clip: Clip, student: Student) -> dict[str, nn.Module]:
    """What each stage trains."""
    vae: Any = editor.vae.module
    return {
        "vae": vae,
        "clip": clip.module,
        "decoder": nn.ModuleDict({"post_quant_conv": vae.post_quant_conv, "decoder": vae.decoder}),
        "teacher": nn.ModuleDict({"unet": editor.unet, "text_encoder": editor.text_encoder}),
        "student": student,
    }


def open_workshop(
    config: TrainConfig, edits: dict[str, list[Edit]], folder: Path, ranks: Ranks, start: Path | None = None
) -> Workshop:
    """Fresh networks, with a tokenizer of every caption and instruction."""
    merges = train_merges([*caption_texts(prompts_of(edits)), *instructions_of(edits)], config.networks.vocabulary)
    networks = build_networks(config.networks, merges)
    for part in (networks.editor, networks.clip, networks.student):
        part.to(ranks.device)
    folder.mkdir(parents=True, exist_ok=True)
    return Workshop(config, edits, folder, ranks, networks, start)


def train(workshop: Workshop, name: str, until: float) -> bool:
    """Run a stage until done or until the clock says; its averaged weights are written either way. True when done."""
    started = time.monotonic()
    fit_config: FitConfig = getattr(workshop.config, name)
    ranks, model = workshop.ranks, workshop.module(name).train()
    _begin(workshop, name)
    loss = _loss(workshop, name, fit_config.batch // ranks.count)
    fit = Fit(model, loss, fit_config, workshop.folder / f"{name}.ckpt", ranks)
    with reliable_kernels(), _compilation(workshop, name):
        done = fit.run(until)
    fit.use_average()
    model.eval()
    if ranks.first:
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, workshop.folder / f"{name}.safetensors")
        _log(workshop, name, fit, time.monotonic() - started)
    ranks.meet()
    return done


def _begin(workshop: Workshop, name: str) -> None:
    """Put in place what a stage begins with, if it is not random weights."""
    if name == "decoder":
        workshop.load("vae")
    if workshop.beginning(name):
        workshop.load(name)


def _compilation(workshop: Workshop, name: str) -> AbstractContextManager[None]:
    """Within the block, teacher and student are compiled on a GPU: twice as fast, and their runs are long enough."""
    networks = {"teacher": workshop.networks.editor.unet, "student": workshop.networks.student.network}
    worth_it = name in networks and workshop.ranks.device.startswith("cuda")
    return compiled([networks[name]]) if worth_it else nullcontext()


def _loss(workshop: Workshop, name: str, batch: int) -> Callable[[], Tensor]:
    networks = workshop.networks
    if name == "vae":
        return vae_loss(networks.editor.vae, workshop.data(), batch)
    if name == "decoder":
        return decoder_loss(networks.editor.vae, workshop.data(), batch)
    if name == "clip":
        return clip_loss(networks.clip, workshop.data(), batch)
    if name == "teacher":
        return teacher_loss(networks.editor, workshop.latents(), batch)
    latents = workshop.latents()
    return student_loss(networks.student, latents, workshop.shown(latents), batch)


def _log(workshop: Workshop, name: str, fit: Fit, seconds: float) -> None:
    """Keep a stage's rounds, an earlier run's among them, for the card; the VAE's latent scale too."""
    path, data = workshop.folder / f"{name}.json", workshop.config.data
    before = json.loads(path.read_text())["rounds"][-1]["seconds"] if path.exists() else 0.0
    beginning = workshop.beginning(name)
    earlier = json.loads(beginning.with_suffix(".json").read_text())["rounds"] if beginning else []
    entry: dict[str, Any] = {
        "rounds": [
            *earlier,
            {
                "data": f"{data.scenes:,} scenes of seed {data.seed}",
                "steps": fit.step,
                "batch": fit.config.batch,
                "lr": fit.config.lr,
                "seconds": before + seconds,
                "device": _device_names(workshop.ranks),
            },
        ]
    }
    if name == "vae":
        entry["scale"] = latent_scale(workshop.networks.editor.vae, workshop.data())
    path.write_text(json.dumps(entry))


def _device_names(ranks: Ranks) -> str:
    name = torch.cuda.get_device_name() if ranks.device.startswith("cuda") else ranks.device
    return name if ranks.count == 1 else f"{ranks.count} x {name}"
