"""The training set as VAE and CLIP see it: what the diffusion models learn from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from mix2mix.cameras import Cameras
from mix2mix.mini.training.data import Dataset
from mix2mix.mini.training.files import save_whole
from mix2mix.pretrained import Clip, Vae


@dataclass(frozen=True)
class Latents:
    """A data set as the diffusion models see it.

    `modes` [S, 1+E, V, 4, h, w] posterior modes and `embeddings` [S, 1+E, V, D], fp16; `scale` of the latents;
    `instruction` [S, 1+E] into `instructions`; `cameras` [S, V].
    """

    modes: Tensor
    embeddings: Tensor
    scale: float
    instruction: Tensor
    cameras: Cameras
    instructions: tuple[str, ...]


@torch.no_grad()
def encode(vae: Vae, clip: Clip, data: Dataset, batch: int = 512) -> Latents:
    """Encode every image of a data set; the scale makes the latents' deviation 1."""
    modes, embeddings = [], []
    for part in torch.split(data.images.flatten(0, 2), batch):
        images = part.float() / 255
        modes.append(vae.encode_mode(images * 2 - 1).half())
        embeddings.append(clip.embed_images(images).half())
    shape = data.images.shape[:3]
    return Latents(
        torch.cat(modes).view(*shape, *modes[0].shape[1:]), torch.cat(embeddings).view(*shape, -1), vae.scale,
        data.instruction, data.cameras, data.instructions,
    )  # fmt: skip


def save_latents(latents: Latents, path: Path) -> None:
    """Write a set, whole or not at all: two stages may do so at once."""
    kept = {
        "modes": latents.modes,
        "embeddings": latents.embeddings,
        "scale": latents.scale,
        "instruction": latents.instruction,
        "instructions": list(latents.instructions),
        "K": latents.cameras.K,
        "c2w": latents.cameras.c2w,
    }
    save_whole(kept, path)


def load_latents(path: Path, device: str) -> Latents:
    """Read a set that `save_latents` wrote."""
    kept = torch.load(path, map_location=device, weights_only=True)
    cameras = Cameras(kept.pop("K"), kept.pop("c2w"))
    return Latents(**{**kept, "cameras": cameras, "instructions": tuple(kept["instructions"])})


def latent_scale(vae: Vae, data: Dataset, count: int = 2048) -> float:
    """The factor that gives latents unit deviation."""
    with torch.no_grad():
        images = data.images.flatten(0, 2)
        some = images[:: max(1, len(images) // count)].float() / 127.5 - 1
        return float(1 / torch.cat([vae.encode_mode(part) for part in some.split(256)]).std())
