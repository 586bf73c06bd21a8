"""Effect sizes, by hand."""

import pytest

from survey.effects import Wins, count_wins, odds_ratio, ratio_of_means, standardised_difference
from survey.tallies import Differences, Tally


def test_wins_are_negative_differences() -> None:
    wins = count_wins(Differences((-3, -1, 0, 2), 5))
    assert wins == Wins(wins=2, losses=1, ties=1)
    assert wins.superiority == 2.5 / 4


def test_the_standardised_difference() -> None:
    assert standardised_difference(Differences((1, 2, 3), 2)) == pytest.approx(1 / 0.5)
    assert standardised_difference(Differences((2, 2), 1)) is None
    assert standardised_difference(Differences((2,), 1)) is None


def test_the_ratio_of_means() -> None:
    assert ratio_of_means(Tally((1, 2), (2, 2)), Tally((6, 0), (2, 2))) == 0.5
    assert ratio_of_means(Tally((1,), (2,)), Tally((0,), (2,))) is None


def test_the_published_odds_ratio() -> None:
    assert odds_ratio(Tally((65,), (100,)), Tally((34,), (100,))) == pytest.approx((65 / 35) / (34 / 66))
    assert odds_ratio(Tally((0,), (9,)), Tally((3,), (9,))) == 0
    assert odds_ratio(Tally((9,), (9,)), Tally((3,), (9,))) is None
