"""What must be told beside an analysis: anything about the ratings that its numbers do not show."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from survey.ratings import Rating
from survey.results import Comparison, DataSummary, SensitivityRow
from survey.signflip import EXACT_UP_TO
from survey.simulated_ratings import count_simulated
from survey.tallies import Counts, SceneKey

FEW_SCENES = 8
"""Below it, bootstrap intervals are too narrow to trust."""


def notes(
    used: Sequence[Rating],
    summary: DataSummary,
    counts: Mapping[str, Counts],
    comparisons: Sequence[Comparison],
    sensitivity: Sequence[SensitivityRow],
) -> list[str]:
    """The notes, the gravest first."""
    return [
        *_simulated(used),
        *_left_out(summary),
        *_missing(counts),
        *_unequal(summary),
        *_several_sets(used),
        *_flagged(summary, used, sensitivity),
        *_without_boxes(used),
        *_small_or_large(comparisons),
        *_nested(used),
    ]


def _simulated(used: Sequence[Rating]) -> Iterator[str]:
    count = count_simulated(used)
    if count:
        yield f"SIMULATED: {count} of {len(used)} ratings come from a simulation, not from people."


def _left_out(summary: DataSummary) -> Iterator[str]:
    if summary.ratings_left_out:
        listed = ", ".join(f"{method} ({count})" for method, count in summary.ratings_left_out.items())
        yield f"Ratings of other methods in the file, left out: {listed}."


def _missing(counts: Mapping[str, Counts]) -> Iterator[str]:
    everything = sorted({scene for scenes in counts.values() for scene in scenes})
    for method, scenes in counts.items():
        lacking = [key for key in everything if key not in scenes]
        if lacking:
            yield (
                f"{method} has no ratings of {len(lacking)} of {len(everything)} scenes: {_listed(lacking)}. Tests use "
                "scenes that both methods were rated on; Table 2 uses all tasks of each method."
            )


def _listed(scenes: Sequence[SceneKey]) -> str:
    return "; ".join(f"{scene}, {edit}" for scene, edit in scenes)


def _unequal(summary: DataSummary) -> Iterator[str]:
    if summary.fewest_raters_a_set != summary.most_raters_a_set:
        yield (
            f"Sets have {summary.fewest_raters_a_set} to {summary.most_raters_a_set} ratings. Scene means weigh every "
            "scene the same; means and rates over tasks weigh every rating the same."
        )


def _several_sets(used: Sequence[Rating]) -> Iterator[str]:
    sets = {(rating.method, rating.scene, rating.edit, rating.set_id) for rating in used}
    several = sum(count > 1 for count in Counter(key[:3] for key in sets).values())
    if several:
        yield f"{several} scenes of a method have more than one set (seeds, perhaps): their ratings are put together."


def _flagged(summary: DataSummary, used: Sequence[Rating], sensitivity: Sequence[SensitivityRow]) -> Iterator[str]:
    if summary.flagged_raters:
        yield (
            f"{len(summary.flagged_raters)} of {summary.n_raters} raters failed an attention trial. Their ratings "
            "count; the sensitivity table shows the figures without them."
        )
        if all(row.ratings == "all" for row in sensitivity):
            yield "Without the flagged raters no scene is left that two methods were rated on."
    unknown = sum(rating.attention_passed is None for rating in used)
    if unknown:
        yield f"{unknown} of {len(used)} ratings do not say whether their rater passed the attention trials."


def _without_boxes(used: Sequence[Rating]) -> Iterator[str]:
    marked = [rating for rating in used if rating.n_pairs]
    lacking = sum(rating.pairs is None for rating in marked)
    if lacking:
        yield f"{lacking} of {len(marked)} ratings with pairs lack rectangles; agreement on areas is without them."


def _small_or_large(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for comparison in comparisons:
        name, scenes = f"{comparison.first} against {comparison.second}", comparison.n_scenes
        if scenes > EXACT_UP_TO:
            yield f"{name}: {scenes} scenes are more than {EXACT_UP_TO}, so the sign-flip tests are sampled."
        if scenes < FEW_SCENES:
            yield f"{name}: {scenes} scenes are few; bootstrap intervals are too narrow below {FEW_SCENES}."


def _nested(used: Sequence[Rating]) -> Iterator[str]:
    """Raters who saw one method only cannot be told apart from that method."""
    seen: dict[str, set[str]] = {}
    for rating in used:
        seen.setdefault(rating.rater_id, set()).add(rating.method)
    alone = sum(len(methods) == 1 for methods in seen.values())
    if alone:
        yield (
            f"{alone} of {len(seen)} raters rated one method only. If raters differ, that passes for a difference of "
            "methods, and no test here allows for it."
        )
