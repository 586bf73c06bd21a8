"""Cells on a real Ray cluster of two nodes on this machine, one of which is killed midway."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import stub_cluster

from benchmark import store
from benchmark.options import RunOptions
from benchmark.ray_executor import GIB, Needs, cluster_device, connect, needs_of, ray_crew
from benchmark.results import CellResult
from benchmark.runner import run_benchmark
from mix2mix.errors import InputError

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'mix2mix[cluster]'")

pytestmark = pytest.mark.filterwarnings("ignore:::ray")  # and whatever else its own code warns of

CELL = Needs(gpus=0, memory=GIB // 4)


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the slow stub tells which node it is on."""
    return tmp_path_factory.mktemp("marks")


@pytest.fixture(scope="module")
def cluster(marks: Path) -> Iterator[Any]:
    """A head without room for cells."""
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 100_000_000})
    sources = [Path(store.__file__).parents[1], Path(__file__).parent / "stubs", Path(ray.__file__).parents[1]]
    environment = {"PYTHONPATH": os.pathsep.join(map(str, sources)), "OMP_NUM_THREADS": "1", "MARKS": str(marks)}
    ray.init(address=found.address, runtime_env={"env_vars": environment}, log_to_driver=False)
    yield found
    ray.shutdown()
    found.shutdown()


@pytest.fixture
def nodes(cluster: Any) -> list[Any]:
    """Two nodes with a core each for the cells of a test; one that is still there from the test before serves again."""
    while len(cluster.worker_nodes) < 2:
        cluster.add_node(num_cpus=1, memory=GIB, object_store_memory=100_000_000)
    cluster.wait_for_nodes()
    return list(cluster.worker_nodes)


@pytest.fixture
def make(make_options: Callable[..., RunOptions], fakes: SimpleNamespace) -> Callable[..., RunOptions]:
    """Options for a run of a stub on one edit, with so many seeds."""

    def options(method: str, seeds: int, **changes: Any) -> RunOptions:
        base = {"load_bundle": fakes.load_fake_bundle, "load_method": fakes.load_stub, "seeds": tuple(range(seeds))}
        made = make_options({method: None}, **(base | changes))
        return replace(made, edits=made.edits[:1])

    return options


def begun(marks: Path) -> dict[int, set[str]]:
    """On which nodes the cell of each seed was begun."""
    nodes: dict[int, set[str]] = defaultdict(set)
    for mark in marks.iterdir():
        seed, _, node = mark.name.partition("-")
        nodes[int(seed)].add(node)
    return nodes


def kill_the_first_at_work(cluster: Any, nodes: list[Any], marks: Path) -> Thread:
    """Kills whichever node begins a cell first, in the midst of it."""

    def wait_and_kill() -> None:
        while not (seen := set.union(set(), *begun(marks).values())):
            time.sleep(0.02)
        cluster.remove_node(next(node for node in nodes if node.node_id in seen), allow_graceful=False)

    thread = Thread(target=wait_and_kill, daemon=True)
    thread.start()
    return thread


def test_a_node_that_dies_midway_costs_no_cell_and_none_is_filed_twice(
    make: Callable[..., RunOptions],
    fakes: SimpleNamespace,
    cluster: Any,
    nodes: list[Any],
    marks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = make("grainy", seeds=6, load_method=stub_cluster.load_slow)
    filed: list[int] = []

    def write(run: Path, result: CellResult, files: dict[str, bytes]) -> Path:
        filed.append(result.identity.seed)
        return store.write_cell(run, result, files)

    monkeypatch.setattr("benchmark.runner.write_cell", write)
    killer = kill_the_first_at_work(cluster, nodes, marks)
    ended = run_benchmark(options, make_crew=ray_crew(CELL))
    killer.join()
    again = [seed for seed, where in begun(marks).items() if len(where) == 2]
    assert len(again) == 1  # begun on the node that died, and then on the other
    assert [result.status for result in ended.results] == ["ok"] * 6
    assert sorted(filed) == list(range(6))
    alone = run_benchmark(replace(options, output=tmp_path / "alone", load_method=fakes.load_calm))
    assert [result.views for result in ended.results] == [result.views for result in alone.results]
    assert [result.metrics for result in ended.results] == [result.metrics for result in alone.results]
    assert run_benchmark(options).kept == 6


@pytest.mark.usefixtures("nodes")
def test_a_cell_that_kills_its_process_every_time_fails_alone(make: Callable[..., RunOptions]) -> None:
    ended = run_benchmark(replace(make("doomed", seeds=3), seeds=(1, 2)), make_crew=ray_crew(CELL))
    assert [result.status for result in ended.results] == ["failed", "ok"]
    assert ended.results[0].reason.startswith("begun 4 times in vain: WorkerCrashedError: ")


@pytest.mark.usefixtures("nodes")
def test_a_bundle_that_no_node_can_load_fails_the_cells(
    make: Callable[..., RunOptions], fakes: SimpleNamespace
) -> None:
    ended = run_benchmark(make("grainy", seeds=1, load_bundle=fakes.load_nowhere), make_crew=ray_crew(CELL))
    (result,) = ended.results
    assert (result.status, result.reason) == ("out-of-memory", "MemoryError: the bundle is too big")


@pytest.mark.usefixtures("nodes")
def test_what_no_node_has_is_told_before_any_work(make: Callable[..., RunOptions]) -> None:
    with pytest.raises(InputError, match=r"nodes of the Ray cluster: .* expected 1 GPU and 0\.2 GiB"):
        run_benchmark(make("grainy", seeds=1), make_crew=ray_crew(replace(CELL, gpus=1)))


def test_an_address_where_nobody_listens_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(InputError, match=r"--address: got '127\.0\.0\.1:1': .*refused.*; expected a Ray cluster"):
        connect("127.0.0.1:1")


def test_a_cluster_without_gpus_is_worked_on_its_processors(cluster: Any) -> None:
    connect(cluster.address)
    assert (cluster_device("auto"), cluster_device("cuda")) == ("cpu", "cuda")
    with pytest.raises(InputError, match="expected auto, cpu or cuda"):
        cluster_device("cuda:1")


@pytest.mark.parametrize(("size", "device", "told"), [(128, "cpu", "3.0 GiB"), (576, "cuda", "1 GPU and 22.2 GiB")])
def test_needs_grow_with_the_views(size: int, device: str, told: str) -> None:
    settings: Any = SimpleNamespace(image_size=size)
    assert str(needs_of(settings, device)) == told
