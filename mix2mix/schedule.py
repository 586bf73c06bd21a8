"""When everything happens: the student's noise levels, its optimiser updates and the teacher's timesteps.

Noise levels are SEVA's: a DDPM table indexed by the timestep tau in 0 .. 999. The truncated normal of the teacher's
timestep is the paper's; where its text and its published code differ, the defaults here are the code's.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mix2mix.errors import InputError

STEPS = 1000
"""Length of the DDPM table, and the unit of tau and of the teacher's t."""


def seva_sigmas(log_shift: float = 2.4) -> Tensor:
    """SEVA's noise level of every timestep, times e^log_shift: [1000] fp32, rising."""
    betas = torch.linspace(math.sqrt(5e-6), math.sqrt(0.012), STEPS, dtype=torch.float64) ** 2
    alphas_bar = torch.cumprod(1 - betas, dim=0)
    return (((1 - alphas_bar) / alphas_bar).sqrt() * math.exp(log_shift)).float()


def student_timesteps(count: int = 40, first: int = 999, last: int = 25) -> Tensor:
    """Timesteps tau of the student's trajectory: [count] int64, evenly spaced, rounded down, from `first` to `last`."""
    if count < 2:
        raise InputError("student timesteps", got=count, expected="at least 2", fix="Ask for two or more timesteps.")
    index = torch.arange(count)
    return (first * (count - 1) - index * (first - last)) // (count - 1)


@dataclass(frozen=True)
class UpdatePlan:
    """How many optimiser updates each timestep gets, at what learning rate; defaults: the paper's published code."""

    count: int = 40
    """Student timesteps."""
    k: int = 50
    """Updates at every timestep but the first."""
    first_updates: int = 200
    """Updates at the first timestep, whatever k is: it covers the warm-up."""
    warmup: int = 200
    """Updates over which the learning rate rises linearly."""
    lr_start: float = 1e-9
    lr_max: float = 1e-4
    lr_min: float = 5e-5

    def __post_init__(self) -> None:
        if self.decay < 1 or self.warmup < 0:
            raise InputError(
                "warm-up of the learning rate",
                got=f"{self.warmup} updates",
                expected=f"0 .. {self.count * self.k - 1} (below count x k = {self.count} x {self.k})",
                fix="Shorten the warm-up with the budget, or raise k.",
            )

    @property
    def decay(self) -> int:
        """Updates over which the learning rate falls as a cosine; it is flat afterwards."""
        return self.count * self.k - self.warmup


def updates_per_timestep(plan: UpdatePlan) -> list[int]:
    """Optimiser updates at each student timestep: 2150 in all at the paper's setting."""
    return [plan.first_updates] + [plan.k] * (plan.count - 1)


def learning_rate(step: int, plan: UpdatePlan) -> float:
    """Learning rate of update `step` (from 0): linear warm-up, cosine from lr_max to lr_min, flat after."""
    if step < plan.warmup:
        return plan.lr_start + (plan.lr_max - plan.lr_start) * step / plan.warmup
    progress = min((step - plan.warmup) / plan.decay, 1.0)
    return plan.lr_min + (plan.lr_max - plan.lr_min) * (1 + math.cos(math.pi * progress)) / 2


def teacher_timestep(u: Tensor, tau: Tensor, f: float, upper: int = 950) -> Tensor:
    """Teacher timestep t of a uniform draw: the floor of a truncated normal's quantile, made on the tensors' device.

    The normal has mean `upper` and deviation (upper - tau) / f, cut to [tau, upper]: f near 0 is uniform, a large f
    crowds t at `upper`.

    Args:
        u: uniform draws in [0, 1), of any shape.
        tau: student timesteps, int64, broadcast against u.
        f: sharpness, above 0 (0.5 in the paper).
        upper: noisiest teacher timestep b.

    Returns:
        int64, tau <= t < upper; exactly `upper` where tau >= upper.

    Raises:
        InputError: f is not positive.

    """
    _check_sharpness(f)
    # Half a normal's quantile through erf is exact for every f; Phi(-f) + u (1/2 - Phi(-f)) cancels at a small f.
    depth = (torch.erfinv((1 - u.double()) * math.erf(f / math.sqrt(2))) * math.sqrt(2) / f).clamp(max=1)
    span = (upper - tau).clamp(min=0)
    t = (upper - span * depth).floor().long()
    return t.minimum(upper - span.clamp(max=1))  # a draw so near the bound that it rounds to it is floored all the same


def uniform_timestep(u: Tensor, low: int = 50, high: int = 950) -> Tensor:
    """Teacher timestep t, int64 in low .. high - 1, of a uniform draw u in [0, 1), whatever tau is (Table 3)."""
    return (low + (high - low) * u.double()).floor().long()


def teacher_density(t: Tensor, tau: float, f: float, upper: int = 950) -> Tensor:
    """Density per timestep of the continuous draw behind `teacher_timestep` (Figure 7): fp64, 0 outside [tau, upper].

    Raises:
        InputError: f is not positive, or tau is not below `upper` (t is then certain and has no density).

    """
    _check_sharpness(f)
    if tau >= upper:
        raise InputError("tau of a density", got=tau, expected=f"below {upper}", fix="Choose a lower student timestep.")
    sigma = (upper - tau) / f
    z = (t.double() - upper) / sigma
    mass = math.sqrt(math.pi / 2) * math.erf(f / math.sqrt(2))
    return torch.where((t >= tau) & (t <= upper), (-z * z / 2).exp() / (sigma * mass), 0.0)


def _check_sharpness(f: float) -> None:
    if not f > 0:
        raise InputError("sharpness f of the teacher's timestep", got=f, expected="above 0", fix="The paper uses 0.5.")
