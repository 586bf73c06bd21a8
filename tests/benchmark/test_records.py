"""Records: what a run says of its methods."""

from pathlib import Path

import pytest

from baselines.registry import parse_variant
from benchmark.budgets import QUICK
from benchmark.catalogue import find_edit
from benchmark.cells import plan
from benchmark.records import run_record
from benchmark.results import MethodRecord, RunRecord


def described(example_run: RunRecord, *methods: str) -> tuple[MethodRecord, ...]:
    cells = plan(map(parse_variant, methods), [find_edit("turn-him-into-a-knight")], [0])
    return run_record(Path("runs/mine"), "", QUICK, cells, example_run.provenance).methods


def test_a_method_is_told_with_what_its_paper_prints(example_run: RunRecord) -> None:
    (method,) = described(example_run, "i-mix2mix")
    assert method.title == "I-Mix2Mix"
    assert method.published is not None
    assert (method.published.source, method.published.cons, method.published.minutes) == ("Table 1", 0.342, 22.0)


def test_a_variant_is_told_with_its_settings_and_without_the_paper_s_numbers(example_run: RunRecord) -> None:
    (variant,) = described(example_run, "i-mix2mix@k=20+f=0.1")
    assert variant.title == "I-Mix2Mix (k=20, f=0.1)"
    assert variant.published is None


@pytest.mark.parametrize("methods", [("t2vz", "unedited"), ("unedited", "t2vz")])
def test_methods_keep_the_order_in_which_they_were_asked_for(example_run: RunRecord, methods: tuple[str, str]) -> None:
    assert tuple(method.name for method in described(example_run, *methods)) == methods


def test_planned_cells_are_named_by_their_folders(example_run: RunRecord) -> None:
    cells = plan([parse_variant("t2vz")], [find_edit("turn-him-into-a-knight")], [0])
    record = run_record(Path("runs/mine"), "", QUICK, cells, example_run.provenance)
    assert record.name == "mine"
    assert record.cells == ("cells/t2vz/person/turn-him-into-a-knight/seed-0",)
