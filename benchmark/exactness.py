"""How far the fast path of distillation is from the plain one, from the same seed: `python -m benchmark.exactness`.

Fast: as an edit runs on a GPU, compiled where the bundle wants it and replayed as a CUDA graph. Plain: kernel by
kernel, as the code reads. Random weights learn at the full rates here: for so few updates their features stay small.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from benchmark.catalogue import find_edit
from benchmark.speed import EDIT, SCENE, SEED, sized
from mix2mix.bundles import Bundle, load_bundle, parse_weights
from mix2mix.distill import at_work, new_draws, prepare, update
from mix2mix.distill_config import CHOICES, DistillConfig, Memory
from mix2mix.errors import InputError
from mix2mix.mini.world import held_out_scene
from mix2mix.replay import Replay
from mix2mix.schedule import learning_rate, student_timesteps


@dataclass(frozen=True)
class Course:
    """What some updates came to: clean latents [N, 4, h, w] after the last, and each unclipped gradient's norm [n]."""

    x0: Tensor
    norms: Tensor


@dataclass(frozen=True)
class Difference:
    """Of two courses."""

    x0: float
    """||one - other|| / ||other|| of the clean latents."""
    norm: float
    """Largest |one / other - 1| of the gradient's norms."""


def follow(bundle: Bundle, updates: int, device: str, fast: bool, memory: Memory = "normal", views: int = 4) -> Course:
    """The first updates of an edit of the built-in scene, whose reference is shown as it is."""
    if not fast:
        bundle = replace(bundle, settings=replace(bundle.settings, compiled=False))
    scene, edit = sized(held_out_scene(SCENE, views), bundle), find_edit(EDIT).edit
    # Not distill_config: at its rates for random weights two paths would hardly differ.
    config = DistillConfig().override({**bundle.settings.distill, "memory": memory})
    generator = torch.Generator(device).manual_seed(SEED)
    judge, trajectory = prepare(scene, edit, bundle, config, 0, scene.images[:1], generator, device)
    draws = new_draws(trajectory, judge)
    draws.tau.copy_(student_timesteps(config.plan.count)[0])

    def step() -> None:
        update(trajectory, judge, draws, config)

    learn = Replay(step, torch.device(device)) if fast else step
    norms = []
    with at_work(trajectory, judge, config):
        for number in range(updates):
            draws.refresh(generator, len(scene.images), config, learning_rate(number, config.plan))
            learn()
            norms.append(trajectory.optimiser.norm.clone())
    return Course(trajectory.x0.clone(), torch.stack(norms))


def difference(one: Course, other: Course) -> Difference:
    """How far one is from the other."""
    x0 = (one.x0 - other.x0).norm() / other.x0.norm()
    return Difference(x0.item(), (one.norms / other.norms - 1).abs().max().item())


def main(arguments: list[str] | None = None) -> int:
    """Follow the plain path twice and the fast one once, and print how far each is from the first."""
    parser = argparse.ArgumentParser(prog="benchmark.exactness", description=__doc__)
    parser.add_argument("--bundle", default="mini")
    parser.add_argument("--weights", type=parse_weights, help="a folder, or random")
    parser.add_argument("--updates", type=int, default=20, help="few: random weights end in NaN after many")
    parser.add_argument("--views", type=int, default=4)
    parser.add_argument("--memory", choices=CHOICES["memory"], default="normal", help="of the fast path")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    try:
        _compare(options)
    except InputError as error:
        print(f"benchmark.exactness: {error}", file=sys.stderr)
        return 2
    return 0


def _compare(options: argparse.Namespace) -> None:
    bundle = load_bundle(options.bundle, options.device, options.weights)
    run = partial(follow, bundle, options.updates, options.device, views=options.views)
    plain, again = (run(fast=False) for _ in range(2))
    fast = run(fast=True, memory=options.memory)
    for name, course in (("plain again", again), ("fast", fast)):
        far = difference(course, plain)
        print(f"{name:12} clean latents {far.x0:.2e}, gradient norms {far.norm:.2e} after {options.updates} updates")


if __name__ == "__main__":
    sys.exit(main())
