"""A run for its page: as it was saved or, where ``run.json`` is damaged, as its cells tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from baselines.registry import find_spec
from benchmark.results import SCHEMA_VERSION, CellResult, MethodRecord, RunRecord
from benchmark.store import BrokenFileError, Run, StoredCell, read_cells, read_record, read_run, run_of
from mix2mix.errors import InputError


@dataclass(frozen=True)
class Reading:
    """A run, and what is wrong with its ``run.json`` (nothing: empty)."""

    run: Run
    trouble: str = ""


def read(folder: Path) -> Reading:
    """Read a run; a folder with neither a whole ``run.json`` nor a whole cell is an `InputError`."""
    try:
        read_record(folder)
    except BrokenFileError as error:
        cells, broken = read_cells(folder)
        if cells:
            return Reading(_rebuilt(folder, cells, broken), str(error))
    return Reading(read_run(folder))


def _rebuilt(folder: Path, cells: list[StoredCell], broken: list[tuple[str, str]]) -> Run:
    first = cells[0].result.provenance
    own = [cell for cell in cells if cell.result.provenance.comparable(first)]
    record = RunRecord(
        schema_version=SCHEMA_VERSION,
        name=folder.resolve().name,
        command="",
        budget=first.budget,
        purpose="",
        methods=tuple(_methods(cell.result for cell in own)),
        cells=tuple(cell.folder.relative_to(folder).as_posix() for cell in own),
        provenance=first,
    )
    return run_of(folder, record, cells, broken)


def _methods(results: Iterator[CellResult]) -> Iterator[MethodRecord]:
    for name in dict.fromkeys(result.identity.method for result in results):
        method, _, settings = name.partition("@")
        try:
            title = find_spec(method).title
        except InputError:
            title = method
        shown = f"{title} ({settings.replace('+', ', ')})" if settings else title
        yield MethodRecord(name=name, title=shown, paper=None, description="", published=None)
