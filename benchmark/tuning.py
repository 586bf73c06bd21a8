"""`python -m benchmark.tuning`: variants of methods on scenes that are not the benchmark's, to choose settings by.

What is chosen on the benchmark's own scenes would flatter a method on them. Each exam is a new individual with an edit
of the catalogue, and its truth.
"""

import argparse
import sys
from pathlib import Path
from statistics import fmean

import torch

from baselines.api import EditRequest, Variant
from baselines.registry import load_method, parse_variant
from benchmark.budgets import Budget, find_budget
from benchmark.catalogue import edits_of, find_edit, scenes
from benchmark.cells import settings_of
from benchmark.results import Metrics
from benchmark.scoring import score, to_pixels
from mix2mix.bundles import Bundle, load_bundle
from mix2mix.errors import InputError
from mix2mix.mini.exam import Exam, draw_exams


def sit(exam: Exam, variant: Variant, bundle: Bundle, budget: Budget, device: str) -> Metrics:
    """Let a variant edit the scene of an exam with the budget's amount of work, and score it as the benchmark does."""
    request = EditRequest(
        scene=exam.scene(exam.original),
        edit=exam.edit,
        bundle=bundle,
        seed=0,
        device=device,
        progress=lambda *_: None,
        settings=settings_of(variant, budget),
    )
    views = to_pixels(load_method(variant.spec.id).edit(request).views)
    originals, entry = to_pixels(exam.original.images), find_edit(exam.edit.instruction)
    return score(originals, views, exam.cameras, entry, bundle.metric_clip, exam.edited.truth)


def main(arguments: list[str] | None = None) -> int:
    """Print relative error and Dir of every variant on every exam, and their means."""
    options = _parser().parse_args(arguments)
    try:
        _try(options)
    except InputError as error:
        print(f"benchmark.tuning: {error}", file=sys.stderr)
        return 2
    return 0


def _try(options: argparse.Namespace) -> None:
    variants, budget = [parse_variant(text) for text in options.methods], find_budget(options.budget)
    bundle = load_bundle("mini", options.device, options.weights)
    catalogue = {scene: [entry.edit for entry in edits_of(scene)] for scene in scenes()}
    exams = list(draw_exams(catalogue, 1, every=options.every))
    for variant in variants:
        marks = []
        for exam in exams:
            metrics = sit(exam, variant, bundle, budget, options.device)
            relative = metrics.reprojection.relative if metrics.reprojection else float("nan")
            marks.append((relative, metrics.clip_dir.mean))
            print(f"{variant.name}  {exam.edit.instruction}: {relative:.3f}  Dir {marks[-1][1]:.3f}", flush=True)
        relative, direction = (fmean(column) for column in zip(*marks, strict=True))
        print(f"{variant.name}  mean of {len(exams)}: {relative:.3f}  Dir {direction:.3f}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmark.tuning", description=__doc__)
    parser.add_argument("methods", nargs="+", help="variants, as in i-mix2mix@lr_max=1e-4")
    parser.add_argument("--budget", default="full", help="smoke, quick or full")
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth of the twenty exams")
    parser.add_argument("--weights", type=Path, help="a bundle's folder (default: the shipped one)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


if __name__ == "__main__":
    sys.exit(main())
