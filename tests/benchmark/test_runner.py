"""The runner: every cell is stored, kept while nothing that matters changed, and its failure stays its own."""

import errno
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from baselines.api import EditRequest, EditResult
from benchmark import runner, store
from benchmark.budgets import Budget
from benchmark.catalogue import find_edit
from benchmark.options import RunOptions
from benchmark.runner import run_benchmark
from mix2mix.errors import InputError

MakeOptions = Callable[..., RunOptions]


def test_every_cell_is_run_scored_and_stored(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    options = make_options({"a": fakes.Inverter(), "b": fakes.Inverter()})
    ended = run_benchmark(options)
    folders = sorted(path.parent.relative_to(options.output).as_posix() for path in options.output.rglob("result.json"))
    assert folders == [
        "cells/a/bear/turn-the-bear-to-a-panda-bear/seed-0",
        "cells/a/face/give-him-a-venetian-mask/seed-0",
        "cells/b/bear/turn-the-bear-to-a-panda-bear/seed-0",
        "cells/b/face/give-him-a-venetian-mask/seed-0",
    ]
    assert [result.status for result in ended.results] == ["ok"] * 4
    assert (ended.kept, ended.failed, ended.exit_status) == (0, (), 0)


def test_a_result_tells_what_was_done(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    options = make_options({"a": fakes.Inverter()}, command="mix2mix benchmark run")
    result = run_benchmark(options).results[0]
    assert result.counts == {"teacher": 4}
    assert result.notes == {"reference": 2}
    assert result.timing is not None
    assert result.timing.phases == {"edit": 0.5}
    assert len(result.timing.edit) == 1
    assert result.identity.config["settings"] == {"steps": 7}
    assert result.identity.config["edit"]["instruction"] == result.edit.instruction == "Give him a Venetian mask"
    assert result.provenance.hardware.device == "cpu"
    assert json.loads((options.output / "run.json").read_text())["command"] == "mix2mix benchmark run"


def test_the_negative_of_a_wall_is_consistent(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    metrics = run_benchmark(make_options({"a": fakes.Inverter()})).results[0].metrics
    assert metrics is not None
    assert len(metrics.clip_sim.values) == 2
    assert len(metrics.clip_cons.values) == 1
    assert metrics.reprojection is not None
    assert metrics.background is not None
    assert metrics.reprojection.error < 1e-6
    assert [pair.pixels for pair in metrics.reprojection.pairs] == [28 * 16] * 2


def test_the_saved_views_are_the_edited_ones(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    options = make_options({"a": fakes.Inverter()})
    run_benchmark(options)
    folder = options.output / "cells/a/face/give-him-a-venetian-mask/seed-0"
    before = store.read_image(store.original(options.output, "face", 1)).astype(int)
    np.testing.assert_allclose(store.read_image(folder / "view_1.png"), 255 - before, atol=1)


def test_the_edit_alone_is_timed_and_the_warm_up_apart(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    method = fakes.Inverter()
    first, second = run_benchmark(make_options({"a": method})).results
    assert [request.settings["steps"] for request in method.requests] == [2, 7, 7]
    assert first.timing is not None
    assert second.timing is not None
    assert first.timing.warm_up is not None
    assert second.timing.warm_up is None


def test_a_warm_up_is_short_where_the_budget_leaves_a_method_its_own_length(
    make_options: MakeOptions, fakes: SimpleNamespace
) -> None:
    method = fakes.Inverter()
    run_benchmark(make_options({"a": method}, budget=Budget("own", "for tests", (), ("a",), {}, views=2)))
    assert [request.settings.get("steps") for request in method.requests] == [2, None, None]


def test_finished_cells_are_kept(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    method = fakes.Inverter()
    options = make_options({"a": method})
    first = run_benchmark(options)
    calls = len(method.requests)
    again = run_benchmark(options)
    assert len(method.requests) == calls
    assert again.kept == 2
    assert again.results == first.results


def changed_settings(options: RunOptions, fakes: SimpleNamespace) -> RunOptions:
    return replace(options, budget=replace(options.budget, settings={"steps": 8}))


def changed_bundle(options: RunOptions, fakes: SimpleNamespace) -> RunOptions:
    other = fakes.fake_bundle(digest="e" * 64)
    return replace(options, bundle=other, load_bundle=lambda device: other)


def changed_guidance(options: RunOptions, fakes: SimpleNamespace) -> RunOptions:
    return replace(options, edits=tuple(replace(e, edit=replace(e.edit, text_guidance=3.0)) for e in options.edits))


def changed_sources(options: RunOptions, fakes: SimpleNamespace) -> RunOptions:
    for path in options.output.rglob("result.json"):
        result = store.read_cell(path.parent)
        sources = result.identity.sources.model_copy(update={"metrics": "0" * 64})
        identity = result.identity.model_copy(update={"sources": sources})
        store.replace_result(
            path.parent, result.model_copy(update={"identity": identity, "key": store.key_of(identity)})
        )
    return options


def torn_result(options: RunOptions, fakes: SimpleNamespace) -> RunOptions:
    for path in options.output.rglob("result.json"):
        path.write_bytes(path.read_bytes()[:100])
    return options


def changed_view(options: RunOptions, fakes: SimpleNamespace) -> RunOptions:
    for path in options.output.glob("cells/**/view_0.png"):
        path.write_bytes(b"")
    return options


def lost_view(options: RunOptions, fakes: SimpleNamespace) -> RunOptions:
    for path in options.output.glob("cells/**/view_1.png"):
        path.unlink()
    return options


@pytest.mark.parametrize(
    "change",
    [
        changed_settings,
        changed_bundle,
        changed_guidance,
        changed_sources,
        torn_result,
        changed_view,
        lost_view,
    ],
)
def test_a_cell_is_run_again_when_what_it_depends_on_changed(
    make_options: MakeOptions, fakes: SimpleNamespace, change: Callable[[RunOptions, SimpleNamespace], RunOptions]
) -> None:
    method = fakes.Inverter()
    options = make_options({"a": method})
    run_benchmark(options)
    method.requests.clear()
    options = change(options, fakes)
    assert run_benchmark(options).kept == 0
    assert len(method.requests) == 1 + 2  # a warm-up and both cells
    assert run_benchmark(options).kept == 2


def not_a_number(request: EditRequest) -> torch.Tensor:
    return torch.full_like(request.scene.images, torch.nan)


def too_bright(request: EditRequest) -> torch.Tensor:
    return request.scene.images + 1


def one_blank_view(request: EditRequest) -> torch.Tensor:
    return torch.cat([request.scene.images[:1], torch.full_like(request.scene.images[1:], 0.5)])


def one_view_short(request: EditRequest) -> torch.Tensor:
    return request.scene.images[:1]


def crash(request: EditRequest) -> torch.Tensor:
    raise RuntimeError("the network fell over\nand more")


def bad_input(request: EditRequest) -> torch.Tensor:
    raise InputError("weights", got="none", expected="some", fix="Train them.")


def no_main_memory(request: EditRequest) -> torch.Tensor:
    raise MemoryError


def no_gpu_memory(request: EditRequest) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory")


def no_gpu_memory_in_a_capture(request: EditRequest) -> torch.Tensor:
    try:
        raise torch.OutOfMemoryError("CUDA out of memory")
    finally:
        raise RuntimeError("CUDA error: operation failed due to a previous error during capture")


def no_memory_for_torch(request: EditRequest) -> torch.Tensor:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


@pytest.mark.parametrize(
    ("act", "status", "reason"),
    [
        (not_a_number, "failed", "6144 values are NaN or infinite"),
        (too_bright, "failed", "expected 0 to 1"),
        (one_blank_view, "failed", "view 1 is blank"),
        (one_view_short, "failed", "views of shape [1, 3, 32, 32], expected [2, 3, 32, 32]"),
        (crash, "failed", "RuntimeError: the network fell over"),
        (bad_input, "failed", "weights: got none; expected some. Train them."),
        (no_main_memory, "out-of-memory", "MemoryError"),
        (no_gpu_memory, "out-of-memory", "CUDA out of memory"),
        (no_gpu_memory_in_a_capture, "out-of-memory", "a previous error during capture"),
        (no_memory_for_torch, "out-of-memory", "can't allocate memory"),
    ],
)
def test_a_failure_is_stored_with_its_reason_and_the_rest_goes_on(
    make_options: MakeOptions,
    fakes: SimpleNamespace,
    act: Callable[[EditRequest], torch.Tensor],
    status: str,
    reason: str,
) -> None:
    options = make_options({"faulty": fakes.Faulty(act), "good": fakes.Inverter()})
    ended = run_benchmark(options)
    assert [result.status for result in ended.results] == [status, "ok"] * 2
    assert reason in ended.results[0].reason
    assert ended.exit_status == 1
    stored = store.read_run(options.output)
    assert [cell.result.status for cell in stored.cells] == [status] * 2 + ["ok"] * 2
    assert not list((options.output / "cells/faulty").rglob("*.png"))


def test_the_traceback_of_a_crash_is_stored(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    result = run_benchmark(make_options({"faulty": fakes.Faulty(crash)})).results[0]
    assert "the network fell over" in result.traceback
    assert "in crash" in result.traceback


def test_failures_are_tried_again(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    methods = {"a": fakes.Faulty(crash)}
    options = make_options(methods)
    assert run_benchmark(options).exit_status == 1
    methods["a"] = fakes.Inverter()
    mended = run_benchmark(replace(options, load_method=methods.__getitem__))
    assert (mended.kept, mended.exit_status) == (0, 0)


def test_a_method_that_cannot_be_loaded_is_a_failed_cell(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    def load(method: str) -> Any:
        raise ImportError(f"no module named {method}")

    ended = run_benchmark(replace(make_options({"a": fakes.Inverter()}), load_method=load))
    assert [result.reason for result in ended.results] == ["ImportError: no module named a"] * 2


def test_an_account_that_the_schema_refuses_is_a_failed_cell(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    class Boaster:
        def edit(self, request: EditRequest) -> EditResult:
            return EditResult(1 - request.scene.images, notes={"score": float("nan")})

    result = run_benchmark(make_options({"a": Boaster()})).results[0]
    assert result.status == "failed"
    assert "notes" in result.traceback


def test_ctrl_c_ends_the_run_with_the_finished_cells_kept(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    def interrupt(request: EditRequest) -> torch.Tensor:
        raise KeyboardInterrupt

    methods = {"good": fakes.Inverter(), "slow": fakes.Faulty(interrupt)}
    options = make_options(methods)
    ended = run_benchmark(options)
    assert (ended.interrupted, ended.exit_status, len(ended.results)) == (True, 130, 1)
    assert len(store.read_run(options.output).missing) == 3
    methods["slow"] = fakes.Inverter()
    assert run_benchmark(options).kept == 1


def test_without_truth_a_method_that_needs_it_is_skipped(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    class Photos(fakes.WallWorld):
        def truth(self, name: str, instruction: str | None, views: int) -> None:
            return None

    methods = {"oracle": fakes.Inverter(), "a": fakes.Inverter()}
    options = make_options(methods, {"oracle": fakes.spec("oracle", needs=("truth",))}, scenes=Photos())
    ended = run_benchmark(options)
    assert [result.status for result in ended.results] == ["skipped", "ok"] * 2
    assert ended.exit_status == 0
    assert ended.results[1].metrics is not None
    assert ended.results[1].metrics.reprojection is None


def test_views_of_the_original_are_held_against_its_geometry(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    world = fakes.WallWorld()
    specs = {"unedited": fakes.spec("unedited", geometry="original")}
    options = make_options({"unedited": fakes.Inverter(), "a": fakes.Inverter()}, specs, scenes=world)
    run_benchmark(replace(options, edits=options.edits[:1]))
    assert world.asked == [None, "Give him a Venetian mask"]


def test_an_edit_of_the_whole_image_has_no_background(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    options = make_options({"a": fakes.Inverter()}, edits=(find_edit("turn-it-to-a-van-gogh-painting"),))
    metrics = run_benchmark(options).results[0].metrics
    assert metrics is not None
    assert metrics.reprojection is not None
    assert [pair.pixels for pair in metrics.reprojection.pairs] == [28 * 32] * 2
    assert metrics.background is None


def test_random_weights_are_never_scored(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    result = run_benchmark(
        make_options({"a": fakes.Inverter()}, bundle=fakes.fake_bundle(random_weights=True))
    ).results[0]
    assert (result.status, result.metrics) == ("ok", None)
    assert result.provenance.bundle.random_weights


def test_seeds_are_cells_of_their_own(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    method = fakes.Inverter()
    ended = run_benchmark(make_options({"a": method}, seeds=(0, 5)))
    assert [result.identity.seed for result in ended.results] == [0, 0, 5, 5]
    assert [request.seed for request in method.requests[1:]] == [0, 0, 5, 5]


def test_a_later_run_of_other_methods_adds_to_the_same_folder(
    make_options: MakeOptions, fakes: SimpleNamespace
) -> None:
    run_benchmark(make_options({"a": fakes.Inverter()}))
    options = make_options({"b": fakes.Inverter()})
    run_benchmark(options)
    stored = store.read_run(options.output)
    assert [method.name for method in stored.record.methods] == ["a", "b"]
    assert len(stored.cells) == len(stored.record.cells) == 4


def test_cells_of_another_bundle_are_left_out(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    run_benchmark(make_options({"a": fakes.Inverter()}))
    options = make_options({"b": fakes.Inverter()}, bundle=fakes.fake_bundle(digest="e" * 64))
    run_benchmark(options)
    stored = store.read_run(options.output)
    assert [cell.result.identity.method for cell in stored.cells] == ["b", "b"]
    assert stored.foreign == 2


def test_a_full_disk_is_told_in_one_message(
    make_options: MakeOptions, fakes: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = make_options({"a": fakes.Inverter()})

    def full(handle: int) -> None:
        if list(options.output.glob("cells/**/view_1.png")):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*finished cells are kept"):
        run_benchmark(options)
    monkeypatch.undo()
    assert store.read_run(options.output).cells == ()
    assert run_benchmark(options).exit_status == 0


def test_output_under_a_file_is_told_before_any_work(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    method = fakes.Inverter()
    options = make_options({"a": method})
    options.output.parent.joinpath("file").write_text("")
    with pytest.raises(InputError, match=r"Not a directory|File exists"):
        run_benchmark(replace(options, output=options.output.parent / "file" / "run"))
    assert method.requests == []


def test_the_tables_are_written_beside_the_cells(make_options: MakeOptions, fakes: SimpleNamespace) -> None:
    options = make_options({"a": fakes.Inverter()})
    run_benchmark(options)
    assert {path.name for path in options.output.glob("table.*")} == {"table.csv", "table.md", "table.tex"}


def test_progress_is_told_in_plain_lines(
    make_options: MakeOptions, fakes: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    run_benchmark(make_options({"a": fakes.Inverter()}))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("[1/2] a · face · Give him a Venetian mask: ok in ")
    assert lines[1].startswith("[2/2] a · bear · ")


def test_the_runner_knows_no_method_by_name() -> None:
    text = Path(runner.__file__).read_text()
    assert "i-mix2mix" not in text
    assert "registry" not in text
