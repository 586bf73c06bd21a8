"""The settings of I-Mix2Mix: one frozen config with the published code's values; the paper's ablations are others.

Where the paper and its published code differ, the code is followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

from mix2mix.bundles import Bundle
from mix2mix.errors import InputError
from mix2mix.schedule import UpdatePlan

_PLAN = {"timesteps" if item.name == "count" else item.name: item.name for item in fields(UpdatePlan)}
"""The plan's fields by the names that settings give them."""

Setting = int | float | str

TeacherTime = Literal["normal", "uniform", "matched"]
Attention = Literal["random", "plain", "extended"]
LatentMapping = Literal["bilinear", "learned"]
Reference = Literal["edited", "unedited"]
Memory = Literal["normal", "low"]
CHOICES: Mapping[str, tuple[str, ...]] = {
    "teacher_time": get_args(TeacherTime),
    "attention": get_args(Attention),
    "latent_mapping": get_args(LatentMapping),
    "reference": get_args(Reference),
    "memory": get_args(Memory),
}
"""What the settings that name a part of the method can be; the paper's own comes first."""


@dataclass(frozen=True)
class DistillConfig:
    """Every tunable of the method; the defaults are the published code's, a bundle may carry its own."""

    plan: UpdatePlan = field(default_factory=UpdatePlan)
    """Updates per timestep and their learning rate."""
    f: float = 0.5
    """Sharpness of the teacher's timestep distribution: near uniform over [tau, upper] (Table 5)."""
    upper: int = 950
    """Noisiest teacher timestep b: above it the teacher's prediction says little about the edit."""
    reference_steps: int = 100
    """Sampling steps of the reference view's edit."""
    weight_decay: float = 0.01
    """AdamW's own default."""
    gradient_clip: float = 0.5
    """Largest norm of the student's gradient: a single teacher timestep must not throw it off."""
    teacher_time: TeacherTime = "normal"
    """t ~ a normal cut to [tau, upper]; or uniform over 0.05 .. 0.95; or t = tau (both let the edit fade)."""
    attention: Attention = "random"
    """The teacher's views all look at a random one; or each at itself (plain); or each at all (extended)."""
    latent_mapping: LatentMapping = "bilinear"
    """From the student's latents to the teacher's: a resize; or one followed by a convolution that is trained too."""
    reference: Reference = "edited"
    """The student's input frame: a view that the teacher has edited; or the view as it is (unedited)."""
    memory: Memory = "normal"
    """low: blocks of the student are computed twice."""

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                got, expected = f"'{getattr(self, name)}'", f"one of {', '.join(choices)}"
                raise InputError(f"setting '{name}' of I-Mix2Mix", got=got, expected=expected, fix="Choose one.")

    def override(self, settings: Mapping[str, Setting]) -> "DistillConfig":
        """The same with some settings replaced: own fields, and the plan's (whose `count` goes by `timesteps`).

        Raises:
            InputError: a name that is no setting, or a choice that there is not.

        """
        own = [item.name for item in fields(self) if item.name != "plan"]
        for name in settings:
            if name not in (*own, *_PLAN):
                known = ", ".join([*_PLAN, *own])
                raise InputError("setting of I-Mix2Mix", got=f"'{name}'", expected=f"one of {known}", fix="Rename it.")
        plan = {_PLAN[name]: value for name, value in settings.items() if name in _PLAN}
        rest = {name: value for name, value in settings.items() if name in own}
        return replace(self, plan=replace(self.plan, **plan), **rest)  # type: ignore[arg-type]


UNTRAINED_FACTOR = 0.01
"""On an untrained bundle's `lr_max` and `lr_min`.

A random teacher says noise, and nothing pulls back what learns from it: at the full rates the gains of the student's
linear layers multiply, until its features outgrow fp32 and its clean latents the teacher's fp16.
"""


def distill_config(bundle: Bundle, settings: Mapping[str, Setting]) -> DistillConfig:
    """The bundle's own settings of the method, some overridden; an untrained one's learning rates are lower."""
    config = DistillConfig().override(bundle.settings.distill)
    if bundle.settings.random_weights:
        lr_max, lr_min = (rate * UNTRAINED_FACTOR for rate in (config.plan.lr_max, config.plan.lr_min))
        config = config.override({"lr_max": lr_max, "lr_min": lr_min})
    return config.override(settings)
