"""A run in which nothing is left to do is known by its files alone, and whatever is amiss leaves it to the runner."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from baselines.registry import load_method, parse_variant
from benchmark import resume, store
from benchmark.budgets import SMOKE
from benchmark.catalogue import find_edit
from benchmark.options import RunOptions, bundle_facts
from benchmark.resume import finished_run
from benchmark.runner import run_benchmark
from mix2mix.commands.scenes import MiniatureWorld


@pytest.fixture
def options(make_options: Callable[..., RunOptions], fakes: SimpleNamespace) -> RunOptions:
    """What a finished run was asked to do."""
    asked = make_options({"a": fakes.Inverter()})
    run_benchmark(asked)
    return asked


def test_a_finished_run_is_known_as_the_runner_would_know_it(options: RunOptions) -> None:
    (options.output / "table.csv").unlink()
    told = finished_run(options)
    assert told == run_benchmark(options)
    assert told is not None
    assert told.kept == 2


def test_what_a_killed_run_left_half_done_is_cleared_away(options: RunOptions) -> None:
    remains = options.output / "cells/a/face/give-him-a-venetian-mask/.seed-0.old"
    remains.mkdir()
    assert finished_run(options) is not None
    assert not remains.exists()


def test_part_of_a_finished_run_is_finished_too(options: RunOptions) -> None:
    before = (options.output / "run.json").read_bytes()
    told = finished_run(replace(options, edits=options.edits[:1]))
    assert told is not None
    assert told.kept == 1
    assert (options.output / "run.json").read_bytes() == before


def lost_cell(options: RunOptions) -> RunOptions:
    shutil.rmtree(next(options.output.glob("cells/*/*/*/seed-0")))
    return options


def failed_cell(options: RunOptions) -> RunOptions:
    cell = store.read_run(options.output).cells[0]
    store.replace_result(cell.folder, cell.result.model_copy(update={"status": "failed", "reason": "because"}))
    return options


def changed_view(options: RunOptions) -> RunOptions:
    next(options.output.glob("cells/**/view_0.png")).write_bytes(b"")
    return options


def lost_original(options: RunOptions) -> RunOptions:
    store.original(options.output, "face", 1).unlink()
    return options


def damaged_original(options: RunOptions) -> RunOptions:
    path = store.original(options.output, "face", 1)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return options


def torn_record(options: RunOptions) -> RunOptions:
    path = options.output / "run.json"
    path.write_bytes(path.read_bytes()[:100])
    return options


def another_seed(options: RunOptions) -> RunOptions:
    return replace(options, seeds=(0, 1))


def other_settings(options: RunOptions) -> RunOptions:
    return replace(options, budget=replace(options.budget, settings={"steps": 8}))


def more_views(options: RunOptions) -> RunOptions:
    return replace(options, budget=replace(options.budget, views=3))


def other_weights(options: RunOptions) -> RunOptions:
    return replace(options, bundle=SimpleNamespace(**vars(options.bundle) | {"digest": "e" * 64}))  # type: ignore[arg-type]


def scenes_that_disagree(options: RunOptions) -> RunOptions:
    first = store.read_run(options.output).cells[0]
    identity = first.result.identity.model_copy(update={"scene_digest": "0" * 64, "seed": 1})
    copy = first.result.model_copy(update={"identity": identity, "key": store.key_of(identity)})
    shutil.copytree(first.folder, first.folder.with_name("seed-1"))
    store.replace_result(first.folder.with_name("seed-1"), copy)
    record = store.read_record(options.output)
    more = first.folder.with_name("seed-1").relative_to(options.output).as_posix()
    store.write_record(options.output, record.model_copy(update={"cells": (*record.cells, more)}))
    edits = tuple(edit for edit in options.edits if edit.scene == first.result.identity.scene)
    return replace(options, edits=edits, seeds=(0, 1))


@pytest.mark.parametrize(
    "change",
    [
        lost_cell,
        failed_cell,
        changed_view,
        lost_original,
        damaged_original,
        torn_record,
        another_seed,
        other_settings,
        more_views,
        other_weights,
        scenes_that_disagree,
    ],
)
def test_whatever_is_amiss_is_left_to_the_runner(
    options: RunOptions, change: Callable[[RunOptions], RunOptions]
) -> None:
    assert finished_run(change(options)) is None


@pytest.mark.parametrize("changed", ["torch", "numpy"])
def test_scenes_made_by_another_library_may_differ(
    options: RunOptions, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = resume.version
    monkeypatch.setattr(resume, "version", lambda name: "0.1" if name == changed else now(name))
    assert finished_run(options) is None


def test_scenes_made_on_another_system_may_differ(options: RunOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resume.platform, "platform", lambda: "another")
    assert finished_run(options) is None


def test_the_command_says_without_torch_that_nothing_is_to_do(tmp_path: Path, fakes: SimpleNamespace) -> None:
    facts = bundle_facts("mini")
    bundle = SimpleNamespace(**vars(facts), metric_clip=fakes.ColourClip())
    asked = RunOptions(
        output=tmp_path / "run",
        budget=SMOKE,
        variants=(parse_variant("unedited"),),
        edits=tuple(find_edit(edit) for edit in SMOKE.edits),
        bundle=facts,
        load_bundle=lambda device: bundle,
        scenes=MiniatureWorld(facts.settings.image_size),
        load_method=load_method,
    )
    run_benchmark(asked)
    command = ["benchmark", "run", "--budget", "smoke", "--methods", "unedited", "--output", str(asked.output)]
    script = f"import sys, mix2mix.cli as c; s = c.main({command!r}); print('torch' in sys.modules); sys.exit(s)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, check=True)
    assert "cells: 1, all finished earlier and unchanged: nothing was to do" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"
