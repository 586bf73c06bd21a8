"""Whether anything is left to do in a run, told from its files alone. No torch.

The runner renders the scenes anew to see that they are still those of the stored cells. Here their digest is taken from
the cells themselves: a scene of the miniature world is made by the sources of mix2mix, so that cells whose sources,
torch, NumPy and system are those of now were made with the scene of now.
"""

import platform
from importlib.metadata import version

from benchmark.catalogue import scenes
from benchmark.cells import Cell, identity_of
from benchmark.options import RunOptions, RunSummary
from benchmark.results import CellResult, Provenance
from benchmark.store import BrokenFileError, check_originals, clear_remains, read_cell, read_record
from benchmark.tables import write_tables


def finished_run(options: RunOptions) -> RunSummary | None:
    """The end of a run that has nothing left to do, its tables written; None where that cannot be told.

    Only for scenes that the sources of mix2mix make.
    """
    results = [_finished(cell, options) for cell in options.cells]
    found = tuple(result for result in results if result is not None)
    one_scene_each = len({(each.identity.scene, each.identity.scene_digest) for each in found}) == len(_scenes(options))
    if not _scenes(options) <= set(scenes()) or len(found) < len(results) or not one_scene_each:
        return None
    if not _recorded(options) or not _originals_there(options):
        return None
    clear_remains(options.output)
    write_tables(options.output)
    return RunSummary(options.output, found, kept=len(found), interrupted=False)


def _scenes(options: RunOptions) -> set[str]:
    return {entry.scene for entry in options.edits}


def _finished(cell: Cell, options: RunOptions) -> CellResult | None:
    try:
        result = read_cell(cell.folder(options.output))
    except BrokenFileError:
        return None
    expected = identity_of(cell, options.budget, options.bundle, result.identity.scene_digest)
    whole = result.status == "ok" and len(result.views) == options.budget.views
    return result if whole and result.identity == expected and _made_as_now(result.provenance) else None


def _made_as_now(origin: Provenance) -> bool:
    same_packages = all(origin.packages.get(name) == version(name) for name in ("torch", "numpy"))
    return same_packages and origin.hardware.platform == platform.platform()


def _recorded(options: RunOptions) -> bool:
    """Whether ``run.json`` holds these cells and is of this bundle and budget."""
    try:
        record = read_record(options.output)
    except BrokenFileError:
        return False
    planned = {cell.folder(options.output).relative_to(options.output).as_posix() for cell in options.cells}
    models = (record.provenance.bundle.digest, record.provenance.budget)
    return planned <= set(record.cells) and models == (options.bundle.digest, options.budget.name)


def _originals_there(options: RunOptions) -> bool:
    try:
        return all(check_originals(options.output, scene) == options.budget.views for scene in _scenes(options))
    except BrokenFileError:
        return False
