"""Tables: a row a method, means over its ok cells, Cons never without Dir."""

import csv
from pathlib import Path

import pytest

from benchmark import tables
from benchmark.formats import as_csv, as_latex, as_markdown
from benchmark.results import CellResult, MethodRecord, RunRecord
from benchmark.store import Run, StoredCell, read_run, write_record


def cell(example: CellResult, method: str, edit: str, status: str = "ok", cons: float = 0.4) -> StoredCell:
    """The example as a cell of that method and edit."""
    assert example.metrics is not None
    identity = example.identity.model_copy(update={"method": method, "edit": edit})
    scores = example.metrics.clip_cons.model_copy(update={"mean": cons})
    metrics = example.metrics.model_copy(update={"clip_cons": scores}) if status == "ok" else None
    result = example.model_copy(update={"identity": identity, "status": status, "metrics": metrics})
    return StoredCell(Path(method, edit), result)


@pytest.fixture
def run(example: CellResult, example_run: RunRecord) -> Run:
    """Two methods on two edits, one of four cells failed and one skipped."""
    methods = [MethodRecord(name=name, title=name, paper=None, description="", published=None) for name in ("a_b", "c")]
    cells = (
        cell(example, "a_b", "one", cons=0.2),
        cell(example, "a_b", "two", cons=0.6),
        cell(example, "c", "one"),
        cell(example, "c", "two", status="failed"),
        cell(example, "c", "three", status="skipped"),
    )
    record = example_run.model_copy(update={"methods": tuple(methods)})
    return Run(Path("run"), record, cells, broken=(), foreign=0)


def test_a_row_counts_the_cells_and_averages_the_ok_ones(run: Run) -> None:
    first, second = tables.rows(run)
    assert (first.method, first.ok, first.failed, first.skipped) == ("a_b", 2, 0, 0)
    assert (second.method, second.ok, second.failed, second.skipped) == ("c", 1, 1, 1)
    assert first.values == pytest.approx((0.4, 0.26, 0.15, 0.5, 0.04, 0.2, 0.01, 12.5))
    assert second.values[0] == pytest.approx(0.4)


def test_common_cells_are_those_that_every_method_finished(run: Run) -> None:
    assert tables.common_cells(run) == 1


def test_the_terminal_s_table(run: Run) -> None:
    lines = tables.summary(run).splitlines()
    assert lines[0].split()[:7] == ["Method", "ok", "failed", "Cons", "↑", "Sim", "↑"]
    assert lines[0].endswith("Reprojection ↓  Relative error ↓  Background ↓  s/edit")
    assert lines[2].split() == ["a_b", "2", "0", "0.400", "0.260", "0.150", "0.500", "0.040", "0.200", "0.010", "12.5"]
    assert len({len(line) for line in (lines[0], lines[2], lines[3])}) == 1
    assert lines[-1] == "Ok cells: 3. Edits that every method has finished: 1."


def test_csv_has_full_precision(run: Run) -> None:
    rows = list(csv.DictReader(as_csv(tables.table(run)).splitlines()))
    assert [row["method"] for row in rows] == ["a_b", "c"]
    assert float(rows[0]["clip_sim"]) == 0.26
    assert rows[0]["relative_error"] == "0.2"


def test_markdown(run: Run) -> None:
    lines = as_markdown(tables.table(run)).splitlines()
    assert lines[0].startswith("| Method | ok | failed | Cons ↑ | Sim ↑ | Dir ↑ |")
    assert lines[1].startswith("| --- | ---: |")
    assert lines[2].startswith("| a_b | 2 | 0 | 0.400 |")
    assert lines[-1] == "Ok cells: 3. Edits that every method has finished: 1."


def test_latex_is_escaped(run: Run) -> None:
    text = as_latex(tables.table(run))
    assert "\n% Means over each method's own ok cells." in text
    assert r"a\_b & 2 & 0 & 0.400 &" in text
    assert r"Cons $\uparrow$" in text
    assert text.count(r"\\") == 3


def test_a_value_that_nothing_has_is_a_dash_or_an_empty_field(run: Run) -> None:
    bare = Run(run.folder, run.record, run.cells[3:], (), 0)
    assert tables.summary(bare).splitlines()[2].split() == ["a_b", "0", "0", *"--------"]
    assert next(csv.DictReader(as_csv(tables.table(bare)).splitlines()))["clip_cons"] == ""


def test_cons_never_stands_without_dir(run: Run) -> None:
    made = tables.table(run)
    for text in (tables.summary(run), as_csv(made), as_markdown(made), as_latex(made)):
        head = next(line for line in text.splitlines() if "cons" in line.lower() and not line.startswith("%"))
        assert "dir" in head.lower()


def test_a_run_s_folder_gets_the_table_in_three_formats(tmp_path: Path, example_run: RunRecord) -> None:
    write_record(tmp_path, example_run)
    made = tables.table(read_run(tmp_path))
    expected = {"table.csv": as_csv(made), "table.md": as_markdown(made), "table.tex": as_latex(made)}
    assert {path.name: path.read_text(encoding="utf-8") for path in tables.write_tables(tmp_path)} == expected
