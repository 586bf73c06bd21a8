"""The gallery: every view where it belongs, and a reason where there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark import store
from benchmark.error_maps import map_name
from reports.gallery import EditBlock, edit_blocks, files_of

MakeRun = Callable[..., Path]


def blocks_of(folder: Path) -> list[EditBlock]:
    return edit_blocks(store.read_run(folder))


def test_every_edit_has_its_original_and_every_method(make_run: MakeRun) -> None:
    face, person = blocks_of(make_run())
    assert [strip.label for strip in face.strips] == ["Original", "Ours", "Theirs"]
    assert [picture.alt for picture in face.strips[0].pictures] == [
        "Original view 1 of face",
        "Original view 2 of face",
    ]
    assert person.strips[1].pictures[1].alt == "View 2, Turn him into a knight, by Ours"
    assert face.anchor == "face-give-him-a-venetian-mask-0"


def test_edits_come_in_the_order_of_the_plan(make_run: MakeRun) -> None:
    run = make_run()
    record = store.read_record(run)
    store.write_record(run, record.model_copy(update={"cells": tuple(reversed(record.cells))}))
    assert [block.scene for block in blocks_of(run)] == ["person", "face"]


def test_cons_is_shown_with_dir(make_run: MakeRun) -> None:
    strip = blocks_of(make_run())[0].strips[1]
    assert strip.facts == ("Dir 0.150", "Cons 0.400", "relative error 0.20", "12 s")


def test_a_cell_has_the_maps_that_it_was_saved_with_so_that_a_lost_one_is_missed(
    make_run: MakeRun, add_cell: Callable[..., Path]
) -> None:
    run = make_run()
    cell = add_cell(run, "ours", "give-him-a-venetian-mask", maps=True)
    (cell / map_name(1)).unlink()
    ours, theirs = blocks_of(run)[0].strips[1:]
    assert [picture.error_map for picture in ours.pictures] == [cell / map_name(0), cell / map_name(1)]
    assert [picture.error_map for picture in theirs.pictures] == [None, None]


def test_a_failed_cell_says_why(make_run: MakeRun, add_cell: Callable[..., Path]) -> None:
    run = make_run()
    add_cell(run, "ours", "turn-him-into-a-knight", status="out-of-memory", reason="CUDA out of memory")
    strip = blocks_of(run)[1].strips[1]
    assert (strip.trouble, strip.pictures) == ("out-of-memory: CUDA out of memory", ())


def test_a_damaged_cell_and_one_that_was_not_run_keep_their_places(make_run: MakeRun) -> None:
    run = make_run(("ours", "theirs", "third"))
    cells = store.read_record(run).cells
    (run / cells[0] / "view_0.png").unlink()
    (run / cells[1] / "result.json").rename(run / "elsewhere")
    for left in (run / cells[1]).iterdir():
        left.unlink()
    (run / cells[1]).rmdir()
    strips = blocks_of(run)[0].strips
    assert [strip.label for strip in strips] == ["Original", "Ours", "Theirs", "Third"]
    assert [strip.trouble for strip in strips] == [
        "",
        "damaged: view_0.png is missing or was changed",
        "not run yet",
        "",
    ]


@pytest.mark.parametrize("views", [2, 8])
def test_there_are_as_many_columns_as_views(make_run: MakeRun, views: int) -> None:
    assert {block.columns for block in blocks_of(make_run(views=views))} == {views}


def test_a_lost_original_keeps_its_place(make_run: MakeRun) -> None:
    run = make_run()
    store.original(run, "face", 0).unlink()
    assert len(blocks_of(run)[0].strips[0].pictures) == 2


def test_files_are_listed_as_often_as_they_are_shown(make_run: MakeRun) -> None:
    run = make_run()
    assert len(list(files_of(blocks_of(run)))) == 2 * (2 + 2 * 2)
