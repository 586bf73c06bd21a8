"""How fast an edit by I-Mix2Mix is, phase by phase: the distillation's own steps, timed on the device that runs them.

On a GPU every part of an iteration is a CUDA graph of its own, as the iteration is one as a whole. What is measured is
what an edit does: the published plan's steps on a built-in scene at the bundle's size, with its instruction and views.
"""

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmark.budgets import FULL
from benchmark.catalogue import find_edit
from benchmark.environment import provenance
from benchmark.speed_clock import Timed
from benchmark.speed_kernels import kernels_by_kind
from benchmark.speed_report import (
    BACKWARD,
    DECODE,
    DRAWS,
    EULER,
    FORWARD,
    ITERATION,
    LOAD,
    OPTIMISER,
    REFERENCE,
    TEACHER,
    KernelKind,
    MatrixRate,
    PhaseSpeed,
    Speed,
    extrapolate,
    highest,
    spread,
)
from mix2mix.distill import (
    Draws,
    Judge,
    Trajectory,
    advance,
    at_work,
    backpropagate,
    descend,
    new_draws,
    predict,
    prepare,
    update,
)
from mix2mix.distill_config import DistillConfig, Memory, distill_config
from mix2mix.edit import Progress
from mix2mix.memory import check_memory
from mix2mix.mini.world import held_out_scene
from mix2mix.programs import shared_programs
from mix2mix.reference import choose_reference, edit_reference
from mix2mix.replay import PLAIN_RUNS, Replay, shared_pool
from mix2mix.schedule import learning_rate, student_timesteps, updates_per_timestep
from mix2mix.teacher import resize

if TYPE_CHECKING:
    from mix2mix.bundles import Bundle
    from mix2mix.edit import Edit
    from mix2mix.scene import Scene

SCENE, EDIT, SEED = "face", "turn-him-into-a-vampire", 0

PROFILED = 3
"""Iterations whose kernels are looked at."""


@dataclass(frozen=True)
class Effort:
    """How often things are run on a kind of device, the first time included."""

    reference: int
    """Reference edits: 6.7 s each on an H200 by the published code."""
    others: int
    """Timed runs of everything else but loading, besides those made alone."""
    matrix_size: int
    """Of the matrix product that the device's rate is taken from: large enough to fill it."""
    matrix_runs: int
    matrix_dtype: torch.dtype


EFFORTS = {
    "cuda": Effort(reference=3, others=50, matrix_size=8192, matrix_runs=100, matrix_dtype=torch.bfloat16),
    "cpu": Effort(reference=1, others=5, matrix_size=2048, matrix_runs=8, matrix_dtype=torch.float32),
}


@dataclass(frozen=True)
class Bench:
    """All that the measurements of an edit share."""

    scene: "Scene"
    edit: "Edit"
    bundle: "Bundle"
    config: DistillConfig
    device: str
    effort: Effort
    progress: Progress

    @property
    def on_gpu(self) -> bool:
        """Whether what is repeated becomes a CUDA graph."""
        return self.device.startswith("cuda")

    def timed(self, name: str, work: Callable[[], object], captured: bool = True) -> Timed[object]:
        """Work that is repeated; the runs until it is a CUDA graph, or the first one on a CPU, are made alone."""
        return Timed(name, work, self.device, PLAIN_RUNS + 1 if self.on_gpu else 1, captured and self.on_gpu)


@dataclass(frozen=True)
class Distillation:
    """An edit under way."""

    bench: Bench
    judge: Judge
    trajectory: Trajectory
    draws: Draws
    generator: torch.Generator

    def refresh(self) -> None:
        """Draw what varies from update to update, at the learning rate that an edit begins with."""
        config, views = self.bench.config, len(self.bench.scene.images)
        self.draws.refresh(self.generator, views, config, learning_rate(0, config.plan))

    def update(self) -> None:
        """One optimiser update."""
        update(self.trajectory, self.judge, self.draws, self.bench.config)

    def advance(self) -> None:
        """One Euler step."""
        advance(self.trajectory, self.draws)

    def decode(self) -> Tensor:
        """The edited views [N, 3, H, W]."""
        return self.bench.bundle.teacher.decode(self.trajectory.x0)


class Update:
    """An optimiser update in its parts, each of which can be run, captured and counted by itself, in their order."""

    def __init__(self, work: Distillation) -> None:
        self._work = work
        self._z0 = self._gradient = torch.empty(0)

    def parts(self) -> dict[str, Callable[[], None]]:
        """By name; together they are `mix2mix.distill.update`."""
        return {FORWARD: self._predict, TEACHER: self._judge, BACKWARD: self._push_back, OPTIMISER: self._descend}

    def _predict(self) -> None:
        self._z0 = predict(self._work.trajectory, self._work.draws)

    def _judge(self) -> None:
        draws = self._work.draws
        self._gradient = self._work.judge.gradient(self._z0, draws.t, draws.noise)

    def _push_back(self) -> None:
        backpropagate(self._work.trajectory, self._z0, self._gradient)
        # Let go, as `update` does: what autograd made for this run on its stream must not serve the next on another.
        self._z0 = self._gradient = torch.empty(0)

    def _descend(self) -> None:
        descend(self._work.trajectory, self._work.bench.config)


def measure(
    load: "Callable[[], Bundle]",
    views: int,
    device: str,
    effort: Effort,
    progress: Progress,
    memory: Memory = "normal",
) -> Speed:
    """Load a bundle and measure every phase of an edit of so many views with it.

    Args:
        load: loads the bundle on the device.
        views: N, 2 .. 8; InputError for others.
        device: "cpu", "cuda", "cuda:1", ...
        effort: how often things are run.
        progress: told of what is under way.
        memory: how much of it the distillation may take.

    """
    scene = held_out_scene(SCENE, views)
    if device.startswith("cuda:"):
        torch.cuda.set_device(device)  # graphs and streams are made on the current device
    rate = matrix_rate(device, effort)
    _make_room(device)
    loading = Timed(LOAD, load, device)
    bundle = loading()
    config = distill_config(bundle, {"memory": memory})
    bench = Bench(sized(scene, bundle), find_edit(EDIT).edit, bundle, config, device, effort, progress)
    phases, parts, kernels = _measure_edit(bench, rate.tflops)
    return _speed(bench, rate, (loading.result(), *phases), parts, kernels)


def sized(scene: "Scene", bundle: "Bundle") -> "Scene":
    """A scene at the size that the bundle's student works on."""
    size = bundle.settings.image_size
    return replace(scene, images=resize(scene.images, size, size))


def matrix_rate(device: str, effort: Effort) -> MatrixRate:
    """TFLOP/s of the product of two large square matrices of random numbers."""
    size, dtype = effort.matrix_size, effort.matrix_dtype
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    product = Timed("matrix product", lambda: a @ b, device)
    for _ in range(1 + effort.matrix_runs):
        product()
    median = spread(product.seconds()[1:]).median
    return MatrixRate(dtype=str(dtype).removeprefix("torch."), size=size, tflops=2 * size**3 / median / 1e12)


def count_tflop(works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """TFLOP of each piece of work, run once in turn: matrix products, convolutions, attention, and their gradients.

    Counted is the plain code: a compiler may fuse a product into a kernel that no counter knows.
    """
    counts = {}
    # One counter for all: it follows a forward pass into its backward pass.
    with shared_programs().as_written(), FlopCounterMode(display=False) as counter:
        for name, work in works.items():
            before = counter.get_total_flops()
            work()
            counts[name] = (counter.get_total_flops() - before) / 1e12
    return counts


def _measure_edit(
    bench: Bench, rate: float
) -> tuple[tuple[PhaseSpeed, ...], tuple[PhaseSpeed, ...], tuple[KernelKind, ...]]:
    """The phases after loading, and the parts and kernels of an iteration, on a device of so many TFLOP/s."""
    reference, shown = _measure_reference(bench)
    work = _begin(bench, shown)
    with at_work(work.trajectory, work.judge, bench.config):
        phases, decode = _measure_loop(work), _measure_decode(work)
        _make_room(bench.device)
        parts = _measure_parts(work)
        _make_room(bench.device)
        counts = count_tflop({**Update(work).parts(), EULER: work.advance, DECODE: work.decode})
        kernels = _measure_kernels(work) if bench.on_gpu else ()
    counts[ITERATION] = sum(counts[name] for name in Update(work).parts())
    return _counted((reference, *phases, decode), counts, rate), _counted(parts, counts, rate), kernels


def _measure_reference(bench: Bench) -> tuple[PhaseSpeed, Tensor]:
    scene, steps, view = bench.scene, bench.config.reference_steps, choose_reference(bench.scene, SEED)
    timed = Timed(
        REFERENCE,
        lambda: edit_reference(scene, bench.edit, bench.bundle, steps, view, SEED, bench.progress),
        bench.device,
    )
    shown = [timed() for _ in range(bench.effort.reference)][-1]
    return timed.result(), shown


def _begin(bench: Bench, shown: Tensor) -> Distillation:
    """The edit whose reference view is `shown` [1, 3, H, W], at its first timestep."""
    scene, edit, bundle, config = bench.scene, bench.edit, bench.bundle, bench.config
    check_memory(bundle, len(scene.images), config, bench.device)
    generator, view = torch.Generator(bench.device).manual_seed(SEED), choose_reference(scene, SEED)
    judge, trajectory = prepare(scene, edit, bundle, config, view, shown, generator, bench.device)
    draws, taus = new_draws(trajectory, judge), student_timesteps(config.plan.count)
    draws.tau.copy_(taus[0])
    draws.tau_next.copy_(taus[1])
    return Distillation(bench, judge, trajectory, draws, generator)


def _measure_loop(work: Distillation) -> tuple[PhaseSpeed, ...]:
    """The iteration and the Euler step, both there at once as in an edit."""
    device = work.trajectory.x.device
    pool = shared_pool(device)
    learn, step = (Replay(compute, device, pool) for compute in (work.update, work.advance))

    def iterate() -> None:
        work.refresh()
        learn()

    phases = [work.bench.timed(ITERATION, iterate), work.bench.timed(EULER, step)]
    for phase in phases:
        _repeat(work.bench, phase.name, [phase])
    return tuple(phase.result() for phase in phases)


def _measure_decode(work: Distillation) -> PhaseSpeed:
    decode = Timed(DECODE, work.decode, work.bench.device)
    _repeat(work.bench, DECODE, [decode])
    return decode.result()


def _measure_parts(work: Distillation) -> tuple[PhaseSpeed, ...]:
    """The parts of an iteration in turn, each captured by itself."""
    bench, device = work.bench, work.trajectory.x.device
    parts = [bench.timed(name, Replay(part, device)) for name, part in Update(work).parts().items()]
    parts = [bench.timed(DRAWS, work.refresh, captured=False), *parts]
    _repeat(bench, "parts of an iteration", parts)
    return tuple(part.result() for part in parts)


def _measure_kernels(work: Distillation) -> tuple[KernelKind, ...]:
    """A GPU's kernels of an iteration. To be done last: what looks at them may slow down what comes after."""
    _make_room(work.bench.device)
    learn = Replay(work.update, work.trajectory.x.device)
    for _ in range(PLAIN_RUNS + 1):
        work.refresh()
        learn()
    return kernels_by_kind(learn, PROFILED)


def _repeat(bench: Bench, name: str, phases: Sequence[Timed[Any]]) -> None:
    """Run phases in turn, until each has been run alone and timed as often as it is to be."""
    total = bench.effort.others + phases[0].alone
    for done in range(total):
        for phase in phases:
            phase()
        bench.progress(name, done + 1, total)


def _make_room(device: str) -> None:
    """Give back the GPU's memory that nothing uses any more, so that it does not count for what comes next."""
    if device.startswith("cuda"):
        gc.collect()
        torch.cuda.empty_cache()


def _counted(phases: Sequence[PhaseSpeed], counts: Mapping[str, float], rate: float) -> tuple[PhaseSpeed, ...]:
    return tuple(phase.counted(counts[phase.name], rate) if phase.name in counts else phase for phase in phases)


def _speed(
    bench: Bench,
    rate: MatrixRate,
    phases: tuple[PhaseSpeed, ...],
    parts: tuple[PhaseSpeed, ...],
    kernels: tuple[KernelKind, ...],
) -> Speed:
    medians = {phase.name: phase.seconds.median for phase in phases}
    updates = updates_per_timestep(bench.config.plan)
    return Speed(
        schema_version=1,
        scene=SCENE,
        views=len(bench.scene.images),
        image_size=bench.bundle.settings.image_size,
        memory=bench.config.memory,
        threads=torch.get_num_threads(),
        matrix=rate,
        phases=phases,
        parts=parts,
        sum_of_parts=sum(part.seconds.median for part in parts),
        kernels=kernels,
        edit=extrapolate(medians, sum(updates), len(updates) - 1),
        peak=highest([phase.memory for phase in phases]),
        provenance=provenance(bench.bundle, FULL.name, bench.device),
    )
