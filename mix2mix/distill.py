"""I-Mix2Mix (arXiv 2511.14899): a 2D editor distilled into a multi-view diffusion model, personalised to one scene.

One view is edited by the teacher and becomes the student's clean input frame. Along the student's noise levels tau, the
student's clean prediction of all views is noised, judged by the teacher (whose views all look at one random view), and
the difference of noises is pushed through the student's weights; then the latents take one Euler step. Where the paper
and its published code differ, the code is followed. The paper's ablations (Table 3, Figure 6) are settings.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mix2mix.attention import CrossViewState, cross_view_attention, extended_attention
from mix2mix.bundles import Bundle
from mix2mix.edit import Edit
from mix2mix.errors import InputError
from mix2mix.flat import FlatNetwork
from mix2mix.scene import Scene, pluecker_rays
from mix2mix.schedule import (
    UpdatePlan,
    learning_rate,
    student_timesteps,
    teacher_timestep,
    uniform_timestep,
    updates_per_timestep,
)
from mix2mix.student import Condition, Student, euler_step, reference_condition

Progress = Callable[[str, int, int], None]
"""Called with a phase, the work done and the work in all."""

_PLAIN_RUNS = 3
"""Runs of a computation before its capture as a CUDA graph: they fill the optimiser's state and the kernel caches."""


_PLAN = {"timesteps" if item.name == "count" else item.name: item.name for item in fields(UpdatePlan)}
"""The plan's fields by the names that settings give them."""

Setting = int | float | str

TeacherTime = Literal["normal", "uniform", "matched"]
Attention = Literal["random", "plain", "extended"]
LatentMapping = Literal["bilinear", "learned"]
Reference = Literal["edited", "unedited"]
CHOICES: Mapping[str, tuple[str, ...]] = {
    "teacher_time": get_args(TeacherTime),
    "attention": get_args(Attention),
    "latent_mapping": get_args(LatentMapping),
    "reference": get_args(Reference),
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


def distill_config(bundle: Bundle, settings: Mapping[str, Setting]) -> DistillConfig:
    """The bundle's own settings of the method, some of them overridden."""
    return DistillConfig().override({**bundle.settings.distill, **settings})


@dataclass(frozen=True)
class DistillResult:
    """The edited views [N, 3, H, W] in [0, 1] and how they came about; timings in seconds."""

    views: Tensor
    reference_view: int
    timings: dict[str, float]
    counts: dict[str, int]


@dataclass(frozen=True)
class Judge:
    """The frozen teacher with what it is told: the original views, the instruction and the guidance."""

    bundle: Bundle
    image_latents: Tensor
    text: Tensor
    text_guidance: float
    image_guidance: float
    attention: CrossViewState

    @torch.no_grad()
    def gradient(self, z0: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Noise prediction minus noise [N, 4, h, w] for clean latents z0 noised to timestep t []."""
        teacher, told = self.bundle.teacher, (self.image_latents, self.text, self.text_guidance, self.image_guidance)
        return teacher.predict_noise(teacher.add_noise(z0, noise, t), t, *told) - noise


@dataclass(frozen=True)
class Draws:
    """What varies from update to update, as tensors that stay in place, so that a captured graph reads them."""

    tau: Tensor
    tau_next: Tensor
    t: Tensor
    kappa: Tensor
    noise: Tensor
    lr: Tensor

    def refresh(self, generator: torch.Generator, views: int, config: DistillConfig, lr: float) -> None:
        """Draw the teacher's timestep, its noise and the view that all look at; set the learning rate."""
        self.noise.normal_(generator=generator)
        u = torch.rand((), generator=generator, device=self.t.device)
        self.t.copy_(draw_timestep(u, self.tau, config))
        self.kappa.random_(0, views, generator=generator)
        self.lr.fill_(lr)


@dataclass
class Trajectory:
    """The student on its way: its weights, noisy latents x [T, 4, h, w], latest clean targets x0 [N, 4, h, w].

    `mapping` takes resized latents to what the teacher judges.
    """

    student: Student
    condition: Condition
    x: Tensor
    x0: Tensor
    optimiser: torch.optim.Optimizer
    mapping: nn.Module = field(default_factory=nn.Identity)

    @property
    def frames(self) -> int:
        """T = N + 1: the reference and the targets."""
        return self.x.shape[0]

    def parameters(self) -> list[nn.Parameter]:
        """All that is trained."""
        return [*self.student.parameters(), *self.mapping.parameters()]


def draw_timestep(u: Tensor, tau: Tensor, config: DistillConfig) -> Tensor:
    """The teacher's timestep t [] int64 of a uniform draw u []."""
    if config.teacher_time == "uniform":
        return uniform_timestep(u)
    return tau if config.teacher_time == "matched" else teacher_timestep(u, tau, config.f, config.upper)


def style_resize(latents: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resize of latents [N, 4, h, w] to the teacher's size (72 -> 64 in the paper), without decoding."""
    return latents if latents.shape[-2:] == size else interpolate(latents, size, mode="bilinear", align_corners=False)


def latent_mapping(kind: LatentMapping) -> nn.Module:
    """What follows the resize: nothing, or a 5 x 5 convolution of the four channels that starts as the identity."""
    if kind == "bilinear":
        return nn.Identity()
    # Skipped: torch's initialisation, which draws from the global seed.
    convolution: nn.Module = nn.utils.skip_init(nn.Conv2d, 4, 4, 5, padding=2)
    identity = nn.init.dirac_(torch.empty(4, 4, 5, 5))
    convolution.load_state_dict({"weight": identity, "bias": torch.zeros(4)})
    return convolution


def update(trajectory: Trajectory, judge: Judge, draws: Draws, config: DistillConfig) -> None:
    """One optimiser update (paper, method section): score distillation through the one-step prediction."""
    student = trajectory.student
    x0 = student.denoise(trajectory.x, draws.tau, trajectory.condition, trajectory.frames)[1:]
    z0 = trajectory.mapping(style_resize(x0, (draws.noise.shape[-2], draws.noise.shape[-1])))
    gradient = judge.gradient(z0, draws.t, draws.noise)
    loss = (gradient * z0).sum() / z0.numel()
    trajectory.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trajectory.parameters(), config.gradient_clip)
    trajectory.optimiser.step()
    trajectory.x0.copy_(x0.detach())


@torch.no_grad()
def advance(trajectory: Trajectory, draws: Draws) -> None:
    """One Euler step from tau to tau_next with the updated weights."""
    sigma, sigma_next = (trajectory.student.sigmas.index_select(0, tau[None]) for tau in (draws.tau, draws.tau_next))
    x0 = trajectory.student.denoise(trajectory.x, draws.tau, trajectory.condition, trajectory.frames)
    trajectory.x.copy_(euler_step(trajectory.x, x0, sigma, sigma_next))


def distill(
    scene: Scene, edit: Edit, bundle: Bundle, config: DistillConfig, seed: int, device: str, progress: Progress
) -> DistillResult:
    """Edit all views of a scene: personalise the student to it and return its last prediction, decoded by the teacher.

    The same seed on the same CPU gives the same bytes. The bundle's own student is left as it is.
    """
    clock = time.perf_counter
    start = clock()
    reference = choose_reference(scene, seed)
    if config.reference == "edited":
        shown = edit_reference(scene, edit, bundle, config.reference_steps, reference, seed, progress)
    else:
        shown = scene.images[reference : reference + 1]
    generator = torch.Generator(device).manual_seed(seed)
    judge, trajectory = _prepare(scene, edit, bundle, config, reference, shown, generator, device)
    with _shared_attention(judge, config.attention):
        _optimise(trajectory, judge, config, generator, progress)
    _synchronise(device)
    middle = clock()
    views = bundle.teacher.decode(trajectory.x0)
    _synchronise(device)
    timings = {"edit": middle - start, "decode": clock() - middle}
    return DistillResult(views, reference, timings, _counts(len(scene.images), config))


def choose_reference(scene: Scene, seed: int) -> int:
    """The reference view: one of the scene's, drawn from the seed."""
    return int(torch.randint(len(scene.images), (), generator=torch.Generator().manual_seed(seed)))


def edit_reference(
    scene: Scene, edit: Edit, bundle: Bundle, steps: int, reference: int, seed: int, progress: Progress
) -> Tensor:
    """Edit the reference view by the plain teacher in `steps` sampling steps: [1, 3, H, W] in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    images = scene.images[reference : reference + 1]
    return bundle.teacher.edit(
        images, bundle.guided(edit), steps, [generator], lambda done: progress("reference", done, steps)
    )


def condition_on(bundle: Bundle, scene: Scene, reference: int, shown: Tensor, device: str) -> Condition:
    """What the student is given: the reference as shown [1, 3, H, W], as latents and embedding, and the rays."""
    latents = bundle.vae.encode(shown.to(device) * 2 - 1)[0]
    embedding = bundle.condition_clip.image_features(shown.to(device))[0]
    rays = pluecker_rays(scene, reference, latents.shape[-1]).to(device)
    return reference_condition(latents, embedding, rays)


@torch.no_grad()
def _prepare(
    scene: Scene,
    edit: Edit,
    bundle: Bundle,
    config: DistillConfig,
    reference: int,
    shown: Tensor,
    generator: torch.Generator,
    device: str,
) -> tuple[Judge, Trajectory]:
    condition = condition_on(bundle, scene, reference, shown, device)
    guided, views = bundle.guided(edit), len(scene.images)
    attention = CrossViewState(views, torch.zeros((), dtype=torch.int64, device=device))
    teacher = bundle.teacher
    judge = Judge(bundle, teacher.condition(scene.images.to(device)), teacher.embed(edit.instruction),
                  guided.text_guidance, guided.image_guidance, attention)  # fmt: skip
    student = Student(FlatNetwork(bundle.student.network), bundle.student.preconditioning).to(device).train()
    mapping = latent_mapping(config.latent_mapping).to(device)
    x = student.initial_noise(condition.latents.shape, generator)
    lr = torch.tensor(config.plan.lr_start, device=device)
    trained = [*student.parameters(), *mapping.parameters()]
    optimiser = torch.optim.AdamW(trained, lr=lr, weight_decay=config.weight_decay, fused=True, capturable=x.is_cuda)
    return judge, Trajectory(student, condition, x, torch.zeros_like(x[1:]), optimiser, mapping)


def _shared_attention(judge: Judge, kind: Attention) -> AbstractContextManager[None]:
    teacher = judge.bundle.teacher
    if kind == "random":
        return cross_view_attention(teacher, judge.attention)
    return nullcontext() if kind == "plain" else extended_attention(teacher)


def _optimise(
    trajectory: Trajectory, judge: Judge, config: DistillConfig, generator: torch.Generator, progress: Progress
) -> None:
    """The distillation loop: all updates at a timestep, then an Euler step to the next."""
    device, plan = trajectory.x.device, config.plan
    draws = _draws(trajectory, judge)
    taus, updates = student_timesteps(plan.count).to(device), updates_per_timestep(plan)
    learn = Replay(lambda: update(trajectory, judge, draws, config), device)
    step = Replay(lambda: advance(trajectory, draws), device)
    done, total = 0, sum(updates)
    for index, count in enumerate(updates):
        draws.tau.copy_(taus[index])
        for _ in range(count):
            draws.refresh(generator, judge.attention.views, config, learning_rate(done, plan))
            learn()
            done += 1
            progress("distill", done, total)
        if index + 1 < len(updates):
            draws.tau_next.copy_(taus[index + 1])
            step()


def _draws(trajectory: Trajectory, judge: Judge) -> Draws:
    device = trajectory.x.device
    lr = trajectory.optimiser.param_groups[0]["lr"]
    tau, tau_next, t = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(3))
    # Not empty_like: what is drawn would depend on the memory layout in which the VAE left its latents.
    noise = torch.empty(judge.image_latents.shape, device=device)
    return Draws(tau, tau_next, t, judge.attention.kappa, noise, lr)


class Replay:
    """A computation on tensors that stay in place: plain on a CPU; on a GPU, after a few runs, one CUDA graph."""

    def __init__(self, compute: Callable[[], None], device: torch.device) -> None:
        self._compute = compute
        self._graph = torch.cuda.CUDAGraph() if device.type == "cuda" else None
        self._runs = 0

    def __call__(self) -> None:
        """Run it once more."""
        self._runs += 1
        if self._graph is None:
            self._compute()
        elif self._runs <= _PLAIN_RUNS:
            self._run_aside()
        else:
            if self._runs == _PLAIN_RUNS + 1:
                with torch.cuda.graph(self._graph):
                    self._compute()
            self._graph.replay()

    def _run_aside(self) -> None:
        """On a stream of its own: what is to be captured later must not have run on the default one."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._compute()
        torch.cuda.current_stream().wait_stream(stream)


def _counts(views: int, config: DistillConfig) -> dict[str, int]:
    """Samples put through the teacher (three guidance branches) and calls of the student (all frames)."""
    updates = sum(updates_per_timestep(config.plan))
    steps = config.reference_steps if config.reference == "edited" else 0
    return {"teacher": 3 * steps + 3 * views * updates, "student": updates + config.plan.count - 1}


def _synchronise(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()
