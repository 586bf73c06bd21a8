"""The summary: which method, by how much, how sure, at what cost; and nothing that the run does not show."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import store
from benchmark.analysis import analyse
from reports.summary import Summary, summarise

MakeRun = Callable[..., Path]
METHODS = {
    "oracle": (0.05, 0.16, 1.0),
    "worse": (0.6, 0.18, 10.0),
    "better": (0.2, 0.15, 90.0),
    "unedited": (0.04, 0.0, 0.1),
}


def summary_of(folder: Path) -> Summary:
    run = store.read_run(folder)
    return summarise(run, analyse(run))


def told(summary: Summary) -> str:
    return " ".join((summary.lead, *summary.sentences))


def test_the_method_of_the_least_relative_error_is_named_first(make_scored_run: MakeRun) -> None:
    summary = summary_of(make_scored_run(METHODS))
    assert summary.lead.startswith("Better gives the most consistent views of the 2 methods that edit")
    assert [line.entries[0].text for line in summary.grid.lines] == ["Better", "Worse", "Oracle", "Unedited"]


def test_rows_to_measure_by_are_no_contenders(make_scored_run: MakeRun) -> None:
    summary = summary_of(make_scored_run(METHODS))
    assert [line.quiet for line in summary.grid.lines] == [False, False, True, True]
    assert "the true edit itself measures 0.055" in told(summary)


def test_the_distance_to_the_next_is_told_with_its_interval_and_p(make_scored_run: MakeRun) -> None:
    text = told(summary_of(make_scored_run(METHODS)))
    assert "Next is Worse, 0.400 behind over 2 edits that both finished (2 scenes, 95 % 0.400 to 0.400" in text
    assert "Holm p = 1.00 over edits" in text


def test_what_two_edits_cannot_settle_is_not_claimed(make_scored_run: MakeRun) -> None:
    summary = summary_of(make_scored_run(METHODS))
    assert "it is not settled" in summary.lead
    assert "This does not settle which of the two is better." in summary.sentences[1]


def test_who_follows_the_instruction_more_closely_is_told_beside(make_scored_run: MakeRun) -> None:
    text = told(summary_of(make_scored_run(METHODS)))
    assert "In following the instruction, Worse is ahead: Dir 0.180 against 0.150 (+0.030; Holm" in text


def test_the_cost_is_told_beside_the_fastest(make_scored_run: MakeRun) -> None:
    text = told(summary_of(make_scored_run(METHODS)))
    assert "An edit takes it 1 min 30 s on cpu (median); Worse, the fastest, takes 10 s." in text


def test_without_known_geometry_cons_orders_the_methods_with_a_warning(make_scored_run: MakeRun) -> None:
    summary = summary_of(make_scored_run({"a": (None, 0.1, 1.0), "b": (None, 0.2, 1.0)}))
    assert summary.grid.headings[1].text == "Cons ↑"
    assert "Views that were hardly edited score high too." in told(summary)


def test_failed_cells_are_counted(make_scored_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_scored_run(METHODS)
    add_cell(run, "worse", "turn-him-into-a-knight", status="failed", reason="because")
    summary = summary_of(run)
    assert "8 cells of 4 methods; 1 failed; 1 edit finished by every method." in told(summary)
    assert [line.entries[-1].text for line in summary.grid.lines] == ["2 of 2", "1 of 2", "2 of 2", "2 of 2"]


def test_a_smoke_run_names_no_winner(make_scored_run: MakeRun) -> None:
    text = told(summary_of(make_scored_run(METHODS, budget="smoke")))
    assert "No method can be judged by it." in text
    assert "Better" not in text


def test_untrained_models_have_costs_only(make_scored_run: MakeRun) -> None:
    run = make_scored_run(METHODS)
    record = store.read_record(run)
    bundle = record.provenance.bundle.model_copy(update={"random_weights": True})
    store.write_record(
        run, record.model_copy(update={"provenance": record.provenance.model_copy(update={"bundle": bundle})})
    )
    summary = summary_of(run)
    assert summary.lead == "Untrained models: only times and memory mean something here."
    assert [heading.text for heading in summary.grid.headings] == ["Method", "time of an edit", "finished"]


@pytest.mark.parametrize(
    ("methods", "lead"),
    [
        ({}, "No method that edits has a score yet."),
        ({"unedited": (0.1, 0.0, 1.0)}, "No method that edits has a score yet."),
        ({"ours": (0.1, 0.1, 1.0)}, "Ours is the only method here that edits and has a score."),
    ],
)
def test_where_there_is_nothing_to_compare_nothing_is(
    make_scored_run: MakeRun, methods: dict[str, tuple[float, float, float]], lead: str
) -> None:
    assert summary_of(make_scored_run(methods)).lead == lead
