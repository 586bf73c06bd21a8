"""What must be read before a number, and where the numbers come from."""

from collections.abc import Callable
from pathlib import Path

from benchmark import store
from benchmark.recovery import read
from reports.provenance import facts, in_short, methods, notices

MakeRun = Callable[..., Path]


def test_a_run_without_trouble_has_no_notices(make_run: MakeRun) -> None:
    assert notices(read(make_run())) == []


def test_random_weights_are_marked(make_run: MakeRun) -> None:
    run = make_run()
    record = store.read_record(run)
    bundle = record.provenance.bundle.model_copy(update={"random_weights": True})
    marked = record.model_copy(update={"provenance": record.provenance.model_copy(update={"bundle": bundle})})
    store.write_record(run, marked)
    assert notices(read(run))[0].startswith("Random weights: the models were not trained.")


def test_a_smoke_run_is_marked(make_run: MakeRun) -> None:
    assert notices(read(make_run(budget="smoke")))[0].endswith("Its pictures and scores mean nothing.")


def test_missing_damaged_and_foreign_cells_are_told(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run()
    record = store.read_record(run)
    store.write_record(run, record.model_copy(update={"cells": (*record.cells, "cells/ours/bear/never/seed-0")}))
    (run / record.cells[0] / "view_0.png").unlink()
    add_cell(
        run, "theirs", "turn-him-into-a-knight", provenance=record.provenance.model_copy(update={"budget": "another"})
    )
    add_cell(run, "ours", "turn-him-into-a-knight", status="failed", reason="because")
    assert notices(read(run)) == [
        "Not all cells are ok: 1 failed.",
        "Planned cells that were not run yet: 2.",
        "Damaged cells, left out: 1.",
        "Cells of another bundle or budget, left out: 1.",
    ]


def test_originals_that_were_changed_are_told(make_run: MakeRun) -> None:
    run = make_run()
    store.original(run, "face", 0).write_bytes(store.original(run, "face", 1).read_bytes())
    assert notices(read(run)) == ["Scenes whose original views are damaged: 1."]


def test_a_damaged_record_is_told(make_run: MakeRun) -> None:
    run = make_run()
    (run / "run.json").write_text("{")
    assert notices(read(run))[0].startswith("run.json is damaged (run.json is not valid:")


def test_imported_photos_are_told_before_their_scores(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run()
    identity = store.read_run(run).cells[0].result.identity
    config = {**identity.config, "imported": True, "geometry_known": False}
    imported = identity.model_copy(update={"config": config})
    add_cell(run, identity.method, identity.edit, identity=imported, key=store.key_of(imported))
    (told,) = notices(read(run))
    assert told.startswith("Cells of scenes that are not built in: 1. Their scores are by the CLIP of the mini bundle")


def test_what_each_method_is_is_told(make_run: MakeRun) -> None:
    run = make_run()
    record = store.read_record(run)
    first = record.methods[0].model_copy(update={"description": "from elsewhere", "paper": "arXiv 1"})
    store.write_record(run, record.model_copy(update={"methods": (first, *record.methods[1:])}))
    assert methods(store.read_run(run)) == [("Ours", "from elsewhere; arXiv 1")]


def test_what_ran_is_told_in_one_line(make_run: MakeRun) -> None:
    line = in_short(store.read_run(make_run()))
    assert line.startswith("2 edits, 2 scenes, 2 methods and 1 seed with the mini bundle, ")


def test_the_threads_that_cells_were_made_with_are_told(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run()
    origin = store.read_run(run).cells[0].result.provenance
    for method, threads in (("ours", 4), ("theirs", 2)):
        here = origin.model_copy(update={"hardware": origin.hardware.model_copy(update={"threads": threads})})
        add_cell(run, method, "give-him-a-venetian-mask", provenance=here)
    assert dict(facts(store.read_run(run)))["Threads of a cell"] == "2, 4"


def test_what_ran_is_told_in_full(make_run: MakeRun) -> None:
    told = dict(facts(store.read_run(make_run())))
    assert "Threads of a cell" not in told  # an older run
    assert told["Bundle"] == "mini (dddddddddddd)"
    assert told["Machine"] == "A processor, 2 cores, 8 GiB; run on cpu"
    assert told["Sources"] == "0123456789ab"
