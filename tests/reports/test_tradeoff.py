"""Runtime against quality: a point for every method that edits."""

from collections.abc import Callable
from pathlib import Path

from benchmark import store
from benchmark.analysis import analyse
from reports.plots import Chart
from reports.tradeoff import tradeoffs

MakeRun = Callable[..., Path]


def plots_of(folder: Path) -> tuple[Chart, ...]:
    run = store.read_run(folder)
    return tradeoffs(run, analyse(run))


def test_consistency_and_following_the_instruction_are_plotted(make_scored_run: MakeRun) -> None:
    plots = plots_of(make_scored_run({"fast": (0.5, 0.1, 2.0), "slow": (0.2, 0.2, 40.0)}))
    assert [plot.title for plot in plots] == ["Relative error and time", "Dir and time"]
    fast, slow = plots[0].marks
    assert fast.x < slow.x
    assert fast.y < slow.y  # its error is larger: it lies higher


def test_cons_takes_the_place_of_an_unknown_error(make_scored_run: MakeRun) -> None:
    plots = plots_of(make_scored_run({"a": (None, 0.1, 2.0)}))
    assert [plot.title for plot in plots] == ["Cons and time", "Dir and time"]


def test_rows_to_measure_by_are_lines_without_a_time(make_scored_run: MakeRun) -> None:
    methods = {"a": (0.5, 0.1, 2.0), "oracle": (0.1, 0.2, 0.1), "unedited": (0.05, 0.0, 0.1)}
    error, following = plots_of(make_scored_run(methods))
    assert [level.label.text for level in error.levels] == ["Oracle", "Unedited"]
    assert [level.label.text for level in following.levels] == ["Oracle"]  # unedited views have 0 by definition
    assert len(error.marks) == 1


def test_without_a_method_that_edits_there_is_no_plot(make_scored_run: MakeRun) -> None:
    assert plots_of(make_scored_run({"unedited": (0.05, 0.0, 0.1)})) == ()
