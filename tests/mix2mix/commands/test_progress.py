"""Progress on a terminal and elsewhere."""

from io import StringIO

import pytest

from mix2mix.commands import progress
from mix2mix.commands.progress import Progress


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def lines_of(steps: list[tuple[str, int, int]]) -> list[str]:
    stream = StringIO()
    show = Progress(stream)
    for step in steps:
        show(*step)
    show.close()
    return stream.getvalue().splitlines()


def test_elsewhere_a_phase_tells_its_beginning_and_its_end_in_plain_lines() -> None:
    steps = [("reference", 1, 2), ("reference", 2, 2), *(("distill", done, 100) for done in range(1, 101))]
    expected = ["reference: 1 of 2", "reference: 2 of 2", "distill: 1 of 100", "distill: 100 of 100"]
    assert lines_of(steps) == expected


def test_elsewhere_slow_work_tells_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    assert lines_of([("distill", done, 4) for done in range(1, 5)]) == [f"distill: {done} of 4" for done in range(1, 5)]


def test_on_a_terminal_each_phase_has_a_bar() -> None:
    stream = Terminal()
    show = Progress(stream)
    show("reference", 2, 2)
    show("distill", 3, 10)
    show.close()
    reference, distill, rest = (text.split("\r")[-1] for text in stream.getvalue().split("\n"))
    assert reference.startswith("reference: 100%")
    assert "2/2" in reference
    assert distill.startswith("distill:  30%")
    assert "3/10" in distill
    assert rest == ""
