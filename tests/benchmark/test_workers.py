"""Workers in processes of their own: the same results as in one process, and no more lost than the cells in hand."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from baselines.registry import SPECS
from benchmark import store, workers
from benchmark.options import RunOptions
from benchmark.results import CellResult
from benchmark.runner import run_benchmark

TWO = ("cpu", "cpu")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="processes are killed by signals")


@pytest.fixture
def make(make_options: Callable[..., RunOptions], fakes: SimpleNamespace) -> Callable[..., RunOptions]:
    """Options that can be sent to other processes: one stub, one edit, several seeds."""

    def options(method: str, seeds: int = 4, **changes: Any) -> RunOptions:
        base = {"load_bundle": fakes.load_fake_bundle, "load_method": fakes.load_stub, "seeds": tuple(range(seeds))}
        made = make_options({method: None}, **(base | changes))
        return replace(made, edits=made.edits[:1])

    return options


@pytest.fixture(autouse=True)
def nobody_left() -> Iterator[None]:
    """Every test leaves no worker behind."""
    yield
    assert multiprocessing.active_children() == []


@pytest.fixture
def ctrl_c_heard() -> Iterator[None]:
    """A shell lets what it runs in the background ignore Ctrl-C, the tests too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def lasting(result: CellResult) -> CellResult:
    """A result without what differs from run to run: times, memory, process and origin."""
    varying = {"timing": None, "memory": None, "notes": {}, "provenance": None}
    return result.model_copy(update=varying)


def files(options: RunOptions) -> dict[str, bytes]:
    return {path.relative_to(options.output).as_posix(): path.read_bytes() for path in options.output.rglob("*.png")}


def test_two_workers_give_what_one_gives_in_the_same_order(make: Callable[..., RunOptions], tmp_path: Path) -> None:
    options = make("grainy", seeds=6)
    both = run_benchmark(options, TWO)
    alone = replace(options, output=tmp_path / "alone")
    assert [lasting(result) for result in both.results] == [lasting(result) for result in run_benchmark(alone).results]
    assert [result.identity.seed for result in both.results] == [0, 1, 2, 3, 4, 5]
    assert files(options) == files(alone)
    processes = {result.notes["process"] for result in both.results}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert both.results[0].provenance.hardware.device == "cpu"
    assert store.read_record(options.output).provenance.hardware.device == "cpu"
    assert run_benchmark(options, TWO).kept == 6


def test_a_cell_tells_the_threads_of_the_worker_that_made_it(
    make: Callable[..., RunOptions], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # of each worker's process, which shares them with the other
    results = run_benchmark(make("grainy"), TWO).results
    assert {result.provenance.hardware.threads for result in results} == {1}


def test_cells_of_workers_that_share_a_device_are_not_timed(make: Callable[..., RunOptions], tmp_path: Path) -> None:
    options = make("grainy", seeds=1)
    assert [result.timing for result in run_benchmark(options, TWO).results] == [None]
    (alone,) = run_benchmark(replace(options, output=tmp_path / "alone"), ("cpu",)).results
    assert alone.timing is not None


def test_a_killed_worker_fails_its_cell_only_and_is_replaced(make: Callable[..., RunOptions]) -> None:
    options = make("doomed")
    ended = run_benchmark(options, TWO)
    assert [result.status for result in ended.results] == ["failed", "failed", "ok", "ok"]
    assert ended.results[0].reason == "the worker on cpu was ended by signal 9 (Killed) in the midst of this cell"
    assert ended.exit_status == 1
    assert [cell.result.status for cell in store.read_run(options.output).cells] == ["failed", "failed", "ok", "ok"]


@pytest.mark.usefixtures("ctrl_c_heard")
def test_ctrl_c_loses_the_cells_in_hand_only(make: Callable[..., RunOptions], fakes: SimpleNamespace) -> None:
    options = make("interrupter")
    ended = run_benchmark(options, TWO)
    assert (ended.interrupted, ended.exit_status) == (True, 130)
    assert 2 not in {result.identity.seed for result in ended.results}
    assert sorted(path.parent.name for path in options.output.rglob("result.json")) == [
        f"seed-{result.identity.seed}" for result in ended.results
    ]
    again = run_benchmark(replace(options, load_method=fakes.load_calm))
    assert again.kept == len(ended.results)
    assert [result.status for result in again.results] == ["ok"] * 4


def test_a_run_goes_on_without_a_device_on_which_no_worker_starts(
    make: Callable[..., RunOptions],
    fakes: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MARKS", str(tmp_path))
    ended = run_benchmark(make("grainy", load_bundle=fakes.load_for_all_but_the_first), TWO)
    assert [result.status for result in ended.results] == ["ok"] * 4
    assert len({result.notes["process"] for result in ended.results}) == 1
    assert "the run goes on without it: it was ended by signal 9 (Killed)" in capsys.readouterr().err


def test_where_no_worker_starts_the_run_ends_with_the_reason(
    make: Callable[..., RunOptions], fakes: SimpleNamespace
) -> None:
    options = make("grainy", load_bundle=fakes.load_nowhere)
    with pytest.raises(RuntimeError, match=r"no worker could start: cpu: MemoryError: the bundle is too big; cpu: "):
        run_benchmark(options, TWO)
    assert store.read_run(options.output).cells == ()


ORPHANAGE = """
import multiprocessing, os, signal, sys, time
from multiprocessing.connection import Pipe
from benchmark import workers
def child(connection):
    import threading
    threading.Thread(target=workers._end_with_parent, daemon=True).start()
    connection.send(os.getpid())
    time.sleep(600)
if __name__ == "__main__":
    ours, theirs = Pipe()
    multiprocessing.get_context("spawn").Process(target=child, args=(theirs,)).start()
    print(ours.recv(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "orphanage.py"
    script.write_text(ORPHANAGE)
    done = subprocess.run([sys.executable, script], stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    worker = Path("/proc", done.stdout.strip())
    deadline = time.monotonic() + 10
    while worker.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not worker.exists()


def test_every_method_of_the_registry_can_be_sent_to_a_worker() -> None:
    for spec in SPECS.values():
        assert pickle.loads(pickle.dumps(spec)) == spec


def test_progress_is_sent_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[workers.Step] = []
    times = iter([0.0, 0.1, 0.25, 0.3, 0.5])
    monkeypatch.setattr(workers.time, "monotonic", lambda: next(times))
    steps = workers.Steps(SimpleNamespace(send=sent.append))  # type: ignore[arg-type]
    for done in range(1, 5):
        steps("fit", done, 4)
    assert sent == [workers.Step("fit", 2, 4), workers.Step("fit", 4, 4)]
