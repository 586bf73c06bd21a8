"""The contact sheet of a run: one picture of every edit's original views and each method's, for a README or a slide."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmark.store import Run, StoredCell, original, read_run, replace_file
from mix2mix.errors import InputError
from reports.gallery import cells_by_edit
from reports.images import read_picture

VIEW = 128
"""Pixels of a view's side."""

ABREAST = 4
"""Edits side by side."""

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
    """Every edit with its first seed, in bands of `ABREAST`, a row for the originals and for each method.

    What is not ok or damaged stays empty.
    """
    edits = _first_seeds(run)
    if not edits:
        raise InputError(f"run {run.folder}", got="no cells", expected="at least one", fix="Run the benchmark first.")
    bands = [_draw_band(run, edits[start : start + ABREAST]) for start in range(0, len(edits), ABREAST)]
    sheet = Image.new("RGB", (max(band.width for band in bands), sum(band.height + _GAP for band in bands)), _PAPER)
    top = 0
    for band in bands:
        sheet.paste(band, (0, top))
        top += band.height + _GAP
    return sheet


def _first_seeds(run: Run) -> list[Mapping[str, StoredCell]]:
    found: dict[tuple[str, str], Mapping[str, StoredCell]] = {}
    for cells in cells_by_edit(run).values():
        identity = next(iter(cells.values())).result.identity
        found.setdefault((identity.scene, identity.edit), cells)
    return list(found.values())


def _draw_band(run: Run, edits: Sequence[Mapping[str, StoredCell]]) -> Image.Image:
    """Edits side by side."""
    views = max(len(cell.result.views) for cells in edits for cell in cells.values())
    width, rows = views * VIEW + _GAP, 1 + len(run.record.methods)
    band = Image.new("RGB", (_LABEL + len(edits) * width, _TITLE + rows * (VIEW + 2)), _PAPER)
    _draw_labels(band, ["Original", *(method.title for method in run.record.methods)])
    for column, cells in enumerate(edits):
        _draw_edit(band, run, cells, _LABEL + column * width)
    return band


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
