"""Exact tests of counts alone, such as published ones whose ratings are not to be had."""

from dataclasses import asdict

from benchmark.formats import Table
from survey.exact import Share, fisher_test, sign_test
from survey.results import RateTest, Record, WinsTest
from survey.tables import p_value


class CountTests(Record):
    """The tests whose counts were given; the others are None."""

    wins: WinsTest | None = None
    consistent: RateTest | None = None
    inconsistent: RateTest | None = None


class CountAnalysis(Record):
    """The tests, under the name that an analysis of ratings has them under."""

    tests: CountTests


def count_tests(
    wins: Share | None = None,
    consistent: tuple[Share, Share] | None = None,
    inconsistent: tuple[Share, Share] | None = None,
) -> CountAnalysis:
    """Test wins of the first method, of the scenes that are not tied, and rates of the first and second method."""
    return CountAnalysis(
        tests=CountTests(
            wins=_wins(wins) if wins else None,
            consistent=_rates(*consistent, more_is_better=True) if consistent else None,
            inconsistent=_rates(*inconsistent, more_is_better=False) if inconsistent else None,
        )
    )


def counts_table(analysis: CountAnalysis) -> Table:
    """The tests that there are."""
    tests = analysis.tests
    rows = []
    if tests.wins:
        wins = tests.wins
        found = f"{wins.wins} won, {wins.losses} lost"
        rows.append(("wins, sign test", found, p_value(wins.p_one_sided), p_value(wins.p_two_sided)))
    for name, test in (("consistent", tests.consistent), ("inconsistent", tests.inconsistent)):
        if test:
            (hits_1, tasks_1), (hits_2, tasks_2) = test.counts
            found = f"{hits_1}/{tasks_1}, {hits_2}/{tasks_2}"
            rows.append((f"{name}, Fisher", found, p_value(test.p_one_sided), p_value(test.p_two_sided)))
    return Table("Exact tests of counts", "", ("Test", "Found", "p one-sided", "p two-sided"), tuple(rows))


def _wins(share: Share) -> WinsTest:
    losses = share.tasks - share.hits
    return WinsTest(wins=share.hits, losses=losses, ties=0, **asdict(sign_test(share.hits, losses)))


def _rates(first: Share, second: Share, *, more_is_better: bool) -> RateTest:
    tails = fisher_test(first, second, more_is_better=more_is_better)
    return RateTest(counts=((first.hits, first.tasks), (second.hits, second.tasks)), **asdict(tails))
