"""The contact sheet: every view where it belongs."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from benchmark.store import original, read_run
from mix2mix.errors import InputError
from reports.gallery import cells_by_edit
from reports.sheet import VIEW, draw_sheet, write_sheet

MakeRun = Callable[..., Path]


def test_it_has_a_row_for_the_originals_and_for_every_method_and_all_edits_beside_each_other(make_run: MakeRun) -> None:
    run = read_run(make_run())
    width, height = draw_sheet(run).size
    edits = cells_by_edit(run)
    views = max(len(cell.result.views) for cells in edits.values() for cell in cells.values())
    assert height >= (1 + len(run.record.methods)) * VIEW
    assert width >= len(edits) * views * VIEW


def test_the_first_methods_first_view_lies_under_the_original(make_run: MakeRun) -> None:
    run = read_run(make_run())
    cells = next(iter(cells_by_edit(run).values()))
    method = run.record.methods[0].name
    cell = cells[method]
    sheet = draw_sheet(run)
    with Image.open(cell.folder / cell.result.views[0].name) as image:
        expected = image.convert("RGB").resize((VIEW, VIEW))
    left, top = 136, 30 + VIEW + 2
    assert sheet.crop((left, top, left + VIEW, top + VIEW)).tobytes() == expected.tobytes()


@pytest.mark.parametrize(("name", "kind"), [("sheet.png", "PNG"), ("sheet.jpg", "JPEG")])
def test_its_name_says_the_format(make_run: MakeRun, tmp_path: Path, name: str, kind: str) -> None:
    with Image.open(write_sheet(make_run(), tmp_path / name)) as image:
        assert image.format == kind


def test_another_format_is_refused_before_anything_is_written(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sheet"):
        write_sheet(make_run(), tmp_path / "sheet.pdf")
    assert not list(tmp_path.glob("sheet*"))


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run"):
        write_sheet(tmp_path, tmp_path / "sheet.png")


def test_a_damaged_original_leaves_its_place_empty(make_run: MakeRun) -> None:
    run = make_run()
    original(run, "face", 0).write_bytes(b"no picture")
    sheet = draw_sheet(read_run(run))
    left, top = 136, 30
    assert len(sheet.crop((left, top, left + VIEW, top + VIEW)).getcolors() or []) == 1
