"""`python -m benchmark.evaluation`: how good the mini bundle's networks are by themselves, on scenes never trained on.

Four networks, and what the benchmark asks of each: the VAE keeps a picture, CLIP tells the edits of a family apart, the
teacher's single views show the edit that was asked for and differ from seed to seed, and the student carries one true
view to the others better than copying does. The bars are data (`BARS`), so that the card can say how each was met.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from benchmark import catalogue
from benchmark.reprojection import reprojection
from benchmark.scoring import edited_region
from mix2mix.bundles import Bundle, bundle_folder, load_bundle
from mix2mix.edit import Edit
from mix2mix.mini.exam import Exam, State, draw_exams
from mix2mix.mini.training.card import write_scores
from mix2mix.reference import condition_on
from mix2mix.schedule import student_timesteps
from mix2mix.student import sample

TEACHER_STEPS, STUDENT_STEPS = 50, 40
"""Sampling steps of a teacher's edit, and of the student as in the method's own trajectory."""

DIFFERENT = 0.05
"""Two draws of an edit differ when their subjects do by this, mean absolute, colours in [0, 1]."""


@dataclass(frozen=True)
class Bar:
    """A measure that must reach `least`, or stay at or below `most`."""

    measure: str
    title: str
    least: float | None = None
    most: float | None = None

    def met(self, scores: Mapping[str, float]) -> bool:
        """Whether it is met."""
        value = scores[self.measure]
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"


BARS = (
    Bar("vae_psnr_db", "VAE, there and back: PSNR in dB", least=30),
    Bar("clip_accuracy", "CLIP names the edit of a true view, among its family's", least=0.95),
    Bar("teacher_accuracy", "CLIP names the edit of the teacher's single view", least=0.80),
    Bar("teacher_edits_that_vary", f"edits whose two seeds differ by {DIFFERENT:g} or more, of 20", least=12),
    Bar("student_gain_over_copy_db", "student, from one true view to the others: dB above copying that view", least=2),
    Bar("student_reprojection_over_vae", "its reprojection error above that of the VAE's round trip", most=0.02),
)


@dataclass(frozen=True)
class Marks:
    """What one exam gave, measure by measure."""

    exam: Exam
    values: Mapping[str, float]


def psnr(a: Tensor, b: Tensor) -> float:
    """Mean over images [N, 3, H, W] in [0, 1] of the peak signal-to-noise ratio in dB."""
    return float((-10 * (a - b).square().flatten(1).mean(1).log10()).mean())


@torch.no_grad()
def examine(exam: Exam, bundle: Bundle, number: int, device: str) -> Marks:
    """All measures of one exam; `number` chooses the view that is edited and given."""
    given = number % len(exam.edited.images)
    values = {
        **_vae_marks(exam, bundle, device),
        "clip_right": _share_right(exam.edited.images, exam, bundle),
        **_teacher_marks(exam, bundle, given),
        **_student_marks(exam, bundle, given, device),
    }
    return Marks(exam, values)


def summarise(marks: Sequence[Marks]) -> dict[str, float]:
    """The measures that the bars speak of, over all exams."""

    def mean(name: str) -> float:
        return fmean(mark.values[name] for mark in marks)

    by_edit: dict[str, list[float]] = {}
    for mark in marks:
        by_edit.setdefault(mark.exam.edit.instruction, []).append(mark.values["teacher_difference"])
    return {
        "vae_psnr_db": mean("vae_psnr_db"),
        "clip_accuracy": mean("clip_right"),
        "teacher_accuracy": mean("teacher_right"),
        "teacher_edits_that_vary": sum(fmean(values) >= DIFFERENT for values in by_edit.values()),
        "student_psnr_db": mean("student_psnr_db"),
        "student_gain_over_copy_db": mean("student_psnr_db") - mean("copy_psnr_db"),
        "student_reprojection": mean("student_reprojection"),
        "student_reprojection_over_vae": mean("student_reprojection") - mean("vae_reprojection"),
    }


def per_edit(marks: Sequence[Marks]) -> list[dict[str, str | float]]:
    """Mean of every measure for each edit, in the catalogue's order."""
    groups: dict[str, list[Marks]] = {}
    for mark in marks:
        groups.setdefault(mark.exam.edit.instruction, []).append(mark)
    return [
        {"scene": group[0].exam.family, "edit": instruction}
        | {name: fmean(mark.values[name] for mark in group) for name in group[0].values}
        for instruction, group in groups.items()
    ]


def _round_trip(images: Tensor, bundle: Bundle, device: str) -> Tensor:
    return bundle.teacher.decode(bundle.vae.encode(images.to(device) * 2 - 1)).cpu()


def _error(views: Tensor, exam: Exam, state: State) -> float:
    """Reprojection error over the subject, as the benchmark measures it (over everything where all is repainted)."""
    region = edited_region(catalogue.find_edit(exam.edit.instruction), state.truth)
    found = reprojection(views, exam.cameras, state.truth.depth, region)
    if found is None:
        raise ValueError(f"no two views of the exam '{exam.edit.instruction}' share enough pixels")
    return found.error


def _vae_marks(exam: Exam, bundle: Bundle, device: str) -> dict[str, float]:
    states = (exam.original, exam.edited)
    copies = [_round_trip(state.images, bundle, device) for state in states]
    return {
        "vae_psnr_db": fmean(psnr(copy, state.images) for copy, state in zip(copies, states, strict=True)),
        "vae_reprojection": fmean(_error(copy, exam, state) for copy, state in zip(copies, states, strict=True)),
    }


def _share_right(images: Tensor, exam: Exam, bundle: Bundle) -> float:
    """Share of images that CLIP finds nearest to the exam's own prompt among those of its family's edits."""
    prompts = [entry.edit.edited_prompt for entry in catalogue.edits_of(exam.family)]
    texts = bundle.metric_clip.text_features(prompts)
    similarity = cosine_similarity(bundle.metric_clip.image_features(images)[:, None], texts[None], dim=-1)
    return float((similarity.argmax(1) == prompts.index(exam.edit.edited_prompt)).float().mean())


def _teacher_marks(exam: Exam, bundle: Bundle, given: int) -> dict[str, float]:
    image = exam.original.images[given].expand(2, -1, -1, -1)
    generators = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    edited = bundle.teacher.edit(image, bundle.guided(exam.edit), TEACHER_STEPS, generators, _ignore).cpu()
    subject = exam.edited.truth.subject[given]
    return {
        "teacher_right": _share_right(edited, exam, bundle),
        "teacher_difference": float((edited[0] - edited[1])[:, subject].abs().mean()),
    }


def _student_marks(exam: Exam, bundle: Bundle, given: int, device: str) -> dict[str, float]:
    """Of original and edit alike: one true view given, the others sampled and compared with the truth."""
    marks = [_carried(exam, state, bundle, given, device) for state in (exam.original, exam.edited)]
    return {name: fmean(mark[name] for mark in marks) for name in marks[0]}


def _carried(exam: Exam, state: State, bundle: Bundle, given: int, device: str) -> dict[str, float]:
    images = state.images
    condition = condition_on(bundle, exam.scene(state), given, images[given : given + 1], device)
    generator = torch.Generator(device).manual_seed(0)
    taus = student_timesteps(STUDENT_STEPS)
    with bundle.sampling():
        latents = sample(bundle.student, condition, taus, generator, len(images) + 1)[1:]
    views = bundle.teacher.decode(latents).cpu()
    others = [i for i in range(len(images)) if i != given]
    return {
        "student_psnr_db": psnr(views[others], images[others]),
        "copy_psnr_db": psnr(images[given].expand(len(others), -1, -1, -1), images[others]),
        "student_reprojection": _error(views, exam, state),
    }


def _ignore(_done: int) -> None:
    """Say nothing of single sampling steps."""


def evaluate(bundle: Bundle, individuals: int, device: str, tell: Callable[[str], None]) -> list[Marks]:
    """Examine a bundle on `individuals` new scenes for each edit of the catalogue."""
    edits: dict[str, list[Edit]] = {name: [e.edit for e in catalogue.edits_of(name)] for name in catalogue.scenes()}
    marks = []
    for number, exam in enumerate(draw_exams(edits, individuals)):
        marks.append(examine(exam, bundle, number, device))
        values = "  ".join(f"{name} {value:.3f}" for name, value in marks[-1].values.items())
        tell(f"{exam.family:7}{exam.edit.instruction:40}{values}")
    return marks


def main(arguments: Sequence[str] | None = None) -> int:
    """Evaluate, write `evaluation.json` and the scores on the weights' card; 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="benchmark.evaluation", description=__doc__)
    parser.add_argument("--weights", type=Path, help="a bundle's folder (default: the one that mix2mix ships)")
    parser.add_argument("--individuals", type=int, default=2, help="new scenes for each edit")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--output", type=Path, default=Path("runs/evaluate_mini"))
    options = parser.parse_args(arguments)
    bundle = load_bundle("mini", options.device, options.weights)
    folder = bundle_folder("mini", options.weights)
    marks = evaluate(bundle, options.individuals, options.device, lambda line: print(line, flush=True))
    scores = summarise(marks)
    write_scores(folder, [(bar.title, f"{scores[bar.measure]:.3g}", str(bar)) for bar in BARS], len(marks))
    options.output.mkdir(parents=True, exist_ok=True)
    document = {"individuals": options.individuals, "digest": bundle.digest, "scores": scores, "edits": per_edit(marks)}
    (options.output / "evaluation.json").write_text(json.dumps(document, indent=2) + "\n")
    for bar in BARS:
        print(f"{'met   ' if bar.met(scores) else 'MISSED'}  {bar.title}: {scores[bar.measure]:.3f} ({bar})")
    return 0 if all(bar.met(scores) for bar in BARS) else 1


if __name__ == "__main__":
    sys.exit(main())
