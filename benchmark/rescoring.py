"""Scores the cells of a run again from their saved views: after a change of the metrics, and without a GPU."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.catalogue import CatalogueEdit
from benchmark.cells import source_digests
from benchmark.imports import geometry_known, spec_of
from benchmark.records import map_records
from benchmark.reprojection_maps import map_files
from benchmark.results import CellResult, Metrics
from benchmark.scoring import SceneSource, score
from benchmark.store import StoredCell, key_of, original, read_image, read_run, replace_file, replace_result
from benchmark.tables import write_tables
from benchmark.workbench import find_truth
from mix2mix.edit import Edit
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from mix2mix.bundles import Bundle


def rescore(folder: Path, bundle: "Bundle", scenes: SceneSource) -> int:
    """Score every ok cell of a run again with the bundle that it was made with; how many. Tables are written anew.

    An imported cell whose instruction has no prompts is left unscored.
    """
    run = read_run(folder)
    made_with = run.record.provenance.bundle
    if made_with.digest != bundle.digest or made_with.random_weights:
        raise InputError(
            f"bundle for run {folder}",
            got=f"'{bundle.name}' ({bundle.digest[:12]})",
            expected=f"'{made_with.name}' ({made_with.digest[:12]}) with trained weights, which the run was made with",
            fix="Score with that bundle, or run the benchmark again.",
        )
    cells = [cell for cell in run.cells if cell.result.status == "ok" and cell.result.edit.edited_prompt]
    for cell in cells:
        metrics, maps = _score(folder, cell, bundle, scenes)
        for name, data in maps.items():
            replace_file(cell.folder / name, data)
        replace_result(cell.folder, _scored_anew(cell.result, metrics, maps))
    write_tables(folder)
    return len(cells)


def _score(run: Path, cell: StoredCell, bundle: "Bundle", scenes: SceneSource) -> tuple[Metrics, dict[str, bytes]]:
    """The scores, and the files of the error maps."""
    result = cell.result
    entry = CatalogueEdit(result.identity.scene, Edit(**vars(result.edit)))
    edited = [read_image(cell.folder / view.name) for view in result.views]
    originals = [read_image(original(run, entry.scene, index)) for index in range(len(edited))]
    if not geometry_known(result):
        return score(originals, edited, None, entry, bundle.metric_clip, None), {}
    truth = find_truth(scenes, spec_of(result), entry, len(edited))
    cameras = scenes.scene(entry.scene, len(edited)).cameras
    maps = map_files(edited, cameras, truth) if truth else {}
    return score(originals, edited, cameras, entry, bundle.metric_clip, truth), maps


def _scored_anew(result: CellResult, metrics: Metrics, maps: Mapping[str, bytes]) -> CellResult:
    sources = result.identity.sources.model_copy(update={"metrics": source_digests().metrics})
    identity = result.identity.model_copy(update={"sources": sources})
    changed = {"metrics": metrics, "error_maps": map_records(maps), "identity": identity, "key": key_of(identity)}
    return result.model_copy(update=changed)
