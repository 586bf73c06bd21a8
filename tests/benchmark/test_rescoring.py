"""Scoring again: from the saved views alone, with the same numbers, and only with the bundle of the run."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest

from baselines.registry import SPECS
from benchmark import store
from benchmark.error_maps import map_name
from benchmark.rescoring import rescore
from benchmark.runner import RunOptions, run_benchmark
from mix2mix.errors import InputError

MakeOptions = Callable[..., RunOptions]


@pytest.fixture
def finished(make_options: MakeOptions, fakes: SimpleNamespace) -> RunOptions:
    """A finished run of a method of the registry, faked."""
    options = make_options({"t2vz": fakes.Inverter()}, SPECS)
    run_benchmark(options)
    return options


def metrics_of(options: RunOptions) -> list[object]:
    return [cell.result.metrics for cell in store.read_run(options.output).cells]


def test_lost_scores_come_back_the_same(finished: RunOptions) -> None:
    before = metrics_of(finished)
    for cell in store.read_run(finished.output).cells:
        store.replace_result(cell.folder, cell.result.model_copy(update={"metrics": None}))
    assert metrics_of(finished) == [None, None]
    assert rescore(finished.output, finished.bundle, finished.scenes) == 2
    assert metrics_of(finished) == before


def test_maps_that_were_damaged_or_never_recorded_come_back_the_same(finished: RunOptions) -> None:
    first, second = store.read_run(finished.output).cells
    (first.folder / map_name(0)).write_bytes(b"no map")
    store.replace_result(second.folder, second.result.model_copy(update={"error_maps": ()}))
    (damaged,) = store.read_run(finished.output).damaged
    assert damaged[0].endswith("/reprojection_0.png")
    rescore(finished.output, finished.bundle, finished.scenes)
    again = store.read_run(finished.output)
    assert again.damaged == ()
    assert [cell.result.error_maps for cell in again.cells] == [first.result.error_maps, second.result.error_maps]
    assert len(first.result.error_maps) == 2


def test_scores_of_older_metrics_become_current_and_are_kept(finished: RunOptions) -> None:
    for cell in store.read_run(finished.output).cells:
        sources = cell.result.identity.sources.model_copy(update={"metrics": "0" * 64})
        identity = cell.result.identity.model_copy(update={"sources": sources})
        changed = cell.result.model_copy(update={"identity": identity, "key": store.key_of(identity)})
        store.replace_result(cell.folder, changed)
    rescore(finished.output, finished.bundle, finished.scenes)
    assert run_benchmark(finished).kept == 2


def test_the_tables_are_written_anew(finished: RunOptions) -> None:
    (finished.output / "table.csv").unlink()
    rescore(finished.output, finished.bundle, finished.scenes)
    assert (finished.output / "table.csv").is_file()


def test_failed_cells_are_left_alone(finished: RunOptions) -> None:
    cell = store.read_run(finished.output).cells[0]
    store.replace_result(cell.folder, cell.result.model_copy(update={"status": "failed", "reason": "because"}))
    assert rescore(finished.output, finished.bundle, finished.scenes) == 1


def test_another_bundle_is_refused(finished: RunOptions, fakes: SimpleNamespace) -> None:
    with pytest.raises(InputError, match="which the run was made with"):
        rescore(finished.output, fakes.fake_bundle(digest="e" * 64), finished.scenes)


def test_a_run_with_random_weights_is_never_scored(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    bundle = fakes.fake_bundle(random_weights=True)
    options = replace(make_options({"t2vz": fakes.Inverter()}, SPECS), bundle=bundle)
    run_benchmark(options)
    with pytest.raises(InputError, match="trained weights"):
        rescore(options.output, bundle, options.scenes)
