"""The contact sheet of a run: one picture of every edit's original views and each method's, for a README or a slide."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmark.store import Run, StoredCell, original, read_run, replace_file
from mix2mix.errors import InputError
from reports.gallery import cells_by_edit
from reports.images import read_picture

VIEW = 128
"""Pixels of a view's side."""

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg"}

_GAP, _LABEL, _TITLE = 12, 136, 30
_PAPER, _INK = (252, 251, 247), (30, 30, 30)


def write_sheet(run_folder: Path, output: Path) -> Path:
    """Write a run's sheet, PNG or JPEG by its name; a folder without cells, or an unwritable output: `InputError`."""
    kind = FORMATS.get(output.suffix.lower())
    if kind is None:
        raise InputError("sheet", got=output.name, expected=f"a name in {', '.join(FORMATS)}", fix="Name it sheet.png.")
    buffer = BytesIO()
    draw_sheet(read_run(run_folder)).save(buffer, format=kind, quality=92, optimize=True)
    replace_file(output, buffer.getvalue())
    return output


def draw_sheet(run: Run) -> Image.Image:
    """Edits side by side, a row for the originals and for each method; what is not ok or damaged stays empty."""
    edits = list(cells_by_edit(run).values())
    if not edits:
        raise InputError(f"run {run.folder}", got="no cells", expected="at least one", fix="Run the benchmark first.")
    views = max(len(cell.result.views) for cells in edits for cell in cells.values())
    width, rows = views * VIEW + _GAP, 1 + len(run.record.methods)
    sheet = Image.new("RGB", (_LABEL + len(edits) * width, _TITLE + rows * (VIEW + 2)), _PAPER)
    _draw_labels(sheet, ["Original", *(method.title for method in run.record.methods)])
    for column, cells in enumerate(edits):
        _draw_edit(sheet, run, cells, _LABEL + column * width)
    return sheet


def _draw_labels(sheet: Image.Image, labels: list[str]) -> None:
    for row, label in enumerate(labels):
        _write(sheet, (_GAP, _top(row) + VIEW // 2 - 8), label)


def _draw_edit(sheet: Image.Image, run: Run, cells: Mapping[str, StoredCell], left: int) -> None:
    first = next(iter(cells.values())).result
    _write(sheet, (left, 8), first.edit.instruction)
    count = max(len(cell.result.views) for cell in cells.values())
    originals = [original(run.folder, first.identity.scene, index) for index in range(count)]
    root = run.folder.resolve()
    _draw_views(sheet, root, originals, left, 0)
    for row, method in enumerate(run.record.methods, start=1):
        if method.name in cells:
            cell = cells[method.name]
            _draw_views(sheet, root, [cell.folder / view.name for view in cell.result.views], left, row)


def _draw_views(sheet: Image.Image, root: Path, paths: list[Path], left: int, row: int) -> None:
    for index, path in enumerate(paths):
        picture = read_picture(path, root)
        if picture is not None:
            sheet.paste(picture.resize((VIEW, VIEW)), (left + index * VIEW, _top(row)))


def _top(row: int) -> int:
    return _TITLE + row * (VIEW + 2)


def _write(sheet: Image.Image, place: tuple[int, int], text: str) -> None:
    ImageDraw.Draw(sheet).text(place, text, fill=_INK, font=ImageFont.load_default(size=15))
