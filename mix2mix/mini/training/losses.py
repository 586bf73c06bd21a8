"""What each network of the mini bundle is trained on: one loss a network, each drawing its own batches."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss, normalize

from mix2mix.cameras import Cameras, normalise, pluecker
from mix2mix.mini.training.data import COLOURS, SIDES, Dataset
from mix2mix.mini.training.latents import Latents
from mix2mix.mini.training.shown import Shown
from mix2mix.pretrained import Clip, Editor, Vae
from mix2mix.student import Condition, Student

_UNCONDITIONAL = 0.05
"""Share of samples whose text is dropped, whose image is dropped, and that lose both (InstructPix2Pix, section 3.2)."""


def _pick(count: int, batch: int, device: torch.device) -> Tensor:
    return torch.randint(count, (batch,), device=device)


def _image_batch(data: Dataset, batch: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Random images [B, 3, H, W] in [0, 1] with their scene, state and view [B]."""
    scenes, states, views = data.images.shape[:3]
    device = data.images.device
    s, e, v = _pick(scenes, batch, device), _pick(states, batch, device), _pick(views, batch, device)
    return data.images[s, e, v].float() / 255, s, e, v


_LATENT_NOISE = 0.2
"""Most noise that the decoder learns to see through, as a deviation of unit latents: about a student's error."""


def vae_loss(vae: Vae, data: Dataset, batch: int, divergence: float = 2e-5) -> Callable[[], Tensor]:
    """Reconstruction of random images, in value and in gradient; latents are pulled lightly towards a unit normal."""

    def loss() -> Tensor:
        images = _image_batch(data, batch)[0] * 2 - 1
        mean, logvar = vae.posterior(images)
        mean, logvar = mean.float(), logvar.float().clamp(-30, 20)
        latents = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        decoded = vae.decode(latents * vae.scale).float()
        spread = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        return _reconstruction(decoded, images) + divergence * spread

    return loss


def decoder_loss(vae: Vae, data: Dataset, batch: int) -> Callable[[], Tensor]:
    """Reconstruction of random images from latents with some noise, the encoder's as they are: for the decoder alone.

    What a student leaves is no image's exact latents, and a decoder that never saw others makes much of little.
    """

    def loss() -> Tensor:
        images = _image_batch(data, batch)[0] * 2 - 1
        with torch.no_grad():
            latents = vae.encode(images).float()
        level = _LATENT_NOISE * torch.rand(batch, 1, 1, 1, device=latents.device)
        return _reconstruction(vae.decode(latents + level * torch.randn_like(latents)).float(), images)

    return loss


def _reconstruction(decoded: Tensor, images: Tensor) -> Tensor:
    """Squared, absolute and edges' error."""
    return 4 * mse_loss(decoded, images) + 0.2 * l1_loss(decoded, images) + 0.2 * _edges(decoded - images)


def _edges(error: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring errors: what a blurred edge leaves behind."""
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


@dataclass(frozen=True)
class Captions:
    """Every caption: each prompt plain, with a side, with a colour, and with both; `tokens` [P * (1+S) * (1+C), L]."""

    tokens: Tensor
    sides: int
    colours: int

    def index(self, prompt: Tensor, side: Tensor, colour: Tensor) -> Tensor:
        """Which caption; side and colour count from 1, 0 leaves them out."""
        return (prompt * (1 + self.sides) + side) * (1 + self.colours) + colour


def captions(clip: Clip, data: Dataset) -> Captions:
    """The captions of a data set, tokenized for its device."""
    texts = caption_texts(data.prompts)
    return Captions(clip.tokens(texts).to(data.images.device), len(SIDES), len(COLOURS))


def caption_texts(prompts: tuple[str, ...]) -> list[str]:
    """Prompts with every side and every colour, in the order of `Captions.index`."""
    sides = ["", *(f", seen from the {side}" for side in SIDES)]
    colours = ["", *(f", in {colour}" for colour in COLOURS)]
    return [prompt + side + colour for prompt in prompts for side in sides for colour in colours]


def clip_loss(clip: Clip, data: Dataset, batch: int) -> Callable[[], Tensor]:
    """Contrast of images with captions, which name side and colour half of the time; all that fit share the target."""
    words = captions(clip, data)

    def loss() -> Tensor:
        images, s, e, v = _image_batch(data, batch)
        truth = torch.stack([data.prompt[s, e], data.side[s, v] + 1, data.colour[s, e] + 1])
        said = truth.clone()
        said[1:] *= torch.randint(2, (2, batch), device=said.device)
        features = normalize(clip.embed_images(images).float(), dim=-1)
        texts = normalize(clip.embed_tokens(words.tokens[words.index(*said)]).float(), dim=-1)
        logits = clip.temperature() * features @ texts.T
        same = (said[:, None] == truth[:, :, None]) | (said[:, None] == 0)
        fits = (same[1:].all(0) & (said[0] == truth[0][:, None])).float()
        return _soft_cross_entropy(logits, fits) + _soft_cross_entropy(logits.T, fits.T)

    return loss


def _soft_cross_entropy(logits: Tensor, fits: Tensor) -> Tensor:
    target = fits / fits.sum(-1, keepdim=True)
    return -(target * logits.log_softmax(-1)).sum(-1).mean()


def teacher_loss(editor: Editor, latents: Latents, batch: int) -> Callable[[], Tensor]:
    """Noise prediction for a view of one draw of an edit, given the original and the instruction (InstructPix2Pix)."""
    device = latents.modes.device
    tokens = editor.tokens([*latents.instructions, ""]).to(device)
    alphas = editor.alphas_cumprod.to(device)
    scenes, states, views = latents.modes.shape[:3]

    def loss() -> Tensor:
        s, v = _pick(scenes, batch, device), _pick(views, batch, device)
        e = 1 + _pick(states - 1, batch, device)
        target, original = latents.modes[s, e, v].float() * latents.scale, latents.modes[s, 0, v].float()
        dice = torch.rand(batch, device=device)
        step = (dice / _UNCONDITIONAL).long()
        said = torch.where((step == 0) | (step == 2), len(latents.instructions), latents.instruction[s, e])
        hidden = (step == 1) | (step == 2)
        original = torch.where(hidden[:, None, None, None], 0.0, original)
        t = torch.randint(len(alphas), (batch,), device=device)
        noise = torch.randn_like(target)
        alpha = alphas[t][:, None, None, None]
        noisy = alpha.sqrt() * target + (1 - alpha).sqrt() * noise
        states_of_text = editor.text_states(tokens)[said]
        return mse_loss(editor.noise(torch.cat([noisy, original], 1), t, states_of_text).float(), noise)

    return loss


_SHOWN = 0.7
"""Share of edits of which the student is shown what the teacher left, not a true view."""

_MOST_WEIGHT = 5.0
"""On the error of clean latents, that of v being 1 + 1 / sigma^2 of it: where there is hardly any noise, views have
little to tell each other. (SNR-weighted losses are cut so, arXiv 2303.09556.)"""


def student_loss(student: Student, latents: Latents, shown: Shown, batch: int, views: int = 4) -> Callable[[], Tensor]:
    """Error of all views of one state of a scene, predicted from one of them, which is also among the targets.

    Of edits that view is given as the teacher leaves it, mostly; asked for are the true ones.
    """
    device = latents.modes.device
    scenes, states, every = latents.modes.shape[:3]

    def loss() -> Tensor:
        s, e = _pick(scenes, batch, device), _pick(states, batch, device)
        targets = torch.rand(batch, every, device=device).argsort(1)[:, :views]
        frames = torch.cat([targets[:, :1], targets], 1)
        frames[:, 1:] = frames[:, 1:].gather(1, torch.rand(batch, views, device=device).argsort(1))
        clean = (latents.modes[s[:, None], e[:, None], frames].float() * latents.scale).flatten(0, 1)
        condition = _condition(latents, shown, s, e, frames)
        tau = torch.randint(len(student.sigmas), (batch,), device=device).repeat_interleave(views + 1)
        sigma = student.sigmas[tau][:, None, None, None]
        x0 = student.denoise(clean + sigma * torch.randn_like(clean), tau, condition, views + 1)
        error = (x0 - clean).float().square() * (1 + sigma**-2).clamp(max=_MOST_WEIGHT)
        return _masked_mean(error, ~condition.mask)

    return loss


def _masked_mean(values: Tensor, keep: Tensor) -> Tensor:
    """Mean over kept frames without asking how many there are (which would wait for the GPU)."""
    weight = keep[:, None, None, None].float()
    return (values * weight).mean() / weight.mean()


def _condition(latents: Latents, shown: Shown, s: Tensor, e: Tensor, frames: Tensor) -> Condition:
    """Condition on the first of T frames [B, T], as it is or as the teacher leaves it, B scenes folded."""
    batch, count = frames.shape
    first = frames[:, 0]
    redone = (e > 0) & (torch.rand(batch, device=e.device) < _SHOWN)
    edit = (e - 1).clamp(min=0)
    mode = torch.where(redone[:, None, None, None], shown.modes[s, edit, first], latents.modes[s, e, first])
    embedding = torch.where(redone[:, None], shown.embeddings[s, edit, first], latents.embeddings[s, e, first])
    cameras = Cameras(latents.cameras.K[s[:, None], frames], latents.cameras.c2w[s[:, None], frames])
    mask = (torch.arange(count, device=e.device) == 0).repeat(batch)
    return Condition(
        (mode.float() * latents.scale).repeat_interleave(count, 0) * mask[:, None, None, None],
        mask,
        embedding.float().repeat_interleave(count, 0)[:, None],
        pluecker(normalise(cameras), mode.shape[-1]).flatten(0, 1),
    )
