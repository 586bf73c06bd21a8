"""Findings: statistics and validity as tables."""

from pathlib import Path

import pytest

from benchmark.analysis import MethodCounts, PairedDifference, RunStatistics
from benchmark.findings import correlation_table, count_table, difference_table, fooled_table, of_method
from benchmark.results import RunRecord
from benchmark.statistics import Interval
from benchmark.store import Run
from benchmark.validity import Correlation, Fooled, MetricValidity


def difference(first: str, second: str, metric: str, value: float, cells: int = 20) -> PairedDifference:
    return PairedDifference(
        metric=metric,
        first=first,
        second=second,
        cells=cells,
        scenes=3,
        difference=value,
        interval=Interval(low=value - 0.05, high=value + 0.05),
        p_edits=0.001,
        p_edits_holm=0.0314,
        p_scenes=0.25,
        p_scenes_holm=1.0,
    )


FOUND = RunStatistics(
    assumptions=(),
    common=17,
    counts=(MethodCounts(method="ours", attempted=20, succeeded=18, failed=2, skipped=1, absent=3),),
    summaries=(),
    differences=(
        difference("theirs", "ours", "clip_cons", -0.1),
        difference("theirs", "ours", "clip_dir", 0.02, cells=18),
        difference("theirs", "ours", "background", 0.5),
        difference("theirs", "other", "clip_cons", 0.0),
    ),
)

VALIDITY = MetricValidity(
    correlations=(
        *(
            Correlation(metric=key, scene="face", cells=9, rho=0.5, interval=None)
            for key in ("clip_cons", "clip_sim", "clip_dir", "clip_cons_consecutive")
        ),
        *(
            Correlation(metric=key, scene=None, cells=18, rho=-0.25, interval=Interval(low=-1, high=0.5))
            for key in ("clip_cons", "clip_sim", "clip_dir", "clip_cons_consecutive")
        ),
    ),
    fooled=(Fooled(metric="clip_cons", better="cells/a/x", worse="cells/b/x", by=0.25, why="because"),),
    assumptions=("An assumption.",),
)


@pytest.fixture
def run(example_run: RunRecord) -> Run:
    return Run(Path("run"), example_run, (), (), 0)


def test_cells_are_told_by_how_they_ended(run: Run) -> None:
    table = count_table(run, FOUND)
    assert table.head == ("Method", "attempted", "succeeded", "failed", "skipped", "absent")
    assert table.rows == (("ours", "20", "18", "2", "1", "3"),)
    assert table.caption.endswith("every method has finished: 17.")


def test_a_pair_is_a_row_with_intervals_and_corrected_p_values(run: Run) -> None:
    table = difference_table(run, FOUND.differences)
    assert table.head == ("First", "Second", "Cells", "Cons, p", "Sim, p", "Dir, p", "Relative error, p")
    assert table.rows[0] == ("theirs", "ours", "18-20", "-0.100 ± 0.050, 0.031", "-", "+0.020 ± 0.050, 0.031", "-")
    assert table.rows[1][:4] == ("theirs", "other", "20", "+0.000 ± 0.050, 0.031")


def test_the_differences_of_one_method_or_all_where_it_has_none() -> None:
    assert {one.second for one in of_method(FOUND, "ours")} == {"ours"}
    assert of_method(FOUND, "nobody") == list(FOUND.differences)


def test_correlations_are_a_row_a_scene_and_one_for_all(run: Run) -> None:
    table = correlation_table(run, VALIDITY)
    assert table.rows == (
        ("face", "9", *["+0.50"] * 4),
        ("all", "18", *["-0.25 (-1.00 to +0.50)"] * 4),
    )
    assert table.notes == ("An assumption.",)


def test_cases_are_told_by_cell(run: Run) -> None:
    assert fooled_table(run, VALIDITY).rows == (("Cons", "a/x", "b/x", "because", "0.250"),)


def test_a_smoke_run_is_labelled_everywhere(run: Run) -> None:
    smoke = Run(run.folder, run.record.model_copy(update={"budget": "smoke"}), (), (), 0)
    tables = (
        count_table(smoke, FOUND),
        difference_table(smoke, FOUND.differences),
        correlation_table(smoke, VALIDITY),
        fooled_table(smoke, VALIDITY),
    )
    assert all(table.caption.startswith("SMOKE RUN") for table in tables)
