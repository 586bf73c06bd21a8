"""The paper's tables from a run: which rows, what stands beside them, and what a caption must say."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.formats import as_csv
from benchmark.paper_tables import PaperTable, machines, paper_tables, setting
from benchmark.results import CellResult, MethodRecord, RunRecord
from benchmark.store import Run, StoredCell, folder_of

PLACES = (("face", "give-him-a-venetian-mask"), ("bear", "turn-the-bear-to-a-panda-bear"))
MakeRun = Callable[..., Run]


def scored(example: CellResult, method: str, place: tuple[str, str], dir_: float, **changes: Any) -> CellResult:
    assert example.metrics is not None
    scene, edit = place
    identity = example.identity.model_copy(update={"method": method, "scene": scene, "edit": edit})
    scores = example.metrics.clip_dir.model_copy(update={"mean": dir_})
    metrics = example.metrics.model_copy(update={"clip_dir": scores})
    return example.model_copy(update={"identity": identity, "metrics": metrics, **changes})


@pytest.fixture
def make_run(example: CellResult, example_run: RunRecord) -> MakeRun:
    """A run of the methods on an edit of each of two scenes, Dir 0.1 and 0.3; keywords change every cell."""

    def make(*methods: str, record: dict[str, Any] | None = None, **changes: Any) -> Run:
        results = [
            scored(example, method, place, dir_, **changes)
            for method in methods
            for place, dir_ in zip(PLACES, (0.1, 0.3), strict=True)
        ]
        records = tuple(
            MethodRecord(name=name, title=name.upper(), paper=None, description="", published=None) for name in methods
        )
        cells = tuple(StoredCell(folder_of(Path("run"), one.identity), one) for one in results)
        return Run(Path("run"), example_run.model_copy(update={"methods": records, **(record or {})}), cells, (), 0)

    return make


def by_number(run: Run) -> dict[int, PaperTable]:
    return {table.number: table for table in paper_tables(run)}


def column(table: PaperTable, heading: str) -> list[str]:
    return [row[table.head.index(heading)] for row in table.rows]


def test_table_1_has_the_paper_s_rows_in_its_order_and_then_the_others(make_run: MakeRun) -> None:
    table = by_number(make_run("oracle", "i-mix2mix", "i-mix2mix@k=20", "sdedit@noise=0.25", "t2vz"))[1]
    assert column(table, "Method") == ["T2VZ", "I-MIX2MIX", "ORACLE", "SDEDIT@NOISE=0.25"]


def test_the_paper_s_column_stands_beside_ours(make_run: MakeRun) -> None:
    table = by_number(make_run("i-mix2mix", "unedited"))[1]
    assert column(table, "Sim ↑") == ["0.260 ± 0.000", "0.260 ± 0.000"]
    assert column(table, "Sim, paper") == ["0.258", "-"]
    assert [table.head.index(f"{name}, paper") - table.head.index(f"{name} ↑") for name in ("Cons", "Sim", "Dir")] == [
        1,
        1,
        1,
    ]
    assert any("NVIDIA L40S" in note for note in table.notes if note.startswith("Paper (arXiv 2511.14899): Table 1"))


def test_means_come_with_half_of_their_interval_clustered_by_scene(make_run: MakeRun) -> None:
    table = by_number(make_run("t2vz"))[1]
    # Two scenes, 0.1 and 0.3: a resample's mean is 0.1, 0.2 or 0.3 with 1/4, 1/2, 1/4, so it deviates by 0.0707;
    # times sqrt(2 / 1) and the t quantile of one degree of freedom, 12.706.
    (text,) = column(table, "Dir ↑")
    mean, half = text.split(" ± ")
    assert mean == "0.200"
    assert float(half) == pytest.approx(1.2706, rel=0.02)


def test_one_scene_gives_no_interval(make_run: MakeRun) -> None:
    run = make_run("t2vz")
    assert column(by_number(Run(run.folder, run.record, run.cells[:1], (), 0))[1], "Dir ↑") == ["0.100"]


def test_the_csv_has_every_digit_and_both_ends(make_run: MakeRun) -> None:
    (row,) = csv.DictReader(as_csv(by_number(make_run("t2vz"))[1]).splitlines())
    assert (row["method"], row["attempted"], row["succeeded"], row["clip_dir_paper"]) == ("t2vz", "2", "2", "0.159")
    assert float(row["clip_dir"]) == pytest.approx(0.2)
    assert float(row["clip_dir_high"]) - 0.2 == pytest.approx(0.2 - float(row["clip_dir_low"]))


def test_rows_that_the_run_lacks_are_told(make_run: MakeRun) -> None:
    made = by_number(make_run("t2vz", "i-mix2mix"))
    assert made[1].notes[-1] == "Not in this run: in2n, igs2gs, dge."
    assert made[5].notes[-1].endswith("i-mix2mix@k=40, i-mix2mix@f=0.1, i-mix2mix@f=1.0, i-mix2mix@f=2.0.")


def test_a_table_without_a_row_in_the_run_is_not_made(make_run: MakeRun) -> None:
    assert by_number(make_run("t2vz")).keys() == {1, 4, 6}
    assert by_number(make_run("i-mix2mix@f=2.0")).keys() == {5, 6}
    assert by_number(make_run("oracle")).keys() == {6}


def test_a_method_that_only_failed_is_a_row_of_dashes(make_run: MakeRun, example: CellResult) -> None:
    run = make_run("t2vz", "dge")
    failed = tuple(
        StoredCell(cell.folder, cell.result.model_copy(update={"status": "failed", "metrics": None, "timing": None}))
        for cell in run.cells[2:]
    )
    table = by_number(Run(run.folder, run.record, (*run.cells[:2], *failed), (), 0))[1]
    assert column(table, "Method") == ["T2VZ", "DGE"]
    assert column(table, "Cells") == ["2/2", "0/2"]
    assert column(table, "Dir ↑")[1] == "-"
    assert column(table, "Dir, paper")[1] == "0.182"
    assert "Not in this run: in2n, igs2gs, i-mix2mix." in table.notes


def test_a_skipped_method_is_not_in_the_run(make_run: MakeRun) -> None:
    run = make_run("t2vz", "dge")
    skipped = tuple(
        StoredCell(cell.folder, cell.result.model_copy(update={"status": "skipped"})) for cell in run.cells[2:]
    )
    assert column(by_number(Run(run.folder, run.record, (*run.cells[:2], *skipped), (), 0))[1], "Method") == ["T2VZ"]


def test_table_3_says_that_the_paper_s_six_edits_are_not_known(make_run: MakeRun) -> None:
    table = by_number(make_run("i-mix2mix@attention=plain", "i-mix2mix", "t2vz"))[3]
    assert column(table, "Method") == ["I-MIX2MIX@ATTENTION=PLAIN", "I-MIX2MIX"]
    assert column(table, "Dir, paper") == ["0.175", "0.178"]
    assert "six edits, which ones is not known" in table.caption


def test_table_4_names_both_machines_and_tells_fitting_apart(make_run: MakeRun, example: CellResult) -> None:
    assert example.timing is not None
    fitted = example.timing.model_copy(update={"edit": (120.0,), "phases": {"fit": 90.0, "edit": 30.0}})
    table = by_number(make_run("dge", "t2vz", timing=fitted))[4]
    assert column(table, "Minutes") == ["0.50 ± 0.00", "0.50 ± 0.00"]
    assert column(table, "Minutes, paper (NVIDIA L40S)") == ["5", "0.5"]
    assert column(table, "Fitting the scene, minutes") == ["1.50", "1.50"]
    assert any(note.startswith("Ours:") and "A processor, 2 cores" in note for note in table.notes)
    assert "Fitting the scene, minutes" not in by_number(make_run("t2vz"))[4].head


SHORT = "in2n@edit_steps=3000+fit_steps=3000"


def test_table_4_extrapolates_what_ran_with_fewer_steps_and_says_so(make_run: MakeRun, example: CellResult) -> None:
    assert example.timing is not None
    timing = example.timing.model_copy(update={"edit": (181.0,), "phases": {"fit": 60.0, "edit": 120.0, "decode": 1.0}})
    origin = make_run("t2vz").record.provenance
    bundle = origin.bundle.model_copy(update={"name": "paper"})
    paper = {"provenance": origin.model_copy(update={"bundle": bundle, "budget": "full"})}
    quick = {"provenance": origin.model_copy(update={"bundle": bundle, "budget": "quick"})}
    table = by_number(make_run("t2vz", SHORT, timing=timing, record=paper))[4]
    assert column(table, "Method") == [SHORT.upper(), "T2VZ"]
    assert column(table, "Minutes, paper (NVIDIA L40S)") == ["107", "0.5"]
    assert column(table, "Minutes, extrapolated") == [f"{(600 + 1) / 60:.2f}", "-"]
    assert column(table, "Fitting the scene, minutes") == ["10.00", "1.00"]
    assert [note for note in table.notes if "Not in this run" in note] == ["Not in this run: i-mix2mix, igs2gs, dge."]
    alone = by_number(make_run(SHORT, timing=timing, record=paper))[4]
    assert column(alone, "Minutes, extrapolated") == [f"{(600 + 1) / 60:.2f}"]
    assert "Extrapolated: I-N2N from 3000 of 30000 fit_steps, 3000 of 15000 edit_steps." in table.caption
    others = {"record": quick}, {}
    runs = [make_run("t2vz", SHORT, timing=timing, **other) for other in others]
    for other in (*runs, make_run("in2n", SHORT, timing=timing, record=paper)):
        assert "Minutes, extrapolated" not in by_number(other)[4].head


def test_times_of_several_machines_are_told_not_to_compare(make_run: MakeRun) -> None:
    run = make_run("t2vz")
    other = run.cells[0].result
    hardware = other.provenance.hardware.model_copy(update={"gpus": ("A", "B"), "device": "cuda:1"})
    moved = other.model_copy(update={"provenance": other.provenance.model_copy(update={"hardware": hardware})})
    mixed = Run(run.folder, run.record, (StoredCell(run.cells[0].folder, moved), run.cells[1]), (), 0)
    assert machines(cell.result for cell in mixed.cells) == ("B", "A processor, 2 cores")
    assert "SEVERAL MACHINES" in by_number(mixed)[4].caption
    assert "SEVERAL MACHINES" not in by_number(run)[4].caption


def test_table_5_has_scores_and_minutes(make_run: MakeRun) -> None:
    table = by_number(make_run("i-mix2mix", "i-mix2mix@k=20", "i-mix2mix@f=2.0"))[5]
    assert column(table, "Method") == ["I-MIX2MIX@K=20", "I-MIX2MIX", "I-MIX2MIX@F=2.0"]
    assert column(table, "Cons, paper") == ["0.108", "0.337", "0.212"]
    assert column(table, "Minutes, paper (NVIDIA L40S)") == ["10", "22", "-"]


def test_table_6_is_the_catalogue_s_part_that_was_run(make_run: MakeRun) -> None:
    table = by_number(make_run("t2vz", "dge"))[6]
    assert column(table, "Scene") == ["face", "bear"]
    assert column(table, "Cells") == ["2/2", "2/2"]
    assert (column(table, "S_T"), column(table, "S_T, paper")) == (["7.5", "7.5"], ["7.5", "6"])
    assert "Turn him into a vampire" in table.notes[-1]
    assert "Venetian mask" not in table.notes[-1]
    assert table.texts == 4


def test_random_weights_and_smoke_runs_are_labelled_first(make_run: MakeRun, example_run: RunRecord) -> None:
    origin = example_run.provenance
    bundle = origin.bundle.model_copy(update={"random_weights": True})
    random = make_run("t2vz", record={"provenance": origin.model_copy(update={"bundle": bundle})}, metrics=None)
    assert by_number(random).keys() == {4, 6}
    assert all(table.caption.startswith("RANDOM WEIGHTS: ") for table in by_number(random).values())
    smoke = make_run("i-mix2mix", record={"budget": "smoke"})
    assert all(table.caption.startswith("SMOKE RUN: ") for table in by_number(smoke).values())
    assert not any(table.caption.startswith(("R", "SMOKE")) for table in by_number(make_run("t2vz")).values())


def test_photographs_have_no_column_for_the_truth(make_run: MakeRun, example: CellResult) -> None:
    assert example.metrics is not None
    blind = example.metrics.model_copy(update={"reprojection": None, "background": None})
    assert "Relative error ↓" in by_number(make_run("t2vz"))[1].head
    assert "Relative error ↓" not in by_number(make_run("t2vz", metrics=blind))[1].head


def test_cons_never_stands_without_dir(make_run: MakeRun) -> None:
    for table in paper_tables(make_run("t2vz", "i-mix2mix")):
        assert ("Cons ↑" in table.head) == ("Dir ↑" in table.head)


def test_where_ours_come_from_is_told(make_run: MakeRun) -> None:
    told = "bundle mini, budget tiny (for tests), N = 2, 2 edits, 1 seed, A processor, 2 cores"
    assert setting(make_run("t2vz")) == told
    nothing = make_run("t2vz", status="failed", metrics=None, timing=None)
    assert setting(nothing) == "bundle mini, budget tiny (for tests), no ok cell"
