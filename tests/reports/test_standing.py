"""How methods stand against each other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import store
from benchmark.analysis import analyse
from reports.standing import Standing, standing_of

MakeRun = Callable[..., Path]


def standing(folder: Path) -> Standing:
    run = store.read_run(folder)
    return standing_of(run, analyse(run))


def test_a_difference_changes_its_sign_with_the_order(make_scored_run: MakeRun) -> None:
    found = standing(make_scored_run({"a": (0.2, 0.1, 1.0), "b": (0.5, 0.1, 1.0)}))
    a, b = found.contenders
    forth, back = found.between(a, b, "relative_error"), found.between(b, a, "relative_error")
    assert forth is not None
    assert back is not None
    assert (forth.first, back.first) == ("a", "b")
    assert forth.difference == pytest.approx(-0.3)
    assert back.difference == pytest.approx(0.3)
    assert forth.interval is not None
    assert back.interval is not None
    assert (back.interval.low, back.interval.high) == (-forth.interval.high, -forth.interval.low)


def test_variants_of_a_method_to_measure_by_are_none_to_choose(make_scored_run: MakeRun) -> None:
    found = standing(make_scored_run({"oracle@seed=1": (0.1, 0.1, 1.0), "a": (0.2, 0.1, 1.0)}))
    assert [method.name for method in found.contenders] == ["a"]


def test_the_time_of_an_edit_is_the_median(make_scored_run: MakeRun) -> None:
    found = standing(make_scored_run({"a": (0.2, 0.1, 7.0)}))
    assert found.seconds(found.contenders[0]) == 7.0


def test_an_ablation_of_a_method_that_is_there_is_none_to_choose(make_scored_run: MakeRun) -> None:
    found = standing(make_scored_run({"a@k=1": (0.1, 0.1, 1.0), "a": (0.2, 0.1, 1.0), "b@k=1": (0.3, 0.1, 1.0)}))
    assert [method.name for method in found.contenders] == ["a", "b@k=1"]
