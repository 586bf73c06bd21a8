"""The queue: every task is begun in its order as soon as a worker is free, and given again when it comes back."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from benchmark.crew import CrewOfOne, work_through


class Scripted:
    """A crew of some workers whose tasks end as the script says: which of those in hand, and whether it is done."""

    def __init__(self, workers: int, script: Iterable[tuple[str, bool]]) -> None:
        self.workers = workers
        self.script = iter(script)
        self.in_hand: list[str] = []
        self.begun: list[str] = []

    @property
    def free(self) -> bool:
        return len(self.in_hand) < self.workers

    def begin(self, task: Any) -> None:
        self.in_hand.append(task)
        self.begun.append(task)

    def collect(self, listener: Any) -> tuple[Any, Any]:
        task, done = next(self.script)
        self.in_hand.remove(task)
        return task, f"report of {task}" if done else None


def ends(crew: Any, tasks: Iterable[Any]) -> list[Any]:
    return list(work_through(tasks, crew, listener=SimpleNamespace()))


def test_reports_come_as_tasks_end_and_tasks_begin_in_their_order() -> None:
    crew = Scripted(2, [("b", True), ("a", True), ("c", True)])
    assert ends(crew, ["a", "b", "c"]) == [("b", "report of b"), ("a", "report of a"), ("c", "report of c")]
    assert crew.begun == ["a", "b", "c"]


def test_a_task_that_comes_back_is_the_next_to_begin() -> None:
    crew = Scripted(1, [("a", False), ("a", True), ("b", True)])
    assert [task for task, _ in ends(crew, ["a", "b"])] == ["a", "b"]
    assert crew.begun == ["a", "a", "b"]


def test_the_next_task_begins_only_when_the_last_report_was_taken() -> None:
    crew = Scripted(1, [("a", True), ("b", True)])
    reports = work_through(["a", "b"], crew, listener=SimpleNamespace())
    assert next(reports) == ("a", "report of a")
    assert crew.begun == ["a"]


def test_the_crew_of_one_tells_of_its_cell_by_name() -> None:
    told: list[Any] = []
    listener = SimpleNamespace(begin=told.append, step=lambda *step: told.append(step))

    class Bench:
        def run(self, task: Any, progress: Any) -> str:
            progress("fit", 1, 2)
            return "report"

    task = SimpleNamespace(cell=SimpleNamespace(name="the cell"))
    crew = CrewOfOne(Bench())  # type: ignore[arg-type]
    assert crew.free
    crew.begin(task)  # type: ignore[arg-type]
    assert not crew.free
    assert crew.collect(listener) == (task, "report")
    assert told == ["the cell", ("the cell", "fit", 1, 2)]
