"""Curves over a setting: from variants that differ in nothing else, beside the method as it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import store
from benchmark.analysis import analyse
from reports.ablation import Ablation, ablations

MakeRun = Callable[..., Path]
SCORES = (0.3, 0.1, 5.0)


def ablations_of(folder: Path) -> tuple[Ablation, ...]:
    run = store.read_run(folder)
    return ablations(run, analyse(run))


def test_variants_of_one_setting_make_a_curve_in_the_order_of_its_values(make_scored_run: MakeRun) -> None:
    methods = {"ours@k=20": (0.3, 0.1, 1.0), "ours@k=5": (0.6, 0.1, 1.0), "ours@k=10": (0.4, 0.1, 1.0)}
    (found,) = ablations_of(make_scored_run(methods))
    assert found.title == "ours: k"
    assert found.note.startswith("k at 5, 10 and 20;")
    error = found.charts[0]
    assert error.title == "Relative error"
    assert [mark.x for mark in error.marks] == sorted(mark.x for mark in error.marks)
    assert [mark.y for mark in error.marks] == sorted(mark.y for mark in error.marks)  # errors fall


def test_the_method_itself_is_on_the_curve_where_its_cells_tell_the_value(make_scored_run: MakeRun) -> None:
    methods = {"ours": SCORES, "ours@steps=3": SCORES, "ours@steps=20": SCORES}  # the example's cells have 7 steps
    (found,) = ablations_of(make_scored_run(methods))
    assert found.note.startswith("steps at 3, 7 and 20;")
    assert found.charts[0].levels == ()


def test_else_it_is_a_line(make_scored_run: MakeRun) -> None:
    methods = {"ours": SCORES, "ours@f=0.1": SCORES, "ours@f=2.0": SCORES}
    (found,) = ablations_of(make_scored_run(methods))
    assert "The line is Ours as it is, with its own f." in found.note
    assert [level.label.text for level in found.charts[0].levels] == ["Ours"]


@pytest.mark.parametrize(
    "names",
    [
        ("ours", "ours@k=5"),
        ("ours@k=5", "theirs@k=9"),
        ("ours@mode=a", "ours@mode=b"),
        ("ours@k=5+f=1", "ours@k=9+f=1"),
    ],
    ids=["one value", "two methods", "words", "two settings"],
)
def test_less_makes_no_curve(make_scored_run: MakeRun, names: tuple[str, ...]) -> None:
    assert ablations_of(make_scored_run(dict.fromkeys(names, SCORES))) == ()


def test_every_setting_has_its_own(make_scored_run: MakeRun) -> None:
    names = ("ours@k=5", "ours@k=9", "ours@f=0.1", "ours@f=2.0")
    found = ablations_of(make_scored_run(dict.fromkeys(names, SCORES)))
    assert [one.title for one in found] == ["ours: k", "ours: f"]
