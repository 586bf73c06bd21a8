"""What a student is shown when an edit is distilled: no true view, but one that the teacher has edited.

A true edited view is noised part of the way and denoised by the teacher (SDEdit, arXiv 2108.01073). It keeps its draw
of the edit and gets the teacher's errors, which a student that is shown it, and asked for the true views, learns to see
through.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mix2mix.edit import Edit
from mix2mix.mini.training.files import save_whole
from mix2mix.mini.training.latents import Latents
from mix2mix.pretrained import Clip, Editor
from mix2mix.teacher import Teacher

STEPS = 8
LEVELS = (150, 650)
"""Of the teacher's timesteps, the least and the most that a view is noised to: beyond, its draw of the edit is lost."""


@dataclass(frozen=True)
class Shown:
    """The edited views of a `Latents` as the teacher leaves them, the originals left out.

    `modes` [S, E, V, 4, h, w] posterior modes and `embeddings` [S, E, V, D], fp16.
    """

    modes: Tensor
    embeddings: Tensor


@torch.no_grad()
def show(editor: Editor, clip: Clip, latents: Latents, edits: Sequence[Edit], seed: int, batch: int = 256) -> Shown:
    """Let the teacher redo every edited view; `edits` are the instructions' with their guidance, in their order."""
    teacher = Teacher(copy.deepcopy(editor))  # which freezes what another stage may train
    modes, embeddings = torch.empty_like(latents.modes[:, 1:]), torch.empty_like(latents.embeddings[:, 1:])
    generator = torch.Generator(modes.device).manual_seed(seed)
    dice = torch.Generator().manual_seed(seed)
    for edit, s, e, v in _alike(latents, edits, batch):
        start = int(torch.randint(*LEVELS, (), generator=dice))
        clean, original = latents.modes[s, e, v].float() * latents.scale, latents.modes[s, 0, v].float()
        images = teacher.decode(redo(teacher, clean, original, edit, start, generator))
        modes[s, e - 1, v] = teacher.vae.encode_mode(images * 2 - 1).half()
        embeddings[s, e - 1, v] = clip.embed_images(images).half()
    return Shown(modes, embeddings)


def redo(
    teacher: Teacher, clean: Tensor, original: Tensor, edit: Edit, start: int, generator: torch.Generator
) -> Tensor:
    """Noise clean latents [N, 4, h, w] to timestep `start` and denoise them as the edit says (DDIM): [N, 4, h, w].

    `original` are the original views' posterior modes; guidance is the edit's own.
    """
    text, alphas = teacher.embed(edit.instruction), teacher.editor.alphas_cumprod.to(clean.device)
    times = torch.linspace(start, 0, STEPS + 1, device=clean.device).long()
    noise = torch.randn(clean.shape, device=clean.device, generator=generator)
    for t in times[:-1]:
        noisy = teacher.add_noise(clean, noise, t)
        with torch.autocast(clean.device.type, torch.bfloat16, enabled=clean.is_cuda):
            noise = teacher.predict_noise(noisy, t, original, text, edit.text_guidance, edit.image_guidance).float()
        clean = (noisy - (1 - alphas[t]).sqrt() * noise) / alphas[t].sqrt()
    return clean


def _alike(latents: Latents, edits: Sequence[Edit], batch: int) -> Iterator[tuple[Edit, Tensor, Tensor, Tensor]]:
    """All edited views as scene, state and view [N], N at most `batch`, each part of one edit."""
    views = latents.modes.shape[2]
    for number, edit in enumerate(edits):
        s, e = (latents.instruction[:, 1:] == number).nonzero(as_tuple=True)
        v = torch.arange(views, device=s.device).repeat(len(s))
        all_of_it = (s.repeat_interleave(views), 1 + e.repeat_interleave(views), v)
        for part in zip(*(index.split(batch) for index in all_of_it), strict=True):
            if len(part[0]):
                yield edit, *part


def save_shown(shown: Shown, path: Path) -> None:
    """Write them, whole or not at all."""
    save_whole({"modes": shown.modes, "embeddings": shown.embeddings}, path)


def load_shown(path: Path, device: str) -> Shown:
    """Read what `save_shown` wrote."""
    return Shown(**torch.load(path, map_location=device, weights_only=True))
