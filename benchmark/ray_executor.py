"""A crew on a Ray cluster: every cell is a Ray task, and a node that dies gives its cells back to the others.

The process that began the run alone reads and writes its folder, so that a cell which was run twice, as its node died,
is filed once. Nodes need mix2mix with the same sources, and the bundle's weights where they look for them.
"""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from benchmark.cells import Task, source_digests
from benchmark.crew import Listener
from benchmark.environment import hardware, packages
from benchmark.execution import Outcome, failure
from benchmark.results import Status
from benchmark.workbench import Report, SceneShelf, Tools, Workbench, failed
from mix2mix.errors import InputError

if TYPE_CHECKING:
    from mix2mix.bundles import BundleSettings

GIB = 2**30
RETRIES = 3
"""Times that a cell is begun again after its node, or its process, has died."""

SECONDS_TO_ANSWER = 10.0
"""A cluster that is there answers sooner."""

_benches: dict[str, Workbench] = {}
"""Of this process on a node, by run: a bundle is loaded once, as Ray gives a process one task after another."""


@dataclass(frozen=True)
class Needs:
    """What a cell takes of a node: whole GPUs, as it is timed; one core on a node without; bytes of main memory."""

    gpus: int
    memory: int

    def __str__(self) -> str:
        return f"{self.gpus} GPU and {self.memory / GIB:.1f} GiB" if self.gpus else f"{self.memory / GIB:.1f} GiB"

    def fit(self, resources: "dict[str, float]") -> bool:
        """Whether a node with these resources could ever run a cell."""
        enough_memory = resources.get("memory", 0) >= self.memory
        return enough_memory and resources.get("GPU", 0) >= self.gpus and resources.get("CPU", 0) >= 1


def needs_of(settings: "BundleSettings", device: str) -> Needs:
    """2 GiB for the libraries, and 64 KiB a pixel of a view: the networks that make it grow about as it does."""
    return Needs(int(device.startswith("cuda")), 2 * GIB + 65536 * settings.image_size**2)


def connect(address: str | None) -> None:
    """Join the cluster at that address, or begin one on this machine; an `InputError` without Ray or a cluster."""
    ray = _ray()
    if ray.is_initialized():
        return
    try:
        _knock(address)
        ray.init(address=address, log_to_driver=False)
    except (OSError, ValueError, RuntimeError) as error:
        fix = "Start one with `ray start --head`, or leave --address out to use this machine alone."
        raise InputError("--address", got=f"'{address}': {error}", expected="a Ray cluster", fix=fix) from error


def _knock(address: str | None) -> None:
    """Raise OSError where nobody listens at HOST:PORT, for which Ray itself would wait for many minutes."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if port.isdecimal():
        socket.create_connection((host, int(port)), SECONDS_TO_ANSWER).close()


def cluster_device(wanted: str) -> str:
    """``cpu`` or ``cuda``, as asked for; ``auto`` is ``cuda`` where a node of the cluster that was joined has GPUs."""
    if wanted not in ("auto", "cpu", "cuda"):
        fix = "Ray chooses which GPU of which node a cell gets."
        raise InputError("--device", got=f"'{wanted}'", expected="auto, cpu or cuda with --executor ray", fix=fix)
    if wanted != "auto":
        return wanted
    return "cuda" if _ray().cluster_resources().get("GPU", 0) >= 1 else "cpu"


def ray_crew(needs: Needs) -> "Callable[[Sequence[Tools]], RayCrew]":
    """Makes the crew, once its tools are known, of the cluster that was joined."""
    return lambda tools: RayCrew(tools[0], needs)


class RayCrew:
    """All nodes of a cluster; Ray keeps the queue, and lets no two cells have one GPU."""

    def __init__(self, tools: Tools, needs: Needs) -> None:
        """Raise an `InputError` where no node could ever run a cell."""
        ray = _ray()
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if not any(needs.fit(node) for node in nodes):
            got = f"{len(nodes)} of which none has"
            raise InputError("nodes of the Ray cluster", got=got, expected=str(needs), fix="Add a node that has.")
        cores = {} if needs.gpus else {"num_cpus": 1}
        self._origin = tools.origin
        self._tools = ray.put(tools)
        self._run = f"run-{uuid4().hex}"
        self._remote = ray.remote(num_gpus=needs.gpus, memory=needs.memory, max_retries=RETRIES, **cores)(run_cell)
        self._tasks: dict[Any, Task] = {}

    @property
    def free(self) -> bool:
        """Always: the queue is Ray's."""
        return True

    def begin(self, task: Task) -> None:
        """Put a task into the queue."""
        self._tasks[self._remote.remote(self._run, self._tools, task)] = task

    def collect(self, listener: Listener) -> tuple[Task, Report | None]:
        """Wait until a task is done. How far those in hand are is not told."""
        ray = _ray()
        (done,), _ = ray.wait(list(self._tasks), num_returns=1)
        task = self._tasks.pop(done)
        try:
            report: Report = ray.get(done)
        except ray.exceptions.RayError as error:
            report = failed(task, _lost(error), self._origin)
        return task, report

    def close(self) -> None:
        """Take back what is in the queue or in hand."""
        for reference in self._tasks:
            _ray().cancel(reference, force=True)


def run_cell(run: str, tools: Tools, task: Task) -> Report:
    """On a node: load the bundle if this process has not, and run a cell; whatever fails is in the report."""
    here = tools.origin.model_copy(update={"hardware": hardware(tools.device), "packages": packages()})
    try:
        _check_sources(task)
        if run not in _benches:
            _benches.clear()
            _benches[run] = Workbench(replace(tools, origin=here), SceneShelf(tools.scenes, tools.views))
        bench = _benches[run]
    except Exception as error:
        return failed(task, failure(error), here)
    return bench.run(task, lambda *_: None)


def _check_sources(task: Task) -> None:
    if source_digests() != task.identity.sources:
        expected = "those of the machine that began the run"
        fix = "Install the same version of mix2mix on every node."
        raise InputError("sources of mix2mix on this node", got="others", expected=expected, fix=fix)


def _lost(error: Exception) -> Outcome:
    """Of a task that Ray gave up: its processes or nodes died every time, or memory ran out."""
    first_line = next(iter(str(error).splitlines()), "")
    status: Status = "out-of-memory" if type(error).__name__ == "OutOfMemoryError" else "failed"
    return Outcome(status, f"begun {RETRIES + 1} times in vain: {type(error).__name__}: {first_line}")


@cache
def _ray() -> Any:
    try:
        return import_module("ray")
    except ImportError:
        fix = "Install it: pip install 'mix2mix[cluster]'."
        raise InputError("--executor ray", got="no Ray here", expected="the package ray", fix=fix) from None
