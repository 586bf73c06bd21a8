"""The analysis of a file of ratings: Table 2, every test, agreement, sensitivity, and what must be told beside them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from fractions import Fraction
from itertools import combinations

from mix2mix.errors import InputError
from survey.agreement import ordinal_alpha
from survey.assumptions import ASSUMPTIONS
from survey.box_agreement import box_agreement
from survey.comparison import Settings, as_record, compare, rate_interval, with_holm
from survey.notes import notes
from survey.ratings import Rating
from survey.results import (
    Agreement,
    Analysis,
    BoxAgreementRecord,
    Comparison,
    DataSummary,
    MethodRow,
    SensitivityRow,
)
from survey.simulated_ratings import count_simulated
from survey.tallies import Counts, SceneKey, consistent, counts_by_method, inconsistent, marked, tally

OURS = "i-mix2mix"
"""Comes first where no order is given: differences are then ours minus theirs."""


def analyse(ratings: Sequence[Rating], methods: Sequence[str] = (), settings: Settings | None = None) -> Analysis:
    """Analyse ratings of two methods or more, all of the file's unless some are named; the first is compared first.

    Raises InputError for a method that has no ratings, fewer than two methods, or two without a common scene.
    """
    settings = settings or Settings()
    chosen = choose_methods(ratings, methods)
    used = [rating for rating in ratings if rating.method in chosen]
    counts = counts_by_method(used)
    comparisons = with_holm([compare(counts, *pair, settings) for pair in combinations(chosen, 2)])
    summary = _summary(ratings, used, counts)
    sensitivity = _sensitivity(used, chosen, summary.flagged_raters, settings)
    return Analysis(
        simulated=count_simulated(used) > 0,
        methods=list(chosen),
        data=summary,
        table2={method: _row(method, used, counts, settings) for method in chosen},
        tests=comparisons[0].tests,
        comparisons=comparisons,
        agreement=_agreement(used, settings.seed),
        sensitivity=sensitivity,
        notes=notes(used, summary, counts, comparisons, sensitivity),
        assumptions=ASSUMPTIONS,
    )


def choose_methods(ratings: Sequence[Rating], wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The methods to compare: those wanted, in that order, or else all, `OURS` first."""
    here = sorted({rating.method for rating in ratings}, key=lambda name: (name.partition("@")[0] != OURS, name))
    for name in wanted:
        if name not in here:
            near = get_close_matches(name, here, n=1)
            fix = f"Did you mean '{near[0]}'?" if near else "Name others with --methods."
            raise InputError("method", got=f"'{name}'", expected=f"one with ratings: {', '.join(here)}", fix=fix)
    chosen = tuple(dict.fromkeys(wanted or here))
    if len(chosen) < 2:
        fix = "Rate another method too." if len(here) < 2 else f"Choose of {', '.join(here)}."
        raise InputError("methods", got=", ".join(chosen), expected="two or more to compare", fix=fix)
    return chosen


def common_scenes(counts: Mapping[str, Counts]) -> list[SceneKey]:
    """The scenes that every method was rated on."""
    return sorted(set.intersection(*(set(scenes) for scenes in counts.values())))


def _row(method: str, used: Sequence[Rating], counts: Mapping[str, Counts], settings: Settings) -> MethodRow:
    of_method = counts[method]
    pairs, low, high = (tally(of_method, of_method, measure) for measure in (marked, consistent, inconsistent))
    return MethodRow(
        mean_pairs=pairs.mean,
        scene_win_pct=_win_pct(method, counts),
        consistent_pct=100 * low.mean,
        inconsistent_pct=100 * high.mean,
        n_tasks=pairs.all_tasks,
        n_scenes=len(of_method),
        n_raters=len({rating.rater_id for rating in used if rating.method == method}),
        mean_pairs_interval=as_record(rate_interval(pairs, settings)),
        consistent_pct_interval=as_record(rate_interval(low, settings), 100),
        inconsistent_pct_interval=as_record(rate_interval(high, settings), 100),
    )


def _win_pct(method: str, counts: Mapping[str, Counts]) -> float | None:
    """Scenes where the method's mean is strictly the lowest, in per cent of the scenes common to all."""
    scenes = common_scenes(counts)
    if not scenes:
        return None
    others = [other for other in counts if other != method]
    won = (all(_mean(counts[method][key]) < _mean(counts[other][key]) for other in others) for key in scenes)
    return 100 * sum(won) / len(scenes)


def _mean(counts: Sequence[int]) -> Fraction:
    return Fraction(sum(counts), len(counts))


def _summary(ratings: Sequence[Rating], used: Sequence[Rating], counts: Mapping[str, Counts]) -> DataSummary:
    raters_a_set = Counter(rating.set_id for rating in used).values()
    left_out = Counter(rating.method for rating in ratings if rating.method not in counts)
    return DataSummary(
        n_ratings=len(used),
        n_raters=len({rating.rater_id for rating in used}),
        n_scenes=len({(rating.scene, rating.edit) for rating in used}),
        n_common_scenes=len(common_scenes(counts)),
        fewest_raters_a_set=min(raters_a_set),
        most_raters_a_set=max(raters_a_set),
        flagged_raters=sorted({rating.rater_id for rating in used if rating.attention_passed is False}),
        ratings_left_out=dict(sorted(left_out.items())),
    )


def _agreement(used: Sequence[Rating], seed: int) -> Agreement:
    by_set: dict[tuple[str, str], list[int]] = {}
    for rating in used:
        by_set.setdefault((rating.method, rating.set_id), []).append(rating.n_pairs)
    boxes = box_agreement(used, seed)
    return Agreement(
        counts_alpha=ordinal_alpha(by_set.values()),
        counts_alpha_by_method={
            name: ordinal_alpha(values for (method, _), values in by_set.items() if method == name)
            for name in sorted({method for method, _ in by_set})
        },
        boxes=BoxAgreementRecord(**asdict(boxes)) if boxes else None,
    )


def _sensitivity(
    used: Sequence[Rating], chosen: Sequence[str], flagged: Sequence[str], settings: Settings
) -> list[SensitivityRow]:
    """Every comparison over all ratings and, where raters are flagged, without theirs (no row where none are left)."""
    selections = {"all": list(used)}
    if flagged:
        selections["without flagged raters"] = [rating for rating in used if rating.rater_id not in flagged]
    rows = []
    for name, selection in selections.items():
        counts = counts_by_method(selection)
        for first, second in combinations(chosen, 2):
            if counts.get(first, {}).keys() & counts.get(second, {}).keys():
                rows.append(_sensitivity_row(name, counts, compare(counts, first, second, settings)))
    return rows


def _sensitivity_row(name: str, counts: Mapping[str, Counts], comparison: Comparison) -> SensitivityRow:
    first, second = (tally(counts[name], counts[name], marked) for name in (comparison.first, comparison.second))
    tests = comparison.tests
    return SensitivityRow(
        ratings=name,
        first=comparison.first,
        second=comparison.second,
        n_ratings=first.all_tasks + second.all_tasks,
        n_scenes=comparison.n_scenes,
        mean_pairs_first=first.mean,
        mean_pairs_second=second.mean,
        mean_difference=tests.sign_flip.mean_difference,
        p_sign_flip=tests.sign_flip.p_two_sided,
        p_wins=tests.wins.p_two_sided,
        p_consistent=tests.consistent.p_two_sided,
        p_inconsistent=tests.inconsistent.p_two_sided,
    )
