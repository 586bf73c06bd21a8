"""Two methods, tested against each other on the scenes that both were rated on."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from benchmark.statistics import holm
from mix2mix.errors import InputError
from survey import intervals, signflip
from survey.effects import count_wins, odds_ratio, ratio_of_means, standardised_difference
from survey.exact import Share, Tails, fisher_test, sign_test
from survey.gee import fit_gee
from survey.intervals import Interval, scene_bootstrap
from survey.results import (
    ClusteredTest,
    Comparison,
    EffectSizes,
    GeeTest,
    IntervalRecord,
    PairTests,
    RateTest,
    SignFlip,
    SignFlipSampled,
    WinsTest,
)
from survey.signflip import EXACT_UP_TO, sampled_sign_flip_test, sign_flip_test
from survey.tallies import Counts, Tally, consistent, differences, inconsistent, marked, tally

FAMILY = ("sign_flip", "wins", "consistent", "inconsistent")
"""The tests whose two-sided p-values Holm's correction is over."""


@dataclass(frozen=True)
class Settings:
    """Randomisations of the sampled sign-flip test, resamples of the bootstrap, and the seed of both."""

    randomisations: int = signflip.RESAMPLES
    resamples: int = intervals.RESAMPLES
    seed: int = 0


@dataclass(frozen=True)
class Paired:
    """Two methods' tallies over their common scenes, a pair a measure."""

    marked: tuple[Tally, Tally]
    consistent: tuple[Tally, Tally]
    inconsistent: tuple[Tally, Tally]

    @property
    def scenes(self) -> int:
        """How many scenes there are."""
        return len(self.marked[0].tasks)


def compare(counts: Mapping[str, Counts], first: str, second: str, settings: Settings) -> Comparison:
    """Every test and effect size of the first method against the second; InputError without a common scene."""
    scenes = [scene for scene in counts[first] if scene in counts[second]]
    if not scenes:
        raise InputError(
            f"methods {first} and {second}",
            got="no scene and edit that both were rated on",
            expected="ratings of the same scenes and edits",
            fix="Choose others with --methods, or check the names in the file.",
        )
    by_measure = [
        (tally(counts[first], scenes, measure), tally(counts[second], scenes, measure))
        for measure in (marked, consistent, inconsistent)
    ]
    paired = Paired(*by_measure)
    return Comparison(
        first=first,
        second=second,
        n_scenes=paired.scenes,
        tests=_tests(paired, settings),
        effects=_effects(paired, settings),
    )


def with_holm(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The comparisons with Holm's correction over all of them."""
    family = [getattr(comparison.tests, name).p_two_sided for comparison in comparisons for name in FAMILY]
    corrected = iter(holm(family))
    return [
        comparison.model_copy(update={"tests": _corrected(comparison.tests, [next(corrected) for _ in FAMILY])})
        for comparison in comparisons
    ]


def rate_test(first: Tally, second: Tally, settings: Settings, *, more_is_better: bool) -> RateTest:
    """Fisher's test with its scene-clustered versions."""
    shares = Share(first.total, first.all_tasks), Share(second.total, second.all_tasks)
    return RateTest(
        counts=((shares[0].hits, shares[0].tasks), (shares[1].hits, shares[1].tasks)),
        **asdict(fisher_test(*shares, more_is_better=more_is_better)),
        clustered=clustered_test(first, second, settings, more_is_better=more_is_better),
        gee=GeeTest(**asdict(fit_gee(first, second))),
    )


def clustered_test(first: Tally, second: Tally, settings: Settings, *, more_is_better: bool) -> ClusteredTest:
    """The sign-flip test of a rate's per-scene differences; one-sided for the first rate being better."""
    found = differences(first, second)
    better = [-number if more_is_better else number for number in found.numerators]
    tails, exact = sign_flip(better, settings)
    return ClusteredTest(mean_difference=found.mean, exact=exact, **asdict(tails))


def sign_flip(numerators: Sequence[int], settings: Settings) -> tuple[Tails, bool]:
    """The sign-flip test, and whether it is exact: it is sampled where there are too many scenes."""
    if len(numerators) <= EXACT_UP_TO:
        return sign_flip_test(numerators), True
    return sampled_sign_flip_test(numerators, settings.randomisations, settings.seed), False


def _tests(paired: Paired, settings: Settings) -> PairTests:
    found = differences(*paired.marked)
    tails, exact = sign_flip(found.numerators, settings)
    sampled = sampled_sign_flip_test(found.numerators, settings.randomisations, settings.seed)
    wins = count_wins(found)
    return PairTests(
        sign_flip=SignFlip(mean_difference=found.mean, exact=exact, n_scenes=paired.scenes, **asdict(tails)),
        sign_flip_sampled=SignFlipSampled(
            p_two_sided=sampled.p_two_sided, n_resamples=settings.randomisations, seed=settings.seed
        ),
        wins=WinsTest(**asdict(wins), **asdict(sign_test(wins.wins, wins.losses))),
        consistent=rate_test(*paired.consistent, settings, more_is_better=True),
        inconsistent=rate_test(*paired.inconsistent, settings, more_is_better=False),
    )


def _effects(paired: Paired, settings: Settings) -> EffectSizes:
    found = differences(*paired.marked)
    bounds = effect_intervals(paired, settings)
    return EffectSizes(
        **{f"{name}_interval": as_record(interval) for name, interval in bounds.items()},
        standardised_difference=standardised_difference(found),
        superiority=count_wins(found).superiority,
        ratio_of_means=ratio_of_means(*paired.marked),
        consistent_difference=paired.consistent[0].mean - paired.consistent[1].mean,
        consistent_odds_ratio=odds_ratio(*paired.consistent),
        inconsistent_difference=paired.inconsistent[0].mean - paired.inconsistent[1].mean,
        inconsistent_odds_ratio=odds_ratio(*paired.inconsistent),
    )


def effect_intervals(paired: Paired, settings: Settings) -> dict[str, Interval | None]:
    """Intervals by the name of the effect; None where there is none."""
    names = ("mean_difference", "ratio_of_means", "consistent_difference", "inconsistent_difference")
    if paired.scenes < 2:
        return dict.fromkeys(names)
    draws = scene_bootstrap(paired.scenes, settings.resamples, settings.seed)
    first, second = (draws.rate(tally) for tally in paired.marked)
    ratio = np.divide(first, second, out=np.full_like(first, np.nan), where=second > 0)
    estimates = (
        draws.mean(differences(*paired.marked).values),
        ratio,
        draws.rate(paired.consistent[0]) - draws.rate(paired.consistent[1]),
        draws.rate(paired.inconsistent[0]) - draws.rate(paired.inconsistent[1]),
    )
    return dict(zip(names, map(draws.interval, estimates), strict=True))


def rate_interval(rates: Tally, settings: Settings) -> Interval | None:
    """The interval of one method's mean over tasks; None with fewer than two scenes."""
    if len(rates.tasks) < 2:
        return None
    draws = scene_bootstrap(len(rates.tasks), settings.resamples, settings.seed)
    return draws.interval(draws.rate(rates))


def as_record(interval: Interval | None, scale: int = 1) -> IntervalRecord | None:
    """An interval as it is saved, times a scale."""
    return IntervalRecord(low=scale * interval.low, high=scale * interval.high) if interval else None


def _corrected(tests: PairTests, p_values: Sequence[float]) -> PairTests:
    parts = {name: getattr(tests, name) for name in FAMILY}
    corrected = zip(parts.items(), p_values, strict=True)
    return tests.model_copy(update={name: part.model_copy(update={"p_holm": p}) for (name, part), p in corrected})
