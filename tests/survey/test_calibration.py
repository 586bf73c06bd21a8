"""The tables of false positives and coverage, small."""

import pytest

from survey import calibration
from survey.calibration import NULL_STUDIES, coverage, false_positives, main
from survey.simulate import Design


def test_the_null_studies_have_no_effect() -> None:
    assert all(design.means[0] == design.means[1] for design in NULL_STUDIES.values())


def test_a_row_a_test_and_a_column_a_design() -> None:
    table = false_positives({"all alike": NULL_STUDIES["all alike"]}, studies=10, seed=0)
    assert table.head == ("Test", "all alike")
    named = [row[0] for row in table.rows]
    assert {"sign flip", "sign flip, sampled", "wins, sign test", "consistent, Fisher"} <= set(named)
    assert {"inconsistent, GEE by scene", "consistent, sign flip by scene, one-sided"} <= set(named)
    assert all(0 <= float(row[1]) <= 40 for row in table.rows)


def test_clustering_inflates_fisher_and_not_the_clustered_tests() -> None:
    table = false_positives(
        {"sets, much": Design(means=(1.7, 1.7), scene_sd=0, set_sd=1.5, rater_sd=0)}, studies=80, seed=0
    )
    rates = {test: float(rate) for test, rate in table.rows}
    assert rates["inconsistent, Fisher"] > 15
    assert rates["inconsistent, sign flip by scene"] < 12
    assert rates["sign flip"] < 12


def test_an_interval_holds_the_truth_in_most_studies() -> None:
    table = coverage({"an effect": Design(rater_sd=0)}, studies=40, seed=0)
    assert {row[0] for row in table.rows} >= {"mean_difference", "ratio_of_means", "mean_pairs", "consistent_pct"}
    assert all(float(row[1]) >= 80 for row in table.rows)


def test_the_command_prints_both_tables(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "NULL_STUDIES", {"all alike": NULL_STUDIES["all alike"]})
    monkeypatch.setattr(calibration, "COVERED_STUDIES", {"all alike": NULL_STUDIES["all alike"]})
    main(["--studies", "4"])
    printed = capsys.readouterr().out
    assert "## False positives at 0.05, % of 4 studies" in printed
    assert "## Coverage of 95 % intervals, % of 4 studies" in printed
