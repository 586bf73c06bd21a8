"""Numbers as the page says them."""

import pytest

from benchmark.statistics import Interval
from reports.wording import decimal, listed, p_value, plural, signed, span


def test_a_negative_number_has_a_minus_sign() -> None:
    assert decimal(-0.1234) == "−0.123"
    assert signed(-0.5, 1) == "−0.5"
    assert signed(0.5, 1) == "+0.5"


def test_no_value_is_a_dash_and_no_interval_is_nothing() -> None:
    assert decimal(None) == "–"
    assert span(None) == ""


def test_an_interval_has_two_ends() -> None:
    assert span(Interval(low=-0.1, high=0.25), 2) == "−0.10 to 0.25"


@pytest.mark.parametrize(
    ("p", "text"), [(0.00001, "p < 0.001"), (0.0123, "p = 0.012"), (0.25, "p = 0.25"), (1.0, "p = 1.00")]
)
def test_a_p_value_has_as_many_digits_as_it_needs(p: float, text: str) -> None:
    assert p_value(p) == text


def test_one_is_not_many() -> None:
    assert (plural(1, "edit"), plural(1200, "edit")) == ("1 edit", "1,200 edits")


@pytest.mark.parametrize(
    ("words", "text"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_the_last_of_a_list_is_joined_by_and(words: list[str], text: str) -> None:
    assert listed(words) == text
