"""How the tests and intervals do where the truth is known: false-positive rates and coverage over simulated studies.

``python -m survey.calibration`` prints the tables of docs/survey-statistics.md (some minutes on one core).
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import sqrt

import numpy as np

from benchmark.formats import Table, as_markdown
from benchmark.statistics import holm
from survey.comparison import Paired, Settings, clustered_test, effect_intervals, rate_interval
from survey.effects import count_wins
from survey.exact import Share, fisher_test, sign_test
from survey.gee import fit_gee
from survey.intervals import Interval
from survey.power import count_rejections, p_values, paired
from survey.signflip import sampled_sign_flip_test, sign_flip_test
from survey.simulate import Design, simulate_counts
from survey.tallies import Tally, consistent, differences, inconsistent

STUDIES = 2_000
SETTINGS = Settings(randomisations=2_000, resamples=2_000)
"""Fewer than an analysis draws, for there are many studies."""

ALIKE = Design(means=(1.68, 1.68), scene_sd=0.0, set_sd=0.0, rater_sd=0.0)
NULL_STUDIES = {
    "all alike": ALIKE,
    "scenes": replace(ALIKE, scene_sd=0.4),
    "sets": replace(ALIKE, scene_sd=0.4, set_sd=0.3),
    "sets, much": replace(ALIKE, scene_sd=0.4, set_sd=0.6),
    "raters": replace(ALIKE, scene_sd=0.4, set_sd=0.3, rater_sd=0.5),
    "raters of one method": replace(ALIKE, scene_sd=0.4, set_sd=0.3, rater_sd=0.5, between=True),
}
"""Studies without an effect, by what makes their ratings depend on each other; each has what the earlier ones have."""

COVERED_STUDIES = {name: design for name, design in NULL_STUDIES.items() if name != "raters of one method"} | {
    "sets, 10 scenes": replace(NULL_STUDIES["sets"], scenes=10),
    "sets, with an effect": Design(rater_sd=0.0),
}


def false_positives(designs: Mapping[str, Design], studies: int, seed: int) -> Table:
    """Rejections at 0.05 in per cent of null studies: a row a test, a column a design."""
    found = {
        name: count_rejections(all_p_values(study) for study in simulated(design, studies, seed))
        for name, design in designs.items()
    }
    tests = list(next(iter(found.values())))
    rows = tuple((test, *(f"{100 * found[name][test].rate:.1f}" for name in designs)) for test in tests)
    error = 100 * sqrt(0.05 * 0.95 / studies)
    title = f"False positives at 0.05, % of {studies} studies without an effect (standard error {error:.1f} at 5 %)"
    return Table(title, "", ("Test", *designs), rows)


def coverage(designs: Mapping[str, Design], studies: int, seed: int) -> Table:
    """How often a 95 % interval holds the truth, in per cent: a row an interval, a column a design."""
    columns = {name: _coverage(design, simulated(design, studies, seed)) for name, design in designs.items()}
    intervals = list(next(iter(columns.values())))
    rows = tuple((interval, *(columns[name][interval] for name in designs)) for interval in intervals)
    error = 100 * sqrt(0.05 * 0.95 / studies)
    title = f"Coverage of 95 % intervals, % of {studies} studies (standard error {error:.1f} at 95 %)"
    return Table(title, "", ("Interval", *designs), rows)


def simulated(design: Design, studies: int, seed: int) -> Iterator[Paired]:
    """So many studies."""
    generator = np.random.default_rng(seed)
    return (paired(simulate_counts(design, generator)) for _ in range(studies))


def all_p_values(study: Paired) -> dict[str, float | None]:
    """Every p-value that an analysis tells, two-sided unless named otherwise."""
    numerators = differences(*study.marked).numerators
    wins = count_wins(differences(*study.marked))
    two_sided = p_values(study)
    family = [
        two_sided[name] for name in ("sign flip", "wins, sign test", "consistent, Fisher", "inconsistent, Fisher")
    ]
    return {
        **two_sided,
        "consistent, GEE by scene": fit_gee(*study.consistent).p_two_sided,
        "inconsistent, GEE by scene": fit_gee(*study.inconsistent).p_two_sided,
        "sign flip, sampled": sampled_sign_flip_test(numerators, SETTINGS.randomisations).p_two_sided,
        "any of the paper's four, Holm": min(holm([p for p in family if p is not None])),
        "sign flip, one-sided": sign_flip_test(numerators).p_one_sided,
        "wins, sign test, one-sided": sign_test(wins.wins, wins.losses).p_one_sided,
        **_one_sided("consistent", *study.consistent, more_is_better=True),
        **_one_sided("inconsistent", *study.inconsistent, more_is_better=False),
    }


def _one_sided(name: str, first: Tally, second: Tally, *, more_is_better: bool) -> dict[str, float]:
    shares = Share(first.total, first.all_tasks), Share(second.total, second.all_tasks)
    by_scene = clustered_test(first, second, SETTINGS, more_is_better=more_is_better)
    return {
        f"{name}, Fisher, one-sided": fisher_test(*shares, more_is_better=more_is_better).p_one_sided,
        f"{name}, sign flip by scene, one-sided": by_scene.p_one_sided,
    }


def _coverage(design: Design, studies: Iterator[Paired]) -> dict[str, str]:
    truth = _truth(design)
    held = dict.fromkeys(truth, 0)
    told = dict.fromkeys(truth, 0)
    for study in studies:
        for name, interval in _intervals(study).items():
            told[name] += interval is not None
            held[name] += interval is not None and interval.low <= truth[name] <= interval.high
    return {name: f"{100 * held[name] / told[name]:.1f}" for name in truth}


def _intervals(study: Paired) -> dict[str, Interval | None]:
    return {
        **effect_intervals(study, SETTINGS),
        "mean_pairs": rate_interval(study.marked[0], SETTINGS),
        "consistent_pct": rate_interval(study.consistent[0], SETTINGS),
        "inconsistent_pct": rate_interval(study.inconsistent[0], SETTINGS),
    }


def _truth(design: Design) -> dict[str, float]:
    low, high = ([design.true_rate(method, measure) for method in (0, 1)] for measure in (consistent, inconsistent))
    return {
        "mean_difference": design.means[0] - design.means[1],
        "ratio_of_means": design.means[0] / design.means[1],
        "consistent_difference": low[0] - low[1],
        "inconsistent_difference": high[0] - high[1],
        "mean_pairs": design.means[0],
        "consistent_pct": low[0],
        "inconsistent_pct": high[0],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(prog="python -m survey.calibration", description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES, help=f"(default: {STUDIES})")
    parser.add_argument("--seed", type=int, default=0, help="(default: 0)")
    options = parser.parse_args(arguments)
    print(as_markdown(false_positives(NULL_STUDIES, options.studies, options.seed)))
    print(as_markdown(coverage(COVERED_STUDIES, options.studies, options.seed)), end="")


if __name__ == "__main__":
    main()
