"""Progress: how long it took, how long it will take, and when a line is told."""

from io import StringIO

import pytest

from benchmark.progress import RunProgress, duration, time_left
from benchmark.results import CellResult


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (37.2, "37 s"),
        (59.7, "1 min 00 s"),
        (125.0, "2 min 05 s"),
        (3599.8, "1 h 00 min"),
        (4320.0, "1 h 12 min"),
    ],
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_time_left_follows_what_each_method_took() -> None:
    assert time_left({"slow": 2, "fast": 3}, {"slow": [90.0, 110.0], "fast": [1.0]}) == "about 3 min 23 s left"


def test_a_method_that_has_not_run_yet_makes_it_a_lower_bound() -> None:
    assert time_left({"slow": 2, "new": 1}, {"slow": [100.0]}) == "at least 3 min 20 s left"
    assert time_left({"new": 1}, {}) == "time left not known yet"


def test_several_workers_share_the_time_left() -> None:
    assert time_left({"slow": 4}, {"slow": [100.0]}, workers=2) == "about 3 min 20 s left"


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def as_method(example: CellResult, method: str) -> CellResult:
    return example.model_copy(update={"identity": example.identity.model_copy(update={"method": method})})


def test_plain_lines_tell_each_cell_and_the_time_left(example: CellResult) -> None:
    stream, clock = StringIO(), Clock()
    progress = RunProgress(["a", "a", "b"], stream, clock)
    progress.begin("first")
    clock.now = 20.0
    progress.end("first", as_method(example, "a"), kept=False)
    progress.end("second", as_method(example, "a"), kept=True)
    failed = as_method(example, "b").model_copy(update={"status": "failed", "reason": "it fell", "timing": None})
    progress.end("third", failed, kept=False)
    assert stream.getvalue().splitlines() == [
        "[1/3] first: ok in 12 s; at least 20 s left",
        "[2/3] second: kept, 12 s then; time left not known yet",
        "[3/3] third: FAILED (it fell); none left",
    ]


def test_a_long_cell_tells_where_it_is_every_half_minute() -> None:
    stream, clock = StringIO(), Clock()
    progress = RunProgress(["a"], stream, clock)
    progress.begin("first")
    for clock.now in (1.0, 29.0, 31.0, 32.0, 62.0):
        progress.step("first", "fit", int(clock.now), 100)
    assert stream.getvalue().splitlines() == [
        "        first: fit 31/100, 31 s so far",
        "        first: fit 62/100, 1 min 02 s so far",
    ]


def test_a_terminal_shows_a_bar(example: CellResult) -> None:
    stream = Terminal()
    progress = RunProgress(["a", "a"], stream, Clock())
    progress.begin("first")
    progress.step("first", "fit", 3, 10)
    progress.end("first", as_method(example, "a"), kept=False)
    progress.close()
    assert "1/2 cells" in stream.getvalue()
    assert "fit 3/10" in stream.getvalue()
    assert "[1/2] first: ok in 12 s" in stream.getvalue()


def test_cells_side_by_side_tell_as_many_lines_as_one(example: CellResult) -> None:
    stream, clock = StringIO(), Clock()
    progress = RunProgress(["a", "a", "a"], stream, clock, workers=2)
    progress.begin("first")
    clock.now = 10.0
    progress.begin("second")
    for clock.now in range(11, 91):
        for name in ("first", "second"):
            progress.step(name, "fit", clock.now, 100)
    progress.end("second", as_method(example, "a"), kept=False)
    assert stream.getvalue().splitlines() == [
        "        first: fit 60/100, 1 min 00 s so far",
        "        second: fit 70/100, 1 min 00 s so far",
        "[1/3] second: ok in 12 s; about 1 min 20 s left",
    ]


def test_a_terminal_counts_cells_side_by_side(example: CellResult) -> None:
    stream = Terminal()
    progress = RunProgress(["a", "a"], stream, Clock(), workers=2)
    progress.begin("first")
    progress.begin("second")
    progress.step("first", "fit", 3, 10)
    progress.step("second", "edit", 1, 1)
    progress.note("a word")
    progress.close()
    assert "2 in hand" in stream.getvalue()
    assert "fit 3/10, edit 1/1, time left not known yet" in stream.getvalue()
    assert "a word" in stream.getvalue()
