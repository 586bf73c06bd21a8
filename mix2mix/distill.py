"""I-Mix2Mix (arXiv 2511.14899): a 2D editor distilled into a multi-view diffusion model, personalised to one scene.

One view is edited by the teacher and becomes the student's clean input frame. Along the student's noise levels tau, the
student's clean prediction of all views is noised, judged by the teacher (whose views all look at one random view), and
the difference of noises is pushed through the student's weights; then the latents take one Euler step. Where the paper
and its published code differ, the code is followed. The paper's ablations (Table 3, Figure 6) are settings.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mix2mix.attention import (
    CrossViewState,
    cross_view_attention,
    extended_attention,
    fastest_kernels,
    reliable_kernels,
    steady_context,
)
from mix2mix.branches import in_branches, shared_beginning
from mix2mix.bundles import Bundle
from mix2mix.compiling import compiled, compiled_function, compiler_missing, compiles, recomputed, uncompiled_because
from mix2mix.distill_config import Attention, DistillConfig, LatentMapping
from mix2mix.edit import Edit, Progress
from mix2mix.flash import NAME as FLASH_4
from mix2mix.flash import flash_4, serves
from mix2mix.flat import FlatNetwork
from mix2mix.lean import LeanAdamW, LeanNetwork
from mix2mix.memory import check_memory
from mix2mix.optimiser import ClippedAdamW, Optimiser
from mix2mix.reference import choose_reference, condition_on, edit_reference
from mix2mix.replay import Replay, clock, shared_pool
from mix2mix.scene import Scene
from mix2mix.schedule import (
    learning_rate,
    student_timesteps,
    teacher_timestep,
    uniform_timestep,
    updates_per_timestep,
)
from mix2mix.seva import Seva
from mix2mix.student import Condition, Student, euler_step


@dataclass(frozen=True)
class DistillResult:
    """The edited views [N, 3, H, W] in [0, 1] and how they came about; timings in seconds, notes for people."""

    views: Tensor
    reference_view: int
    timings: dict[str, float]
    counts: dict[str, int]
    notes: dict[str, str]


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
        with fastest_kernels():
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
    optimiser: Optimiser
    mapping: nn.Module = field(default_factory=nn.Identity)
    blocks: Sequence[nn.Module] = ()
    """Parts of the student's network that hold nearly all of its work."""

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
    z0 = predict(trajectory, draws)
    backpropagate(trajectory, z0, judge.gradient(z0, draws.t, draws.noise))
    descend(trajectory, config)


def predict(trajectory: Trajectory, draws: Draws) -> Tensor:
    """Predict clean targets and keep them; return what the teacher judges, which gradients flow through."""
    x0 = trajectory.student.denoise(trajectory.x, draws.tau, trajectory.condition, trajectory.frames)[1:]
    trajectory.x0.copy_(x0.detach())
    z0: Tensor = trajectory.mapping(style_resize(x0, (draws.noise.shape[-2], draws.noise.shape[-1])))
    return z0


def backpropagate(trajectory: Trajectory, z0: Tensor, gradient: Tensor) -> None:
    """Push the teacher's judgement [N, 4, h, w] of z0 through the prediction, to a gradient of all that is trained."""
    loss = (gradient * z0).sum() / z0.numel()
    loss.backward()


def descend(trajectory: Trajectory, config: DistillConfig) -> None:
    """Clip the gradient, take the optimiser's step, and drop the gradient: nothing of an update is left in memory."""
    trajectory.optimiser.step(config.gradient_clip)
    trajectory.optimiser.forget()


def advance(trajectory: Trajectory, draws: Draws) -> None:
    """One Euler step from tau to tau_next with the updated weights.

    The network runs as in an update, gradients wanted, though none is taken: its blocks are compiled once.
    """
    sigma, sigma_next = (trajectory.student.sigmas.index_select(0, tau[None]) for tau in (draws.tau, draws.tau_next))
    x0 = trajectory.student.denoise(trajectory.x, draws.tau, trajectory.condition, trajectory.frames).detach()
    trajectory.x.copy_(euler_step(trajectory.x, x0, sigma, sigma_next))


def distill(
    scene: Scene, edit: Edit, bundle: Bundle, config: DistillConfig, seed: int, device: str, progress: Progress
) -> DistillResult:
    """Edit all views of a scene: personalise the student to it and return its last prediction, decoded by the teacher.

    The same seed on the same CPU gives the same bytes. The bundle's own student is left as it is. A GPU without the
    memory for it is an `InputError`, and a gradient that is not finite a `FloatingPointError`, soon after it came up.
    """
    check_memory(bundle, len(scene.images), config, device)
    start = clock(device)
    reference = choose_reference(scene, seed)
    if config.reference == "edited":
        shown = edit_reference(scene, edit, bundle, config.reference_steps, reference, seed, progress)
    else:
        shown = scene.images[reference : reference + 1]
    generator = torch.Generator(device).manual_seed(seed)
    judge, trajectory = prepare(scene, edit, bundle, config, reference, shown, generator, device)
    with at_work(trajectory, judge, config):
        _optimise(trajectory, judge, config, generator, progress)
    middle = clock(device)
    views = bundle.teacher.decode(trajectory.x0)
    timings = {"edit": middle - start, "decode": clock(device) - middle}
    return DistillResult(views, reference, timings, _counts(len(scene.images), config), _notes(bundle, device))


@torch.no_grad()
def prepare(
    scene: Scene,
    edit: Edit,
    bundle: Bundle,
    config: DistillConfig,
    reference: int,
    shown: Tensor,
    generator: torch.Generator,
    device: str,
) -> tuple[Judge, Trajectory]:
    """The teacher told of the edit, and the student at its start: conditioned on the reference as shown [1, 3, H, W].

    Noise is drawn from the generator, which is of the device.
    """
    condition = condition_on(bundle, scene, reference, shown, device)
    guided, views = bundle.guided(edit), len(scene.images)
    attention = CrossViewState(views, torch.zeros((), dtype=torch.int64, device=device))
    teacher = bundle.teacher
    judge = Judge(bundle, teacher.condition(scene.images.to(device)), teacher.embed(edit.instruction),
                  guided.text_guidance, guided.image_guidance, attention)  # fmt: skip
    mapping = latent_mapping(config.latent_mapping).to(device)
    network, optimiser = _trained(bundle, mapping, config, device)
    student = Student(network, bundle.student.preconditioning).to(device).train()
    x = student.initial_noise(condition.latents.shape, generator)
    blocks = cast(Seva, network.template).blocks()
    return judge, Trajectory(student, condition, x, torch.zeros_like(x[1:]), optimiser, mapping, blocks)


def _trained(
    bundle: Bundle, mapping: nn.Module, config: DistillConfig, device: str
) -> tuple[FlatNetwork | LeanNetwork, Optimiser]:
    """A copy of the student's network on the device, and what trains it together with the mapping."""
    lr, decay, source = config.plan.lr_start, config.weight_decay, bundle.student.network
    if compiles(bundle.settings, device):
        lean = LeanNetwork(source, device)
        return lean, LeanAdamW(lean, list(mapping.parameters()), lr, decay, compiled_function)
    flat = FlatNetwork(source).to(device)
    return flat, ClippedAdamW([*flat.parameters(), *mapping.parameters()], lr, decay)


@contextmanager
def at_work(trajectory: Trajectory, judge: Judge, config: DistillConfig) -> Iterator[None]:
    """Within the block the teacher's views look at each other as configured, and what is large is compiled on a GPU."""
    bundle = judge.bundle
    with ExitStack() as stack:
        stack.enter_context(reliable_kernels())
        stack.enter_context(_shared_attention(judge, config.attention))
        stack.enter_context(steady_context(bundle.teacher, in_branches(judge.text, judge.attention.views)))
        stack.enter_context(shared_beginning(bundle.teacher))
        if compiles(bundle.settings, trajectory.x.device.type) and not compiler_missing():
            stack.enter_context(compiled([bundle.teacher.unet, *trajectory.blocks]))
        if config.memory == "low":
            stack.enter_context(recomputed(trajectory.blocks))
        if uses_flash_4(bundle, trajectory.x.device):
            stack.enter_context(flash_4(trajectory.x.device))
        yield


def uses_flash_4(bundle: Bundle, device: torch.device) -> bool:
    """Whether an edit's attention is computed by FlashAttention 4: of large networks, where it is to be had."""
    return compiles(bundle.settings, device.type) and serves(device)


def _shared_attention(judge: Judge, kind: Attention) -> AbstractContextManager[None]:
    teacher = judge.bundle.teacher
    if kind == "random":
        return cross_view_attention(teacher, judge.attention)
    return nullcontext() if kind == "plain" else extended_attention(teacher, judge.attention.views)


def _optimise(
    trajectory: Trajectory, judge: Judge, config: DistillConfig, generator: torch.Generator, progress: Progress
) -> None:
    """The distillation loop: all updates at a timestep, then an Euler step to the next."""
    device, plan = trajectory.x.device, config.plan
    draws = new_draws(trajectory, judge)
    taus, updates = student_timesteps(plan.count).to(device), updates_per_timestep(plan)
    pool = shared_pool(device)
    learn = Replay(lambda: update(trajectory, judge, draws, config), device, pool)
    step = Replay(lambda: advance(trajectory, draws), device, pool)
    done, total = 0, sum(updates)
    for index, count in enumerate(updates):
        draws.tau.copy_(taus[index])
        for _ in range(count):
            draws.refresh(generator, judge.attention.views, config, learning_rate(done, plan))
            learn()
            done += 1
            progress("distill", done, total)
        _check_finite(trajectory, done, total)
        if index + 1 < len(updates):
            draws.tau_next.copy_(taus[index + 1])
            step()


def _check_finite(trajectory: Trajectory, done: int, total: int) -> None:
    """Raise FloatingPointError once a gradient was not finite: its update has left nothing of the weights.

    Asked once a timestep, since a GPU has to be waited for.
    """
    norm = float(trajectory.optimiser.norm)
    if not math.isfinite(norm):
        raise FloatingPointError(
            f"the student's gradient has a norm of {norm} after {done} of {total} updates; expected a finite one. "
            "A lower `lr_max` or another seed may do; if none does, report it with what `mix2mix doctor` says."
        )


def new_draws(trajectory: Trajectory, judge: Judge) -> Draws:
    """What the updates of a trajectory draw, not drawn yet."""
    device = trajectory.x.device
    tau, tau_next, t = (torch.zeros((), dtype=torch.int64, device=device) for _ in range(3))
    # Not empty_like: what is drawn would depend on the memory layout in which the VAE left its latents.
    noise = torch.empty(judge.image_latents.shape, device=device)
    return Draws(tau, tau_next, t, judge.attention.kappa, noise, trajectory.optimiser.lr)


def _notes(bundle: Bundle, device: str) -> dict[str, str]:
    """What sets this machine's way of computing apart."""
    why = uncompiled_because(bundle.settings, device)
    notes = {"compiler": why} if why else {}
    return notes | {"attention": FLASH_4} if uses_flash_4(bundle, torch.device(device)) else notes


def _counts(views: int, config: DistillConfig) -> dict[str, int]:
    """Samples put through the teacher (three guidance branches) and calls of the student (all frames)."""
    updates = sum(updates_per_timestep(config.plan))
    steps = config.reference_steps if config.reference == "edited" else 0
    return {"teacher": 3 * steps + 3 * views * updates, "student": updates + config.plan.count - 1}
