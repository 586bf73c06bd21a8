"""Who runs the cells: a crew takes tasks as long as a worker of it is free, and hands in their reports one by one.

The crew of one works in this process; `benchmark.workers` has a crew of processes, one a device.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from benchmark.cells import Task
from benchmark.workbench import Report, Workbench


class Listener(Protocol):
    """Told how the cells in hand come along."""

    def begin(self, name: str) -> None:
        """The cell of that name begins."""

    def step(self, name: str, phase: str, done: int, total: int) -> None:
        """Its method tells how far it is."""

    def note(self, text: str) -> None:
        """Something that people should know."""


class Crew(Protocol):
    """Workers, a process each."""

    @property
    def free(self) -> bool:
        """Whether a worker has nothing in hand."""

    def begin(self, task: Task) -> None:
        """Give a free worker a task."""

    def collect(self, listener: Listener) -> tuple[Task, Report | None]:
        """Wait until a task is done; a report of None means that it was never begun and is to be given again."""

    def close(self) -> None:
        """End the workers; what they have in hand is lost."""


def work_through(tasks: Iterable[Task], crew: Crew, listener: Listener) -> Iterator[tuple[Task, Report]]:
    """Have all tasks done, begun in their order, and yield each with its report as soon as it is there."""
    waiting, in_hand = deque(tasks), 0
    while waiting or in_hand:
        while waiting and crew.free:
            crew.begin(waiting.popleft())
            in_hand += 1
        task, report = crew.collect(listener)
        in_hand -= 1
        if report is None:
            waiting.appendleft(task)
        else:
            yield task, report


class CrewOfOne:
    """One worker, in this process."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench
        self._tasks: list[Task] = []

    @property
    def free(self) -> bool:
        """Whether it has nothing in hand."""
        return not self._tasks

    def begin(self, task: Task) -> None:
        """Take a task in hand."""
        self._tasks.append(task)

    def collect(self, listener: Listener) -> tuple[Task, Report | None]:
        """Do it."""
        task = self._tasks.pop()
        name = task.cell.name
        listener.begin(name)
        return task, self._bench.run(task, lambda phase, done, total: listener.step(name, phase, done, total))

    def close(self) -> None:
        """Nothing to end."""
