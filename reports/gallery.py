"""The gallery of a run: for every edit the original views, and under them each method's."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.progress import duration
from benchmark.results import CellResult, EditRecord, MethodRecord
from benchmark.store import Run, StoredCell, original
from reports.images import data_uri


@dataclass(frozen=True)
class Picture:
    """A view: its image as a data URI (None where it is missing) and the text in its place."""

    source: str | None
    alt: str


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
    return [_block(run, key, cells) for key, cells in cells_by_edit(run).items()]


def _block(run: Run, key: Key, cells: dict[str, StoredCell]) -> EditBlock:
    scene, slug, seed = key
    first = next(iter(cells.values())).result
    strips = [_strip(method, cells[method.name], first.edit) for method in run.record.methods if method.name in cells]
    before = _originals(run.folder, scene)
    return EditBlock(f"{scene}-{slug}-{seed}", scene, seed, first.edit, (before, *strips))


def _originals(run: Path, scene: str) -> Strip:
    count = len(list(original(run, scene, 0).parent.glob("view_*.png")))
    pictures = tuple(
        Picture(data_uri(original(run, scene, index)), f"Original view {index + 1} of {scene}")
        for index in range(count)
    )
    return Strip("Original", (), pictures, "" if count else "The original views were not saved.")


def _strip(method: MethodRecord, cell: StoredCell, edit: EditRecord) -> Strip:
    result = cell.result
    pictures = tuple(
        Picture(data_uri(cell.folder / view.name), f"View {index + 1}, {edit.instruction}, by {method.title}")
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
        facts.append(duration(sum(result.timing.edit)))
    return tuple(facts)
