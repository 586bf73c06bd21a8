"""The student: SEVA as a denoiser of all frames of a scene together, and its deterministic sampler.

Latents carry noise as x = x0 + sigma * eps. The network sees x / sqrt(sigma^2 + 1) and the index tau of sigma; what it
predicts and how its clean input frames enter are data of the bundle (`Preconditioning`), since eps-prediction at SEVA's
sigma of 85 multiplies the error of a small network by 85. Frames are folded into the batch, scene by scene: B*T.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mix2mix.schedule import seva_sigmas


@dataclass(frozen=True)
class Preconditioning:
    """How noise levels and latents meet the network; the defaults are SEVA's."""

    prediction: Literal["epsilon", "v"] = "epsilon"
    """epsilon: x0 = x - sigma eps. v: x0 = alpha z - s v, z = alpha x, alpha = 1/sqrt(sigma^2 + 1), s = sigma alpha."""
    log_sigma_shift: float = 2.4
    """Logarithm of the factor on the DDPM noise levels."""
    input_scale: Literal["noisy", "clean"] = "noisy"
    """noisy: clean input frames are divided by sqrt(sigma^2 + 1) like the others. clean: they enter as they are."""


@dataclass(frozen=True)
class Condition:
    """What the student knows of a scene (or of B scenes, folded: B*T in place of T)."""

    latents: Tensor
    """Clean latents of input frames, zeros elsewhere [T, 4, h, w]."""
    mask: Tensor
    """Which frames are inputs [T] bool."""
    context: Tensor
    """CLIP image embedding of the input frame [T, 1, C]."""
    pluecker: Tensor
    """Ray map [T, 6, h, w]."""


def reference_condition(reference: Tensor, embedding: Tensor, pluecker: Tensor) -> Condition:
    """Condition T frames on the first, whose clean latents are known (paper, method section).

    Args:
        reference: scaled latents of the edited reference view [4, h, w].
        embedding: its CLIP image embedding [C].
        pluecker: ray maps of the reference and the targets [T, 6, h, w].

    """
    frames = pluecker.shape[0]
    targets = reference.new_zeros(frames - 1, *reference.shape)
    return Condition(
        latents=torch.cat([reference[None], targets]),
        mask=torch.arange(frames, device=reference.device) == 0,
        context=embedding.repeat(frames, 1, 1),
        pluecker=pluecker,
    )


class Student(nn.Module):
    """A multi-view network with its preconditioning: noisy latents in, clean latents out."""

    sigmas: Tensor

    def __init__(self, network: nn.Module, preconditioning: Preconditioning) -> None:
        """`network` is a `Seva`, or computes what one does."""
        super().__init__()
        self.network = network
        self.preconditioning = preconditioning
        # Not persistent: a checkpoint holds the network alone, and the table follows from the preconditioning.
        self.register_buffer("sigmas", seva_sigmas(preconditioning.log_sigma_shift), persistent=False)

    def denoise(self, x: Tensor, tau: Tensor, condition: Condition, num_frames: int) -> Tensor:
        """Predict clean latents in one call of the network.

        Args:
            x: noisy latents [B*T, 4, h, w]; input frames are overwritten by the condition's.
            tau: timestep, int64: [] for all frames or [B*T] (one per scene, repeated over its frames).
            condition: of B*T frames.
            num_frames: T.

        Returns:
            The prediction x0 [B*T, 4, h, w]. Input frames get one too, as in the published code.

        """
        tau = tau.expand(x.shape[0])
        sigma = self.sigmas[tau][:, None, None, None]
        scale = (sigma**2 + 1).rsqrt()
        known = condition.mask[:, None, None, None]
        x = torch.where(known, condition.latents, x)
        latents = self._scale_input(x, scale, known)
        channels = torch.cat([latents, known.to(x.dtype).expand_as(x[:, :1]), condition.pluecker], dim=1)
        # On a GPU as the published code runs it: weights in fp32, the network in bf16.
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False) if x.is_cuda else nullcontext():
            prediction: Tensor = self.network(channels, tau, condition.context, condition.pluecker, num_frames)
        prediction = prediction.to(x.dtype)
        if self.preconditioning.prediction == "epsilon":
            return x - sigma * prediction
        return scale**2 * x - sigma * scale * prediction

    def _scale_input(self, x: Tensor, scale: Tensor, known: Tensor) -> Tensor:
        if self.preconditioning.input_scale == "clean":
            return torch.where(known, x, x * scale)
        return x * scale

    def initial_noise(self, shape: Sequence[int], generator: torch.Generator) -> Tensor:
        """Draw latents at the highest noise level, on the generator's device and then moved to the student's."""
        noise = torch.randn(tuple(shape), generator=generator, device=generator.device)
        sigma_max = self.sigmas[-1]
        return noise.to(sigma_max.device) * (sigma_max**2 + 1).sqrt()


def euler_step(x: Tensor, x0: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    """Move from sigma to sigma_next along the straight line through the prediction x0."""
    return x0 + (x - x0) * (sigma_next / sigma)


@torch.no_grad()
def sample(
    student: Student, condition: Condition, timesteps: Tensor, generator: torch.Generator, num_frames: int
) -> Tensor:
    """Sample by plain Euler steps over falling `timesteps` [n] int64: the last clean prediction [B*T, 4, h, w]."""
    x = student.initial_noise(condition.latents.shape, generator)
    return denoise_along(student, x, condition, timesteps.to(x.device), num_frames)


@torch.no_grad()
def denoise_along(student: Student, x: Tensor, condition: Condition, timesteps: Tensor, num_frames: int) -> Tensor:
    """Take latents x [B*T, 4, h, w] at the first of falling `timesteps` [n] to the last: its clean prediction."""
    x0, sigmas = x, student.sigmas[timesteps]
    for step, tau in enumerate(timesteps):
        if step:
            x = euler_step(x, x0, sigmas[step - 1], sigmas[step])
        x0 = student.denoise(x, tau, condition, num_frames)
    return x0
