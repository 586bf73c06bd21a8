"""Exact tests of counts: the published p-values, hand-computed cases, and scipy's and statsmodels' answers."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, fisher_exact
from statsmodels.stats.multitest import multipletests  # type: ignore[import-untyped]

from benchmark.statistics import holm
from mix2mix.errors import InputError
from survey.exact import MAX_COUNT, Share, fisher_test, sign_test

SHARES = st.integers(1, 40).flatmap(lambda tasks: st.builds(Share, st.integers(0, tasks), st.just(tasks)))


def test_the_published_sign_test_to_every_printed_digit() -> None:
    tails = sign_test(15, 5)
    assert (f"{tails.p_one_sided:.6f}", f"{tails.p_two_sided:.6f}") == ("0.020695", "0.041389")


def test_the_published_fisher_tests_to_every_printed_digit() -> None:
    consistent = fisher_test(Share(65, 100), Share(34, 100), more_is_better=True)
    assert (f"{1e5 * consistent.p_two_sided:.1f}e-5", f"{1e5 * consistent.p_one_sided:.1f}e-5") == ("1.9e-5", "1.0e-5")
    inconsistent = fisher_test(Share(13, 100), Share(31, 100), more_is_better=False)
    assert (f"{inconsistent.p_two_sided:.6f}", f"{inconsistent.p_one_sided:.6f}") == ("0.003405", "0.001703")


def test_a_sign_test_by_hand() -> None:
    assert (sign_test(3, 1).p_one_sided, sign_test(3, 1).p_two_sided) == (5 / 16, 10 / 16)
    assert (sign_test(0, 0).p_one_sided, sign_test(0, 0).p_two_sided) == (1, 1)
    assert sign_test(0, 3).p_one_sided == 1


def test_a_fisher_test_by_hand() -> None:
    tails = fisher_test(Share(3, 3), Share(0, 3), more_is_better=True)
    assert (tails.p_one_sided, tails.p_two_sided) == (1 / 20, 2 / 20)
    assert fisher_test(Share(3, 3), Share(0, 3), more_is_better=False).p_one_sided == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_agrees_with_scipy(wins: int, losses: int) -> None:
    tails = sign_test(wins, losses)
    if wins + losses:
        assert tails.p_one_sided == pytest.approx(binomtest(wins, wins + losses, alternative="greater").pvalue)
        assert tails.p_two_sided == pytest.approx(binomtest(wins, wins + losses).pvalue)


@given(SHARES, SHARES)
def test_the_fisher_test_agrees_with_scipy(first: Share, second: Share) -> None:
    table = [[first.hits, first.tasks - first.hits], [second.hits, second.tasks - second.hits]]
    more, fewer = (fisher_test(first, second, more_is_better=better) for better in (True, False))
    assert more.p_two_sided == fewer.p_two_sided == pytest.approx(fisher_exact(table).pvalue)
    assert more.p_one_sided == pytest.approx(fisher_exact(table, alternative="greater").pvalue)
    assert fewer.p_one_sided == pytest.approx(fisher_exact(table, alternative="less").pvalue)


def test_large_counts_stay_exact() -> None:
    tails = fisher_test(Share(6_500, MAX_COUNT), Share(6_500, MAX_COUNT), more_is_better=True)
    assert tails.p_two_sided == 1
    assert tails.p_one_sided == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("hits", "tasks"), [(-1, 5), (6, 5), (0, 0), (1, MAX_COUNT + 1)])
def test_counts_that_cannot_be_are_refused(hits: int, tasks: int) -> None:
    with pytest.raises(InputError, match="expected hits/tasks"):
        Share(hits, tasks)


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == [0.06, 0.03, 0.06]
    assert holm([]) == []


@pytest.fixture(scope="module")
def little_garbage() -> Iterator[None]:
    """statsmodels collects garbage in every call, which takes a second among all that other tests have loaded."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("little_garbage")
@settings(max_examples=30)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_agrees_with_statsmodels(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist())
