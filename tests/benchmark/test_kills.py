"""kill -9 at random moments of a run: the resumed run ends as an unbroken one does, byte for byte but for times.

``MIX2MIX_KILLS=50 python -m pytest tests/benchmark/test_kills.py`` kills so many.
"""

import csv
import json
import multiprocessing
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.options import RunOptions
from benchmark.runner import run_benchmark
from benchmark.store import read_run

KILLS = int(os.environ.get("MIX2MIX_KILLS", "6"))

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed by signals")


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Processes that come up with torch imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmark.runner", "stub_world"])
    return context


@pytest.fixture
def options(make_options: Callable[..., RunOptions], fakes: SimpleNamespace) -> RunOptions:
    """Twelve cells of a stub that takes no time, so that many moments are moments of writing."""
    changes = {"load_bundle": fakes.load_fake_bundle, "load_method": fakes.load_calm, "seeds": (0, 1, 2)}
    return make_options({"grainy": None, "t2vz": None}, **changes)


def lasting(folder: Path) -> dict[str, object]:
    """Every file but for times: what was measured, when, in which process, and with how much memory."""
    return {
        path.relative_to(folder).as_posix(): _without_times(path) for path in folder.rglob("*") if not path.is_dir()
    }


def _without_times(path: Path) -> object:
    if path.name == "result.json":
        document = json.loads(path.read_bytes())
        changing = {"sha256", "timing", "memory", "notes"}
        origin = {name: value for name, value in document.pop("provenance").items() if name != "created"}
        del origin["hardware"]["threads"]  # workers on one machine share its threads
        return origin | {name: value for name, value in document.items() if name not in changing}
    if path.name == "run.json":
        document = json.loads(path.read_bytes())
        del document["sha256"], document["provenance"]["created"]
        return document
    if path.name == "table.csv":
        return [row[:-1] for row in csv.reader(StringIO(path.read_text()))]
    return path.name if path.name.startswith("table.") else path.read_bytes()


def kill_after(seconds: float, options: RunOptions, forks: ForkServerContext) -> bool:
    """Whether a run was still going after these seconds, and so was killed."""
    process = forks.Process(target=run_benchmark, args=(options,))
    process.start()
    process.join(seconds)
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


def whole_run(options: RunOptions, forks: ForkServerContext, tmp_path: Path) -> tuple[dict[str, object], float]:
    """What an unbroken run leaves, and the seconds it takes once torch is imported."""
    for name in ("first", "second"):
        start = time.monotonic()
        assert not kill_after(600, replace(options, output=tmp_path / name / "run"), forks)
    return lasting(tmp_path / "second" / "run"), time.monotonic() - start


def cells_of(options: RunOptions) -> int:
    """How many cells a killed run left, all of them whole."""
    if not (options.output / "run.json").exists():
        return 0
    run = read_run(options.output)
    assert (run.broken, len(run.cells) + len(run.missing)) == ((), 12)
    return len(run.cells)


def test_a_run_that_was_killed_ends_as_if_nothing_had_happened(
    options: RunOptions, forks: ForkServerContext, tmp_path: Path
) -> None:
    expected, took = whole_run(options, forks, tmp_path)
    moments, left = random.Random(0), Counter[int]()
    while left.total() < KILLS:
        broken = replace(options, output=tmp_path / "killed" / "run")
        if kill_after(moments.uniform(0, took), broken, forks):
            left[cells_of(broken)] += 1
            assert run_benchmark(broken).exit_status == 0
            assert lasting(broken.output) == expected
        shutil.rmtree(broken.output, ignore_errors=True)
    print("cells that killed runs left:", dict(sorted(left.items())))


def test_so_does_one_that_is_to_replace_another(options: RunOptions, forks: ForkServerContext, tmp_path: Path) -> None:
    expected, took = whole_run(options, forks, tmp_path)
    moments = random.Random(1)
    for _ in range(KILLS):
        later = replace(options, output=tmp_path / "killed" / "run")
        run_benchmark(replace(later, budget=replace(later.budget, settings={"steps": 8})))
        kill_after(moments.uniform(0, took), later, forks)
        assert run_benchmark(later).exit_status == 0
        assert lasting(later.output) == expected
        shutil.rmtree(later.output)


def test_so_does_one_with_two_workers(options: RunOptions, forks: ForkServerContext, tmp_path: Path) -> None:
    expected, _ = whole_run(options, forks, tmp_path)
    for _ in range((KILLS + 9) // 10):
        broken = replace(options, output=tmp_path / "killed" / "run")
        process = forks.Process(target=run_benchmark, args=(broken, ("cpu", "cpu")))
        process.start()
        while not list(broken.output.glob("cells/*/*/*/seed-*")) and process.is_alive():
            time.sleep(0.01)
        process.kill()
        process.join()
        assert run_benchmark(broken).exit_status == 0
        assert lasting(broken.output) == expected
        shutil.rmtree(broken.output)
