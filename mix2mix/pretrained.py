"""Typed doors to diffusers, transformers and open_clip: the one module that makes untyped calls into them.

Three facades: `Vae` (AutoencoderKL), `Editor` (the stock InstructPix2Pix pipeline) and `Clip` (an open_clip model).
Each is made from a configuration, with random weights on torch's current default device, and saved as a folder that the
libraries themselves could load, but for a VAE whose decoder has widths of its own (see `new_vae`). Tensors enter and
leave in the caller's precision, whatever the networks' own is. The libraries take many seconds to import, so they are
imported where they are used.
"""

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mix2mix.errors import InputError
from mix2mix.resting import awake

Config = Mapping[str, Any]
"""A network's configuration in its library's own words."""

DECODER_CHANNELS = "decoder_channels"
"""The key of a VAE's configuration that diffusers does not know: see `new_vae`."""

CLIP_CONFIG, CLIP_WEIGHTS, CLIP_MERGES = "open_clip_config.json", "model.safetensors", "merges.txt.gz"


class Vae:
    """An image autoencoder; gradients pass through, weights are the caller's to freeze."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        config = cast(Any, module).config
        self.factor: int = 2 ** (len(config.block_out_channels) - 1)
        """Pixels per latent, each way."""
        self.scale: float = config.scaling_factor
        """Diffusion models see latents times this."""

    def rescale(self, scale: float) -> None:
        """Set the factor on its latents, also in the configuration that is saved with it."""
        cast(Any, self.module).register_to_config(scaling_factor=scale)
        self.scale = scale

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance [N, 4, h, w], unscaled, of images [N, 3, H, W] in [-1, 1]."""
        distribution = cast(Any, self.module).encode(images.to(_precision(self.module))).latent_dist
        return distribution.mean.to(images.dtype), distribution.logvar.to(images.dtype)

    def encode_mode(self, images: Tensor) -> Tensor:
        """Unscaled posterior mode [N, 4, h, w] of images [N, 3, H, W] in [-1, 1]."""
        return self.posterior(images)[0]

    def encode(self, images: Tensor) -> Tensor:
        """Scaled posterior mode [N, 4, h, w] of images [N, 3, H, W] in [-1, 1]."""
        return self.encode_mode(images) * self.scale

    def decode(self, latents: Tensor) -> Tensor:
        """Images [N, 3, H, W], about in [-1, 1], of scaled latents [N, 4, h, w]."""
        unscaled = (latents / self.scale).to(_precision(self.module))
        return cast(Tensor, cast(Any, self.module).decode(unscaled, return_dict=False)[0]).to(latents.dtype)


class Editor:
    """A stock StableDiffusionInstructPix2PixPipeline: VAE, U-Net, text encoder, tokenizer and sampler."""

    def __init__(self, pipeline: Any) -> None:
        pipeline.set_progress_bar_config(disable=True)
        self.pipeline = pipeline
        self.vae = Vae(pipeline.vae)
        self.unet: nn.Module = pipeline.unet
        self.text_encoder: nn.Module = pipeline.text_encoder
        self.latent_size: int = pipeline.unet.config.sample_size
        self.image_size: int = self.latent_size * self.vae.factor
        self.alphas_cumprod: Tensor = pipeline.scheduler.alphas_cumprod
        """Signal power at each of the training timesteps [1000]."""

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> "Editor":
        """The same editor, moved, its networks in the given precision."""
        self.pipeline.to(device)
        for network in (self.vae.module, self.unet, self.text_encoder):
            nn.Module.to(network, dtype=dtype)  # diffusers' own warns of layers to be kept in fp32, here of none
        return self

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Token ids [N, L] int64 on the CPU, padded or cut to the encoder's length."""
        tokenizer = self.pipeline.tokenizer
        options = {"padding": "max_length", "max_length": tokenizer.model_max_length, "truncation": True}
        return cast(Tensor, tokenizer(list(texts), return_tensors="pt", **options).input_ids)

    def text_states(self, tokens: Tensor) -> Tensor:
        """Features [N, L, C] fp32 of token ids [N, L]; differentiable."""
        return cast(Tensor, self.text_encoder(tokens)[0]).float()

    def noise(self, latents: Tensor, t: Tensor, text_states: Tensor) -> Tensor:
        """The U-Net's noise [N, 4, h, w] for noisy and image latents [N, 8, h, w], t [] or [N], text [N, L, C]."""
        dtype = _precision(self.unet)
        noise = cast(Tensor, self.unet(latents.to(dtype), t, text_states.to(dtype), return_dict=False)[0])
        return noise.to(latents.dtype)

    def run(
        self,
        images: Tensor,
        instruction: str,
        *,
        text_guidance: float,
        image_guidance: float,
        steps: int,
        generators: Sequence[torch.Generator],
        on_step: Callable[[int], None],
    ) -> Tensor:
        """Sample the pipeline as it stands, all images in one batch of (text, image, null) x N.

        Args:
            images: [N, 3, H, W] in [0, 1], H and W the pipeline's own size.
            instruction: the same for all.
            text_guidance: S_T, above 1.
            image_guidance: S_I, at least 1.
            steps: network evaluations per image and branch.
            generators: of the first latents and of the sampler's noise, one per image.
            on_step: called with the number of steps done.

        Returns:
            Edited images [N, 3, H, W] in [0, 1].

        Raises:
            InputError: guidance so weak that the pipeline would silently drop it.

        """
        check_guidance(text_guidance, image_guidance)

        def report(_pipeline: object, step: int, _t: object, _tensors: object) -> dict[str, Tensor]:
            on_step(step + 1)
            return {}

        with _quiet():
            result = self.pipeline(
                prompt=[instruction] * len(images),
                image=images,
                num_inference_steps=steps,
                guidance_scale=text_guidance,
                image_guidance_scale=image_guidance,
                generator=list(generators),
                callback_on_step_end=report,
                output_type="pt",
            )
        return cast(Tensor, result.images).to(images.dtype)

    def save(self, folder: Path) -> None:
        """Write a folder in diffusers' format; the tokenizer in CLIP's two files, which every version reads."""
        with _quiet():
            self.pipeline.save_pretrained(folder, safe_serialization=True)
        tokenizer = folder / "tokenizer"
        self.pipeline.tokenizer.backend_tokenizer.model.save(str(tokenizer))
        (tokenizer / "tokenizer.json").unlink()
        for name in ("model_index.json", "unet/config.json", "vae/config.json"):
            _forget_origin(folder / name)


class Clip:
    """An open_clip model with its own preprocessing and tokenizer; scores are fp32 and do not depend on batching."""

    BATCH = 8
    """Samples of every forward pass, padded with zeros: kernels, and so the last digits, differ by batch size."""

    def __init__(self, module: nn.Module, config: Config, merges: Path) -> None:
        """`module` is an open_clip model, or its `ImageTower`, which embeds no texts."""
        from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
        from open_clip.tokenizer import SimpleTokenizer

        self.module = module
        self._config = config
        self._merges = merges.read_bytes()
        self._tokenizer = SimpleTokenizer(str(merges), context_length=config["text_cfg"]["context_length"])
        self.image_size: int = config["vision_cfg"]["image_size"]
        self.width: int = config["embed_dim"]
        """Of an embedding."""
        self._mean, self._std = (torch.tensor(v)[:, None, None] for v in (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD))

    def to(self, device: torch.device | str) -> "Clip":
        """The same model, moved."""
        self.module.to(device)
        self._mean, self._std = self._mean.to(device), self._std.to(device)
        return self

    def rest_on(self, device: torch.device | str) -> "Clip":
        """The same model, working where it did, but its weights elsewhere while it makes no features."""
        self.module.to(device)
        return self

    def temperature(self) -> Tensor:
        """Factor [] on cosines in the contrastive loss; learned."""
        return cast(Tensor, cast(Any, self.module).logit_scale.exp())

    @property
    def device(self) -> torch.device:
        """Where it works."""
        return self._mean.device

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Token ids [N, L] int64 on the CPU."""
        return cast(Tensor, self._tokenizer(list(texts)))

    def embed_images(self, images: Tensor) -> Tensor:
        """Embeddings [N, D] of images [N, 3, H, W] in [0, 1] of any size; differentiable, as one batch."""
        size = (self.image_size, self.image_size)
        resized = F.interpolate(images, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        return cast(Tensor, cast(Any, self.module).encode_image((resized - self._mean) / self._std))

    def embed_tokens(self, tokens: Tensor) -> Tensor:
        """Embeddings [N, D] of token ids [N, L]; differentiable, as one batch."""
        return cast(Tensor, cast(Any, self.module).encode_text(tokens))

    @torch.no_grad()
    def image_features(self, images: Tensor) -> Tensor:
        """Embeddings [N, D], not normalised, of images [N, 3, H, W] in [0, 1] of any size."""
        with awake(self.module, self.device):
            return _in_fixed_batches(self.embed_images, images.to(self.device, torch.float32), self.BATCH)

    @torch.no_grad()
    def text_features(self, texts: Sequence[str]) -> Tensor:
        """Embeddings [N, D], not normalised."""
        with awake(self.module, self.device):
            return _in_fixed_batches(self.embed_tokens, self.tokens(texts).to(self.device), self.BATCH)

    def save(self, folder: Path) -> None:
        """Write the folder that open_clip loads as `local-dir:FOLDER` (its tokenizer with `bpe_path`)."""
        folder.mkdir(parents=True, exist_ok=True)
        preprocess = {"interpolation": "bicubic", "resize_mode": "squash"}
        document = {"model_cfg": dict(self._config), "preprocess_cfg": preprocess}
        (folder / CLIP_CONFIG).write_text(json.dumps(document, indent=2) + "\n")
        (folder / CLIP_MERGES).write_bytes(self._merges)
        state = {name: value.contiguous() for name, value in self.module.state_dict().items()}
        save_file(state, folder / CLIP_WEIGHTS, metadata={"format": "pt"})


class ImageTower(nn.Module):
    """The half of an open_clip model that sees images, under its own parameter names."""

    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual

    def encode_image(self, images: Tensor) -> Tensor:
        """Embeddings [N, D] of normalised images [N, 3, H, W] of the model's size."""
        return cast(Tensor, self.visual(images))


def new_vae(config: Config) -> Vae:
    """An AutoencoderKL with random weights.

    One key is ours: `decoder_channels`, the decoder's `block_out_channels` where they are not the encoder's. It is kept
    in the configuration, but diffusers does not know it: its own `from_pretrained` would build a decoder as wide as the
    encoder, and then refuse the weights.
    """
    from diffusers import AutoencoderKL

    module = AutoencoderKL(**{name: value for name, value in config.items() if name != DECODER_CHANNELS})
    channels = config.get(DECODER_CHANNELS)
    if channels is not None:
        module.decoder = _new_decoder(module.config, channels)
        module.register_to_config(**{DECODER_CHANNELS: channels})
    return Vae(module.eval())


def new_editor(vae: Vae, unet: Config, text: Config, scheduler: Config, tokenizer: Path) -> Editor:
    """An InstructPix2Pix pipeline around `vae`, with random weights and the tokenizer in the folder `tokenizer`."""
    from diffusers import (
        EulerAncestralDiscreteScheduler,
        StableDiffusionInstructPix2PixPipeline,
        UNet2DConditionModel,
    )
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    with _quiet():
        with torch.device("cpu"):  # its tables pass through numpy
            sampler = EulerAncestralDiscreteScheduler(**scheduler)
        pipeline = StableDiffusionInstructPix2PixPipeline(
            vae=vae.module,
            text_encoder=CLIPTextModel(CLIPTextConfig(**text)).eval(),
            tokenizer=CLIPTokenizer.from_pretrained(tokenizer),
            unet=UNet2DConditionModel(**unet).eval(),
            scheduler=sampler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    return Editor(pipeline)


def new_clip(config: Config, merges: Path) -> Clip:
    """An open_clip model with random weights, tokenized by the gzipped `merges`."""
    from open_clip import CLIP

    return Clip(CLIP(**config).eval(), config, merges)


def openai_merges() -> Path:
    """The gzipped merges of OpenAI's tokenizer, which open_clip brings along."""
    import open_clip

    return Path(open_clip.__file__).with_name("bpe_simple_vocab_16e6.txt.gz")


def halve(folder: Path) -> None:
    """Rewrite every safetensors file below `folder` in fp16."""
    for path in sorted(folder.rglob("*.safetensors")):
        state = {name: value.half() if value.is_floating_point() else value for name, value in load_file(path).items()}
        save_file(state, path, metadata={"format": "pt"})


def check_guidance(text_guidance: float, image_guidance: float) -> None:
    """Raise InputError where the stock pipeline would drop all guidance without a word."""
    if text_guidance <= 1 or image_guidance < 1:
        raise InputError(
            "guidance of the edit",
            got=f"text {text_guidance:g}, image {image_guidance:g} (after the bundle's factor)",
            expected="text above 1 and image at least 1",
            fix="Raise --text-guidance or --image-guidance.",
        )


def _new_decoder(config: Any, channels: Sequence[int]) -> nn.Module:
    """The decoder of an AutoencoderKL's configuration, but for its widths from the images' level to the latents'."""
    from diffusers.models.autoencoders.vae import Decoder

    decoder: nn.Module = Decoder(
        in_channels=config.latent_channels,
        out_channels=config.out_channels,
        up_block_types=config.up_block_types,
        block_out_channels=channels,
        layers_per_block=config.layers_per_block,
        norm_num_groups=config.norm_num_groups,
        act_fn=config.act_fn,
        mid_block_add_attention=config.mid_block_add_attention,
    )
    return decoder


def _precision(module: nn.Module) -> torch.dtype:
    return next(module.parameters()).dtype


def _forget_origin(path: Path) -> None:
    """Drop the folder that a network was once loaded from, which diffusers writes into its configuration."""
    config = json.loads(path.read_text())
    config.pop("_name_or_path", None)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def _in_fixed_batches(embed: Callable[[Tensor], Tensor], items: Tensor, batch: int) -> Tensor:
    chunks = [embed(_padded(chunk, batch))[: len(chunk)] for chunk in torch.split(items, batch)]
    return torch.cat(chunks)


def _padded(items: Tensor, count: int) -> Tensor:
    return torch.cat([items, items.new_zeros(count - len(items), *items.shape[1:])])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the libraries' progress bars, and one warning of theirs that nobody here can act on, off the terminal."""
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    logs = [log for log in (diffusers_logging, transformers_logging) if log.is_progress_bar_enabled()]
    for log in logs:
        log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            # diffusers hands tensors to numpy.array, and torch's side of that lags behind numpy 2.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            yield
    finally:
        for log in logs:
            log.enable_progress_bar()
