"""Power by simulation."""

import pytest

from benchmark.formats import as_text
from survey.comparison import Settings, compare
from survey.power import Rejections, count_rejections, p_values, paired, power_record, power_table, simulate_power
from survey.simulate import Design, simulate_counts
from survey.simulated_ratings import simulate_ratings
from survey.tallies import counts_by_method


def test_a_large_effect_is_found_and_none_is_not() -> None:
    large = simulate_power(Design(means=(0.5, 3.0)), studies=30)
    none = simulate_power(Design(means=(2.0, 2.0)), studies=200)
    assert all(found.rate == 1 for found in large.values())
    assert all(found.rejected <= 25 for found in none.values())


def test_more_scenes_find_more() -> None:
    few, many = (simulate_power(Design(scenes=scenes), studies=150)["sign flip"].rate for scenes in (6, 24))
    assert many > few + 0.2


def test_the_p_values_are_those_of_an_analysis() -> None:
    import numpy as np

    found = p_values(paired(simulate_counts(Design(), np.random.default_rng(6))))
    counts = counts_by_method(simulate_ratings(Design(), ["a", "b"], seed=6))
    tests = compare(counts, "a", "b", Settings(resamples=10)).tests
    assert found["sign flip"] == tests.sign_flip.p_two_sided
    assert found["wins, sign test"] == tests.wins.p_two_sided
    assert found["consistent, Fisher"] == tests.consistent.p_two_sided
    assert tests.inconsistent.clustered is not None
    assert found["inconsistent, sign flip by scene"] == tests.inconsistent.clustered.p_two_sided


def test_rejections_are_counted_at_the_level() -> None:
    found = count_rejections([{"a": 0.05, "b": None}, {"a": 0.0501, "b": 0.01}])
    assert found == {"a": Rejections(1, 2), "b": Rejections(1, 2)}
    assert found["a"].error == pytest.approx((0.25 / 2) ** 0.5)


def test_the_table_says_that_it_is_a_simulation() -> None:
    found = {"sign flip": Rejections(30, 40)}
    text = as_text(power_table([-0.5], [found]))
    assert "% of 40 SIMULATED studies" in text
    assert "effect -0.5" in text
    assert "75.0 ± 6.8" in text
    assert power_record(found)["sign_flip"]["power"] == 0.75
