"""The gallery of a run: for every edit the original views, and beside them each method's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.error_maps import map_name
from benchmark.progress import duration
from benchmark.results import CellResult, EditRecord, MethodRecord
from benchmark.store import Run, StoredCell, original


@dataclass(frozen=True)
class Picture:
    """A view: its file, what it shows in words, and its map of reprojection errors (None: there is none)."""

    file: Path
    alt: str
    error_map: Path | None = None


@dataclass(frozen=True)
class Strip:
    """A row of views: whose they are, what is to be said about them, or why there are none."""

    label: str
    facts: tuple[str, ...]
    pictures: tuple[Picture, ...]
    trouble: str = ""


@dataclass(frozen=True)
class EditBlock:
    """One edit of one scene with one seed: the original's strip and a strip for every method."""

    anchor: str
    scene: str
    seed: int
    edit: EditRecord
    strips: tuple[Strip, ...]

    @property
    def columns(self) -> int:
        """The most views that a strip has."""
        return max(len(strip.pictures) for strip in self.strips)


Key = tuple[str, str, int]


def cells_by_edit(run: Run) -> dict[Key, dict[str, StoredCell]]:
    """Cells by (scene, edit, seed) and then by method, in the order of the plan."""
    by_key: dict[Key, dict[str, StoredCell]] = {}
    order = {name: position for position, name in enumerate(run.record.cells)}
    for cell in sorted(
        run.cells, key=lambda cell: order.get(cell.folder.relative_to(run.folder).as_posix(), len(order))
    ):
        identity = cell.result.identity
        by_key.setdefault((identity.scene, identity.edit, identity.seed), {})[identity.method] = cell
    return by_key


def edit_blocks(run: Run) -> list[EditBlock]:
    """A block for every edit of which a cell was run, in the order of the plan."""
    lost = _lost(run)
    return [_block(run, key, cells, lost) for key, cells in cells_by_edit(run).items()]


def files_of(blocks: Iterable[EditBlock]) -> Iterator[Path]:
    """Every file that the blocks show, as often as they do."""
    for picture in (picture for block in blocks for strip in block.strips for picture in strip.pictures):
        yield picture.file
        if picture.error_map:
            yield picture.error_map


def _lost(run: Run) -> dict[str, str]:
    """Why a cell that was planned has no strip, by its folder."""
    return dict.fromkeys(run.missing, "not run yet") | {name: f"damaged: {why}" for name, why in run.broken}


def _block(run: Run, key: Key, cells: dict[str, StoredCell], lost: dict[str, str]) -> EditBlock:
    scene, slug, seed = key
    edit = next(iter(cells.values())).result.edit
    strips = [_originals(run.folder, scene, max(len(cell.result.views) for cell in cells.values()))]
    for method in run.record.methods:
        place = f"cells/{method.name}/{scene}/{slug}/seed-{seed}"
        if method.name in cells:
            strips.append(_strip(method, cells[method.name], edit))
        elif place in lost:
            strips.append(Strip(method.title, (), (), lost[place]))
    return EditBlock(f"{scene}-{slug}-{seed}", scene, seed, edit, tuple(strips))


def _originals(run: Path, scene: str, count: int) -> Strip:
    """As many as there are edited views, or as were saved where there are none."""
    count = count or len(list(original(run, scene, 0).parent.glob("view_*.png")))
    pictures = tuple(
        Picture(original(run, scene, index), f"Original view {index + 1} of {scene}") for index in range(count)
    )
    return Strip("Original", (), pictures, "" if count else "The original views were not saved.")


def _strip(method: MethodRecord, cell: StoredCell, edit: EditRecord) -> Strip:
    result = cell.result
    maps = {file.name for file in result.error_maps}
    pictures = tuple(
        Picture(
            cell.folder / view.name,
            f"View {index + 1}, {edit.instruction}, by {method.title}",
            cell.folder / map_name(index) if map_name(index) in maps else None,
        )
        for index, view in enumerate(result.views)
    )
    trouble = "" if result.status == "ok" else f"{result.status}: {result.reason}"
    return Strip(method.title, _facts(result), pictures, trouble)


def _facts(result: CellResult) -> tuple[str, ...]:
    facts = []
    if result.metrics is not None:
        facts += [f"Dir {result.metrics.clip_dir.mean:.3f}", f"Cons {result.metrics.clip_cons.mean:.3f}"]
        if result.metrics.reprojection is not None:
            facts.append(f"relative error {result.metrics.reprojection.relative:.2f}")
    if result.timing is not None:
        facts.append(duration(result.timing.seconds))
    return tuple(facts)
