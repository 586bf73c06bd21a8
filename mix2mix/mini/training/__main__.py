"""`python -m mix2mix.mini.training`: train the mini bundle, stage by stage, resuming where a run stopped.

On several GPUs: `torchrun --standalone --nproc-per-node 4 -m mix2mix.mini.training ...`.
"""

import argparse
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from mix2mix.bundles import TRAINING
from mix2mix.errors import InputError
from mix2mix.mini.training.data import read_edits
from mix2mix.mini.training.ranks import Ranks, join, leave
from mix2mix.mini.training.stages import NETWORKS, TrainConfig, Workshop, open_workshop, train

STAGES = (*NETWORKS, "bundle")
_FITS = (
    ("steps", int, "of each stage that is run, or STAGE=STEPS ... (default: the stage's own)"),
    ("batch", int, "likewise, of all processes together"),
    ("lr", float, "likewise, the highest learning rate"),
)
"""Fields of `FitConfig` that are options, and what they are."""


def main(arguments: list[str] | None = None) -> int:
    """Train the stages asked for, in order; 3 says that the time was up before they were done: run it again."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except InputError as error:
        print(f"train_mini: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    until = time.monotonic() + 60 * options.minutes
    ranks = join(options.device)
    try:
        start = _start(options, ranks)
        workshop = open_workshop(_config(options), read_edits(options.edits), options.work, ranks, start)
        return _run_stages(workshop, options.stages, options.output, until)
    finally:
        leave(ranks)


def _start(options: argparse.Namespace, ranks: Ranks) -> Path | None:
    """The folder of stages to start from; a bundle is taken apart first."""
    start: Path | None = options.initial
    if start is None or not (start / TRAINING).is_file():
        return start
    from mix2mix.mini.training.assemble import disassemble

    apart: Path = options.work / "start"
    if ranks.first:
        disassemble(start, apart)
    ranks.meet()
    return apart


def _run_stages(workshop: Workshop, stages: list[str], output: Path, until: float) -> int:
    for stage in stages:
        if stage == "bundle":
            from mix2mix.mini.training.assemble import assemble

            if workshop.ranks.first:
                assemble(workshop, output)
        elif not train(workshop, stage, until):
            print(f"{stage}: time is up; run the same command again to go on")
            return 3
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mix2mix.mini.training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edits", type=Path, required=True, help="catalogue of edits (benchmark/table6.csv)")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES)
    parser.add_argument("--work", type=Path, default=Path("runs/train_mini"), help="checkpoints and weights")
    parser.add_argument("--initial", type=Path, help="what to begin with: the --work of an earlier run, or a bundle")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes and of every draw")
    parser.add_argument("--scenes", type=int, help="how many are drawn (default: as many as the shipped bundle's)")
    for name, of, purpose in _FITS:
        parser.add_argument(f"--{name}", nargs="+", default=[], type=partial(_setting, of=of), help=purpose)
    parser.add_argument("--output", type=Path, default=Path("runs/train_mini/bundle"), help="the bundle's folder")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=600.0, help="stop and save after so many minutes")
    parser.add_argument("--scale", type=float, default=1.0, help="share of scenes and steps (small for a trial)")
    return parser


def _setting(text: str, of: type) -> tuple[tuple[str, ...], int | float]:
    """A number for all stages, or STAGE=NUMBER: the stages that it is for, and it."""
    stage, _, number = text.rpartition("=")
    if stage and stage not in NETWORKS:
        raise argparse.ArgumentTypeError(f"no stage '{stage}': choose from {', '.join(NETWORKS)}")
    try:
        return ((stage,) if stage else NETWORKS), of(number)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{number}' is not {of.__name__}") from error


def _config(options: argparse.Namespace) -> TrainConfig:
    config = TrainConfig()
    data, fits = replace(config.data, seed=options.seed), {name: getattr(config, name) for name in NETWORKS}
    if options.scenes is not None:
        data = replace(data, scenes=options.scenes)
    for name, *_ in _FITS:
        for stages, value in getattr(options, name):
            fits |= {stage: replace(fits[stage], **{name: value}) for stage in stages}
    if options.scale != 1.0:
        data = replace(data, scenes=max(5 * 4, int(data.scenes * options.scale)), chunk=4)
        fits = {k: replace(f, steps=max(2, int(f.steps * options.scale)), batch=8) for k, f in fits.items()}
    fits = {name: replace(fit, seed=fit.seed + 10 * options.seed) for name, fit in fits.items()}
    return replace(config, data=data, **fits)


if __name__ == "__main__":
    sys.exit(main())
