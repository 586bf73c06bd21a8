"""The mini bundle's networks at toy size: the same classes as the paper's, from configurations as data.

`MiniConfig` holds every size; the functions turn it into the configurations that diffusers, transformers, open_clip and
`SevaConfig` read, and `build_networks` makes them with random weights, ready to be trained.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from mix2mix.bundles import BundleSettings, save_bundle
from mix2mix.mini.tokenizer import Merge, save_clip_merges, save_teacher_tokenizer, train_merges, vocabulary
from mix2mix.pretrained import Clip, Config, Editor, new_clip, new_editor, new_vae
from mix2mix.seva import Seva, SevaConfig
from mix2mix.student import Preconditioning, Student


@dataclass(frozen=True)
class MiniConfig:
    """Sizes of the five networks: at most 18 M parameters, since what ships has 36 MB in half precision."""

    image_size: int = 128
    vocabulary: int = 1024
    """Most entries of the tokenizer; the embeddings take as many as it has."""
    text_length: int = 32
    """Tokens a text may have, start and end among them; the longest of Table 6 has 18."""
    width: int = 128
    """Of the text features, the CLIP towers and the embedding that conditions the student."""
    vae_channels: tuple[int, ...] = (32, 48, 64, 64)
    """Four levels: f = 8."""
    decoder_channels: tuple[int, ...] = (48, 64, 96, 96)
    """Of the VAE's decoder, from images to latents: about half as much again, since it bounds how good images are."""
    latent_scale: float = 0.18215
    """Latents times this have about unit variance; training measures and replaces it."""
    unet_channels: tuple[int, ...] = (96, 96)
    """At 16 x 16 and 8 x 8, both with self- and cross-attention; a middle block would repeat the second level."""
    time_width: int = 128
    head_width: int = 32
    text_layers: int = 2
    text_hidden: int = 384
    clip_vision_layers: int = 4
    clip_text_layers: int = 3
    patch: int = 16
    student_channels: int = 128
    student_levels: tuple[int, ...] = (1, 1)
    student_blocks: int = 1
    """Wide rather than deep: a GPU pays by the kernel at this size, and twice the width at 7 transformers instead of 11
    has 2.5 times the weights."""
    student_unflatten: tuple[str, ...] = ("input_ds1", "input_ds2", "middle_ds2", "output_ds2", "output_ds1")
    """Where all frames attend to each other; cheap at this size, so nearly everywhere."""
    student_frames: int = 5
    preconditioning: Preconditioning = field(default_factory=lambda: Preconditioning("v", input_scale="clean"))
    """v, as eps-prediction would multiply this small network's error by sigma."""


TEXT_GUIDANCE_FACTOR = 0.4
"""Table 6's 7.5 becomes 3: the small teacher overshoots above that, in hue and in artefacts."""


@dataclass(frozen=True)
class MiniNetworks:
    """The bundle's networks; `editor.vae` is the VAE of teacher and student alike."""

    editor: Editor
    clip: Clip
    student: Student


def build_networks(config: MiniConfig, merges: Sequence[Merge], seed: int = 0) -> MiniNetworks:
    """All networks with random weights drawn from `seed`, on the CPU in fp32; the global state stays as it was."""
    with TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        save_teacher_tokenizer(Path(folder), merges, config.text_length)
        save_clip_merges(Path(folder) / "merges.txt.gz", merges)
        entries = len(vocabulary(merges))
        vae = new_vae(vae_config(config))
        editor = new_editor(vae, unet_config(config), text_config(config, entries), scheduler_config(), Path(folder))
        clip = new_clip(clip_config(config, entries), Path(folder) / "merges.txt.gz")
        student = Student(Seva(SevaConfig(**student_config(config))), config.preconditioning)
    return MiniNetworks(editor, clip, student)


def vae_config(config: MiniConfig) -> Config:
    """Of diffusers' AutoencoderKL, with a decoder of its own widths (see `new_vae`)."""
    levels = len(config.vae_channels)
    return {
        "block_out_channels": config.vae_channels,
        "decoder_channels": config.decoder_channels,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 16,
        "sample_size": config.image_size,
        "scaling_factor": config.latent_scale,
    }


def unet_config(config: MiniConfig) -> Config:
    """Of diffusers' UNet2DConditionModel with InstructPix2Pix's 8 input channels: noisy latents and the image's."""
    levels = len(config.unet_channels)
    return {
        "sample_size": config.image_size // 2 ** (len(config.vae_channels) - 1),
        "in_channels": 8,
        "out_channels": 4,
        "block_out_channels": config.unet_channels,
        "down_block_types": ("CrossAttnDownBlock2D",) * levels,
        "mid_block_type": None,
        "up_block_types": ("CrossAttnUpBlock2D",) * levels,
        "layers_per_block": 1,
        "cross_attention_dim": config.width,
        # diffusers' name for the number of heads.
        "attention_head_dim": tuple(channels // config.head_width for channels in config.unet_channels),
        "time_embedding_dim": config.time_width,
    }


def scheduler_config() -> Config:
    """Of diffusers' EulerAncestralDiscreteScheduler: Stable Diffusion's noise levels."""
    return {
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "prediction_type": "epsilon",
        "steps_offset": 1,
    }


def text_config(config: MiniConfig, entries: int) -> Config:
    """Of transformers' CLIPTextModel for a tokenizer of `entries` entries."""
    return {
        "vocab_size": entries,
        "hidden_size": config.width,
        "intermediate_size": config.text_hidden,
        "projection_dim": config.width,
        "num_hidden_layers": config.text_layers,
        "num_attention_heads": config.width // config.head_width,
        "max_position_embeddings": config.text_length,
        "bos_token_id": entries - 2,
        # The true ids: transformers pools at `eos_token_id`, and its default is another vocabulary's.
        "eos_token_id": entries - 1,
        "pad_token_id": entries - 1,
    }


def clip_config(config: MiniConfig, entries: int) -> Config:
    """Of an open_clip model (`model_cfg` of its open_clip_config.json)."""
    vision = {
        "image_size": config.image_size,
        "patch_size": config.patch,
        "width": config.width,
        "head_width": config.head_width,
        "layers": config.clip_vision_layers,
    }
    text = {
        "context_length": config.text_length,
        "vocab_size": entries,
        "width": config.width,
        "heads": config.width // config.head_width,
        "layers": config.clip_text_layers,
    }
    return {"embed_dim": config.width, "vision_cfg": vision, "text_cfg": text}


def student_config(config: MiniConfig) -> Config:
    """Of `SevaConfig`."""
    levels = len(config.student_levels)
    return {
        "model_channels": config.student_channels,
        "channel_mult": config.student_levels,
        "num_res_blocks": config.student_blocks,
        "attention_resolutions": tuple(2**level for level in reversed(range(levels))),
        "num_head_channels": config.head_width,
        "transformer_depth": (1,) * levels,
        "context_dim": config.width,
        "num_frames": config.student_frames,
        "unflatten_names": config.student_unflatten,
    }


def save_random_bundle(folder: Path, corpus: Iterable[str], seed: int = 0) -> None:
    """Write a mini bundle that was never trained, its tokenizer learned from `corpus`: for tests and timing."""
    config = MiniConfig()
    networks = build_networks(config, train_merges(corpus, config.vocabulary), seed)
    settings = BundleSettings(
        image_size=config.image_size,
        teacher_size=networks.editor.image_size,
        student=student_config(config),
        preconditioning=asdict(config.preconditioning),
        licences=dict.fromkeys(("teacher", "student", "clip"), "Apache-2.0"),
        random_weights=True,
    )
    save_bundle(folder, networks.editor, networks.clip, networks.student, settings)
