"""Runs that are timed: which are told apart, and what they tell. (Time is a table here.)"""

import time
from collections.abc import Callable, Sequence

import pytest

from benchmark import speed_clock
from benchmark.results import Memory
from benchmark.speed_clock import Timed

GIB = 2**30


@pytest.fixture
def take(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float]], Callable[[], int]]:
    """Makes work whose runs take so many seconds each; it returns how often it has run."""
    now = 100.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)

    def work_of(seconds: Sequence[float]) -> Callable[[], int]:
        left = list(seconds)

        def work() -> int:
            nonlocal now
            now += left.pop(0)
            return len(seconds) - len(left)

        return work

    return work_of


def test_every_run_is_timed_and_returns_what_the_work_does(take):
    timed = Timed("walk", take([4.0, 1.0, 2.0]), "cpu")
    assert [timed() for _ in range(3)] == [1, 2, 3]
    assert timed.seconds() == [4.0, 1.0, 2.0]


def test_first_runs_are_told_apart(take):
    timed = Timed("walk", take([9.0, 8.0, 1.0, 2.0, 6.0]), "cpu", alone=2)
    for _ in range(5):
        timed()
    result = timed.result()
    assert (result.name, result.first, result.capture) == ("walk", 9.0, None)
    assert (result.seconds.runs, result.seconds.median, result.seconds.range) == (3, 2.0, (1.0, 6.0))


def test_the_last_run_made_alone_is_the_captured_one(take):
    timed = Timed("walk", take([9.0, 2.0, 5.0, 1.0]), "cpu", alone=3, captured=True)
    for _ in range(4):
        timed()
    result = timed.result()
    assert (result.first, result.capture, result.seconds.runs, result.seconds.median) == (9.0, 5.0, 1, 1.0)


def test_an_only_run_is_what_there_is(take):
    timed = Timed("walk", take([7.0]), "cpu")
    timed()
    result = timed.result()
    assert (result.seconds.runs, result.seconds.median, result.first, result.capture) == (1, 7.0, None, None)


def test_memory_is_the_highest_of_the_runs_made_alone(take, monkeypatch):
    peaks = iter([(3, 4), (5, 6)])  # a third reading would fail

    def peak(device: str) -> Memory:
        allocated, reserved = next(peaks)
        return Memory(device_allocated=allocated * GIB, device_reserved=reserved * GIB, process=GIB)

    monkeypatch.setattr(speed_clock, "peak_memory", peak)
    timed = Timed("walk", take([1.0, 1.0, 1.0]), "cpu", alone=2)
    for _ in range(3):
        timed()
    assert timed.result().memory == Memory(device_allocated=5 * GIB, device_reserved=6 * GIB, process=GIB)


def test_on_a_cpu_memory_is_the_process_s(take):
    timed = Timed("walk", take([1.0]), "cpu")
    timed()
    memory = timed.result().memory
    assert memory.device_allocated is memory.device_reserved is None
    assert memory.process is not None
    assert memory.process > 10 * 2**20
