"""An analysis as tables: for a terminal, as Markdown, and Table 2 as CSV and LaTeX, in the formats of a benchmark."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import StringIO

from benchmark import formats
from benchmark.formats import MARKDOWN, Table
from survey.results import Analysis, Comparison, IntervalRecord, RateTest, SensitivityRow

NOTHING = "-"


def as_text(analysis: Analysis) -> str:
    """Everything for a terminal: notes first, then the tables, then what they assume."""
    blocks = [_text_list("Notes", analysis.notes)] if analysis.notes else []
    blocks += [formats.as_text(table) for table in tables(analysis)]
    blocks.append(_text_list("Assumptions", [f"{name}: {line}" for name, line in analysis.assumptions.items()]))
    return "\n\n".join(blocks)


def as_markdown(analysis: Analysis) -> str:
    """Everything as one Markdown page."""
    blocks = ["# Survey"]
    if analysis.notes:
        blocks.append("\n".join(f"- {note.translate(MARKDOWN)}" for note in analysis.notes))
    blocks += [formats.as_markdown(table).rstrip() for table in tables(analysis)]
    assumed = [f"- `{name}`: {line}" for name, line in analysis.assumptions.items()]
    return "\n\n".join([*blocks, "## Assumptions", "\n".join(assumed)]) + "\n"


def as_csv(analysis: Analysis) -> str:
    """Table 2 with full precision."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    names = ("mean_pairs", "scene_win_pct", "consistent_pct", "inconsistent_pct", "n_tasks", "n_scenes", "n_raters")
    writer.writerow(["method", *names, "simulated"])
    for method, row in analysis.table2.items():
        writer.writerow([method, *(getattr(row, name) for name in names), str(analysis.simulated).lower()])
    return buffer.getvalue()


def as_latex(analysis: Analysis) -> str:
    """Table 2 with the notes below it; a simulation is told in its title."""
    return formats.as_latex(replace(table_2(analysis), notes=tuple(analysis.notes)))


def tables(analysis: Analysis) -> Iterator[Table]:
    """All tables, in order."""
    yield table_2(analysis)
    for comparison in analysis.comparisons:
        yield _tests(comparison)
        yield _effects(comparison)
    yield _agreement(analysis)
    if any(row.ratings != "all" for row in analysis.sensitivity):
        yield _sensitivity(analysis.sensitivity)


def table_2(analysis: Analysis) -> Table:
    """The paper's Table 2."""
    headings = ("Method", "#Pairs ↓", "95 %", "Scene wins % ↑", "Consistent % ↑", "Inconsistent % ↓", "Tasks", "Scenes")
    rows = tuple(
        (
            method,
            f"{row.mean_pairs:.2f}",
            interval(row.mean_pairs_interval, 2),
            number(row.scene_win_pct, 0),
            f"{row.consistent_pct:.0f}",
            f"{row.inconsistent_pct:.0f}",
            str(row.n_tasks),
            str(row.n_scenes),
        )
        for method, row in analysis.table2.items()
    )
    simulated = " (SIMULATED)" if analysis.simulated else ""
    return Table(f"Table 2{simulated}", "", headings, rows)


def p_value(p: float | None) -> str:
    """With as many digits as the paper prints, or more."""
    if p is None:
        return NOTHING
    return f"{p:.6f}" if p >= 1e-4 else f"{p:.2e}"


def number(value: float | None, digits: int) -> str:
    """A number, or a dash for none."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def interval(bounds: IntervalRecord | None, digits: int = 3) -> str:
    """Both ends, or a dash for none."""
    return NOTHING if bounds is None else f"{bounds.low:.{digits}f} .. {bounds.high:.{digits}f}"


def _tests(comparison: Comparison) -> Table:
    tests = comparison.tests
    flip, sampled, wins = tests.sign_flip, tests.sign_flip_sampled, tests.wins
    kind = "exact" if flip.exact else "sampled"
    difference = f"{flip.mean_difference:+.4f}"
    won = f"{wins.wins} won, {wins.losses} lost, {wins.ties} tied"
    rows = [
        (f"sign flip, {kind}", difference, p_value(flip.p_one_sided), p_value(flip.p_two_sided), p_value(flip.p_holm)),
        (f"sign flip, {sampled.n_resamples} drawn, seed {sampled.seed}", "", "", p_value(sampled.p_two_sided), ""),
        ("wins, sign test", won, p_value(wins.p_one_sided), p_value(wins.p_two_sided), p_value(wins.p_holm)),
        *_rate_rows("consistent", tests.consistent),
        *_rate_rows("inconsistent", tests.inconsistent),
    ]
    title = f"{comparison.first} against {comparison.second}: tests on {comparison.n_scenes} scenes"
    return Table(title, "", ("Test", "Found", "p one-sided", "p two-sided", "p Holm"), tuple(rows))


def _rate_rows(name: str, test: RateTest) -> Iterator[tuple[str, ...]]:
    (hits_1, tasks_1), (hits_2, tasks_2) = test.counts
    found = f"{hits_1}/{tasks_1}, {hits_2}/{tasks_2}"
    yield f"{name}, Fisher", found, p_value(test.p_one_sided), p_value(test.p_two_sided), p_value(test.p_holm)
    if test.clustered:
        found = f"{test.clustered.mean_difference:+.4f}"
        one, two = p_value(test.clustered.p_one_sided), p_value(test.clustered.p_two_sided)
        yield f"{name}, sign flip by scene", found, one, two, ""
    if test.gee:
        odds = "" if test.gee.odds_ratio is None else f"odds ratio {test.gee.odds_ratio:.3f}; "
        yield f"{name}, GEE by scene", f"{odds}{test.gee.note}", "", p_value(test.gee.p_two_sided), ""


def _effects(comparison: Comparison) -> Table:
    effects, difference = comparison.effects, comparison.tests.sign_flip.mean_difference
    rows = (
        ("difference of pairs, mean over scenes", f"{difference:+.3f}", interval(effects.mean_difference_interval)),
        ("the same over its standard deviation", number(effects.standardised_difference, 3), NOTHING),
        ("part of scenes won, ties half", f"{effects.superiority:.3f}", NOTHING),
        ("ratio of mean pairs", number(effects.ratio_of_means, 3), interval(effects.ratio_of_means_interval)),
        (
            "difference of consistent rates",
            f"{effects.consistent_difference:+.3f}",
            interval(effects.consistent_difference_interval),
        ),
        ("odds ratio of consistent", number(effects.consistent_odds_ratio, 3), NOTHING),
        (
            "difference of inconsistent rates",
            f"{effects.inconsistent_difference:+.3f}",
            interval(effects.inconsistent_difference_interval),
        ),
        ("odds ratio of inconsistent", number(effects.inconsistent_odds_ratio, 3), NOTHING),
    )
    return Table(f"{comparison.first} against {comparison.second}: effect sizes", "", ("Effect", "Value", "95 %"), rows)


def _agreement(analysis: Analysis) -> Table:
    agreement = analysis.agreement
    rows = [("numbers of pairs, Krippendorff's alpha (ordinal)", number(agreement.counts_alpha, 3))]
    for method, alpha in agreement.counts_alpha_by_method.items():
        rows.append((f"the same, {method} alone", number(alpha, 3)))
    boxes = agreement.boxes
    rows.append(("marked areas, overlap beyond chance", number(boxes.agreement if boxes else None, 3)))
    if boxes:
        rows.append((f"overlap within a set ({boxes.pairs_same_set} pairs of ratings)", f"{boxes.overlap:.3f}"))
        rows.append((f"overlap by chance ({boxes.pairs_by_chance} pairs of ratings)", f"{boxes.chance:.3f}"))
    return Table("Agreement of raters", "", ("Measure", "Value"), tuple(rows))


def _sensitivity(rows: Sequence[SensitivityRow]) -> Table:
    headings = (
        "Ratings",
        "Methods",
        "n",
        "#Pairs",
        "Difference",
        "p sign flip",
        "p wins",
        "p consistent",
        "p inconsistent",
    )
    texts = tuple(
        (
            row.ratings,
            f"{row.first}, {row.second}",
            str(row.n_ratings),
            f"{row.mean_pairs_first:.2f}, {row.mean_pairs_second:.2f}",
            f"{row.mean_difference:+.4f}",
            *map(p_value, (row.p_sign_flip, row.p_wins, row.p_consistent, row.p_inconsistent)),
        )
        for row in rows
    )
    return Table("Sensitivity to flagged raters", "", headings, texts)


def _text_list(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, "-" * len(title), *(f"* {line}" for line in lines)])
