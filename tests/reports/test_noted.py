"""The table of notes: what stands for many cells."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark import store
from reports.noted import noted_grid

EDITS = ("give-him-a-venetian-mask", "turn-him-into-a-knight")
Rows = list[tuple[str, ...]]


def rows_of(folder: Path) -> Rows:
    grid = noted_grid(store.read_run(folder))
    return [] if grid is None else [tuple(entry.text for entry in line.entries) for line in grid.lines]


def noted(run: Path, add_cell: Callable[..., Path], *notes: dict[str, Any]) -> Rows:
    for slug, note in zip(EDITS, notes, strict=True):
        add_cell(run, "ours", slug, notes=note)
    return rows_of(run)


def test_numbers_are_told_from_least_to_greatest(make_run: Callable[..., Path], add_cell: Callable[..., Path]) -> None:
    rows = noted(make_run(("ours",)), add_cell, {"PSNR, dB": 36.31, "splats": 1000}, {"PSNR, dB": 32.7, "splats": 1000})
    assert rows == [("Ours", "PSNR, dB", "32.7 to 36.31"), ("Ours", "splats", "1000")]


def test_texts_are_told_once_or_counted(make_run: Callable[..., Path], add_cell: Callable[..., Path]) -> None:
    run = make_run(("ours",))
    assert noted(run, add_cell, {"fit": "shared"}, {"fit": "shared"}) == [("Ours", "fit", "shared")]
    assert noted(run, add_cell, {"fit": "new"}, {"fit": "shared"}) == [("Ours", "fit", "new (1); shared (1)")]


def test_more_than_two_texts_are_cut_short(make_run: Callable[..., Path], add_cell: Callable[..., Path]) -> None:
    run = make_run(("ours",))
    identity = store.read_run(run).cells[0].result.identity
    for seed, text in enumerate("abc", start=1):
        other = identity.model_copy(update={"seed": seed})
        add_cell(run, "ours", identity.edit, identity=other, key=store.key_of(other), notes={"said": text})
    assert noted(run, add_cell, {"said": "c"}, {"said": "c"}) == [("Ours", "said", "c (3); a (1); 1 other text")]


def test_a_cell_that_failed_is_not_among_them(make_run: Callable[..., Path], add_cell: Callable[..., Path]) -> None:
    run = make_run(("ours",))
    add_cell(run, "ours", EDITS[0], notes={})
    add_cell(run, "ours", EDITS[1], status="failed", reason="because", notes={"splats": 7})
    assert noted_grid(store.read_run(run)) is None
