"""The model card: what was trained, on what, for how long, and how good it is."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from mix2mix.bundles import CARD, BundleSettings
from mix2mix.mini.training.stages import NETWORKS, Workshop

_TEXT = """# The mini bundle

Small models of the miniature world, trained from random weights on nothing but its renders: a VAE, an InstructPix2Pix
teacher, a SEVA student and a CLIP (one for the student's condition and for the metrics alike). They know that world
only; on photos they run, and their pictures are what they are. Licence: Apache-2.0.

Training data: random scenes, each in its original state and in {edits} edits, from eight views of {size} x {size}
pixels. The benchmark's held-out scenes are not among them. Made by `nox -s train_mini`.

They differ from the paper's models in size, and in what small ones need: {prediction}-prediction, input frames that
enter {input_scale}, text guidance times {factor:g} (7.5 becomes {guidance:g}) and a learning rate that peaks at {lr:g}.

| network | parameters | data | steps | batch | highest rate | minutes | device |
|---|---|---|---|---|---|---|---|
{rows}
"""

_SCORES = """
## Scores

On {scenes} new scenes, each in its original state and in one edit, by `nox -s evaluate_mini`:

| measure | value | asked |
|---|---|---|
{rows}
"""


def write_card(workshop: Workshop, settings: BundleSettings, output: Path) -> None:
    """Write MODEL_CARD.md into a bundle's folder from the stages' logs."""
    config = workshop.config
    rows = [row for name in NETWORKS for row in _training_rows(workshop, name)]
    text = _TEXT.format(
        edits=config.data.edits,
        size=config.networks.image_size,
        prediction=settings.preconditioning["prediction"],
        input_scale=settings.preconditioning["input_scale"],
        factor=settings.text_guidance_factor,
        guidance=7.5 * settings.text_guidance_factor,
        lr=settings.distill["lr_max"],
        rows="\n".join(rows),
    )
    (output / CARD).write_text(text)


def _training_rows(workshop: Workshop, name: str) -> Iterator[str]:
    """A row for each round of a stage's training."""
    count = sum(weights.numel() for weights in workshop.module(name).parameters())
    for number, round_ in enumerate(workshop.log(name)["rounds"]):
        title, size = (name, f"{count:,}") if number == 0 else (f"{name}, further", "")
        row = (title, size, round_["data"], f"{round_['steps']:,}", str(round_["batch"]), f"{round_['lr']:g}",
               f"{round_['seconds'] / 60:.1f}", round_["device"])  # fmt: skip
        yield f"| {' | '.join(row)} |"


def write_scores(folder: Path, rows: Sequence[tuple[str, str, str]], scenes: int) -> None:
    """Put a bundle's scores (measure, value, bar) on its card, in place of those that were there."""
    card = folder / CARD
    before = card.read_text().partition("\n## Scores")[0]
    card.write_text(before + _SCORES.format(scenes=scenes, rows="\n".join(f"| {' | '.join(row)} |" for row in rows)))
