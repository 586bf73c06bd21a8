"""A crew of processes, one a device: each loads the bundle once and runs cells one after another.

Workers only compute: the parent alone reads and writes the run's folder, so that a worker may be ended at any moment.
One that dies in a cell fails that cell, and its device gets another; one that never comes to its first cell has no
device that works, and its task goes back to the queue.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

import torch
from tqdm import tqdm

from benchmark.cells import Task
from benchmark.crew import Listener
from benchmark.execution import Outcome, failure
from benchmark.workbench import Report, SceneShelf, Tools, Workbench, failed

SECONDS_BETWEEN_STEPS = 0.2
"""A worker tells its progress no oftener: the edit is being timed."""

SECONDS_TO_END = 5.0
"""Workers that are told to end have so long to end what they started themselves, such as another program."""

SPAWN = multiprocessing.get_context("spawn")
"""A fork would inherit CUDA's state, which does not work."""


@dataclass(frozen=True)
class Begun:
    """The worker is ready and took the task in hand."""


@dataclass(frozen=True)
class Step:
    """How far the task in hand is."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class Unable:
    """The worker could not make itself ready."""

    reason: str


class ProcessCrew:
    """One process a device, each started when there is a task for it."""

    def __init__(self, tools: Sequence[Tools]) -> None:
        self._seats = [Seat(each, len(tools)) for each in tools]

    @property
    def free(self) -> bool:
        """Whether a worker has nothing in hand."""
        return any(seat.free for seat in self._seats)

    def begin(self, task: Task) -> None:
        """Give a free worker a task."""
        next(seat for seat in self._seats if seat.free).give(task)

    def collect(self, listener: Listener) -> tuple[Task, Report | None]:
        """Wait until a task is done or comes back; RuntimeError if no worker is left to take it up again."""
        while True:
            told = wait([seat.connection for seat in self._seats if seat.task is not None])
            seat = next(seat for seat in self._seats if seat.task is not None and seat.connection in told)
            done = seat.listen(listener)
            if all(seat.unfit for seat in self._seats):
                raise RuntimeError(f"no worker could start: {'; '.join(seat.unfit for seat in self._seats)}")
            if done is not None:
                return done

    def close(self) -> None:
        """End the workers."""
        for seat in self._seats:
            seat.dismiss()
        deadline = time.monotonic() + SECONDS_TO_END
        for seat in self._seats:
            seat.close(max(0.0, deadline - time.monotonic()))


class Seat:
    """A device, the process that works on it and the task that it has in hand."""

    def __init__(self, tools: Tools, workers: int) -> None:
        self._tools = tools
        self._workers = workers
        self._process: multiprocessing.process.BaseProcess | None = None
        self._proven = self._begun = False
        self.connection: Connection
        self.task: Task | None = None
        self.unfit = ""

    @property
    def free(self) -> bool:
        """Whether a task can be given here."""
        return self.task is None and not self.unfit

    def give(self, task: Task) -> None:
        """Have a task done by the process, or by a new one if that has died."""
        if self._process is None or not self._process.is_alive():
            self._start()
        self.task, self._begun = task, False
        with suppress(OSError):  # it died this moment: `listen` will find out
            self.connection.send(task)

    def listen(self, listener: Listener) -> tuple[Task, Report | None] | None:
        """Take one message; the task with its report when it is done, or without when it must be given again."""
        if self.task is None:
            raise ValueError("nothing is in hand here")
        task, report, name = self.task, None, self.task.cell.name
        match self._receive():
            case Begun():
                self._proven = self._begun = True
                listener.begin(name)
                return None
            case Step(phase, done, total):
                listener.step(name, phase, done, total)
                return None
            case Report() as told:
                report = told
            case Unable(reason):
                self._give_up(reason, listener)
            case None:
                report = self._died(task, listener)
        self.task = None
        return task, report

    def dismiss(self) -> None:
        """Ask the process to end at once."""
        if self._process is not None:
            self._process.terminate()

    def close(self, patience: float = 0.0) -> None:
        """Wait some seconds for the process to end, and see to it that it does."""
        if self._process is None:
            return
        self._process.join(patience)
        self._process.kill()
        self._process.join()
        self._process.close()
        self.connection.close()
        self._process = None

    def _start(self) -> None:
        self.close()  # what is left of one that died
        self.connection, theirs = SPAWN.Pipe()
        arguments = (self._tools, self._workers, theirs)
        self._process = SPAWN.Process(target=work, args=arguments, name=f"worker on {self._tools.device}")
        with _deaf_to_ctrl_c():
            self._process.start()
        theirs.close()
        self._proven = False

    def _receive(self) -> object:
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            return None

    def _give_up(self, reason: str, listener: Listener) -> None:
        self.unfit = f"{self._tools.device}: {reason}"
        listener.note(f"the worker on {self._tools.device} could not start, and the run goes on without it: {reason}")

    def _died(self, task: Task, listener: Listener) -> Report | None:
        ending = self._ending()
        if self._begun:
            reason = f"the worker on {self._tools.device} {ending} in the midst of this cell"
            return failed(task, Outcome("failed", reason), self._tools.origin)
        if not self._proven:
            self._give_up(f"it {ending}", listener)
        return None

    def _ending(self) -> str:
        code = 0
        if self._process is not None:
            self._process.join()
            code = self._process.exitcode or 0
        return f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with status {code}"


def work(tools: Tools, workers: int, connection: Connection) -> None:
    """Be one of several workers: load the bundle, then run what comes until the parent says to end or is no more."""
    _settle_in(workers)
    with suppress(EOFError, OSError):
        try:
            bench = Workbench(tools, SceneShelf(tools.scenes, tools.views))
        except Exception as error:
            connection.send(Unable(failure(error).reason))
            return
        while True:
            task = connection.recv()
            connection.send(Begun())
            connection.send(bench.run(task, Steps(connection)))


class Steps:
    """Sends a task's progress to the parent, now and then."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._told = time.monotonic()

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Tell that `done` of `total` steps of the phase are done."""
        now = time.monotonic()
        if now - self._told >= SECONDS_BETWEEN_STEPS:
            self._told = now
            self._connection.send(Step(phase, done, total))


def _settle_in(workers: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what is begun is tidied up
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(max(1, torch.get_num_threads() // workers))
    tqdm.set_lock(threading.RLock())  # its own is a semaphore, which a killed worker would leave behind


def _end_with_parent() -> None:
    """A worker whose parent was killed would hold its device while the resumed run wants it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SECONDS_TO_END)
        os._exit(1)


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A process started in this block does not hear the terminal's Ctrl-C, not even while its Python comes up."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
