"""Krippendorff's alpha for ordinal data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey.agreement import ordinal_alpha

# "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers, twelve units, 0 for no value.
OBSERVERS = (
    (1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0),
    (1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3),
    (0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0),
    (1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0),
)
UNITS = [[value for value in unit if value] for unit in zip(*OBSERVERS, strict=True)]


def test_the_published_example() -> None:
    alpha = ordinal_alpha(UNITS)
    assert alpha is not None
    assert f"{alpha:.3f}" == "0.815"


def test_two_raters_by_hand() -> None:
    # Values 0 0 1 2 with coincidences 0-0 twice and 1-2 twice: middles of the ranks at 1, 2.5, 3.5.
    # Observed 2 * 1; expected (2 * 2 * 1 * 1.5**2 + 2 * 2 * 1 * 2.5**2 + 2 * 1 * 1 * 1) / 3 = 36 / 3.
    assert ordinal_alpha([[0, 0], [1, 2]]) == pytest.approx(1 - 2 / 12)


def test_perfect_agreement_is_one_and_systematic_disagreement_is_negative() -> None:
    assert ordinal_alpha([[0, 0, 0], [3, 3], [1, 1]]) == 1
    found = ordinal_alpha([[0, 9], [0, 9], [0, 9]])
    assert found is not None
    assert found < 0


def test_where_nothing_can_be_paired_or_nothing_varies_there_is_none() -> None:
    assert ordinal_alpha([]) is None
    assert ordinal_alpha([[1], [2], [3]]) is None
    assert ordinal_alpha([[2, 2], [2, 2, 2]]) is None


@given(st.lists(st.lists(st.integers(0, 6), max_size=5), max_size=8))
def test_only_the_order_of_the_values_counts(units: list[list[int]]) -> None:
    alpha = ordinal_alpha(units)
    stretched = ordinal_alpha([[value**2 for value in unit] for unit in units])
    assert stretched == (None if alpha is None else pytest.approx(alpha))
    assert alpha is None or alpha <= 1
