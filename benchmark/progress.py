"""Progress of a run with the time left: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn, TextIO

from tqdm import tqdm

from benchmark.results import CellResult

SECONDS_BETWEEN_LINES = 30.0


def duration(seconds: float) -> str:
    """Seconds for people: ``0.4 s``, ``37 s``, ``2 min 05 s``, ``1 h 12 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def time_left(left: Mapping[str, int], seconds: Mapping[str, Sequence[float]]) -> str:
    """What the cells left by method will take, by what their method took so far; "at least" where one is yet to run."""
    known = sum(
        count * sum(seconds[method]) / len(seconds[method]) for method, count in left.items() if seconds.get(method)
    )
    if not any(left.values()):
        return "none left"
    unknown = any(count and not seconds.get(method) for method, count in left.items())
    if unknown:
        return f"at least {duration(known)} left" if known else "time left not known yet"
    return f"about {duration(known)} left"


class RunProgress:
    """Told when a cell begins, goes on and ends."""

    def __init__(
        self, methods: Sequence[str], stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``methods`` names the method of every cell to come."""
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._total = len(methods)
        self._left = Counter(methods)
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._name = ""
        self._begun = self._told = clock()
        self._bar = self._make_bar() if self._stream.isatty() else None

    def begin(self, name: str) -> None:
        """A cell begins."""
        self._name = name
        self._begun = self._told = self._clock()
        if self._bar is not None:
            self._bar.set_description_str(name)

    def step(self, phase: str, done: int, total: int) -> None:
        """The cell's method tells how far it is."""
        message = f"{phase} {done}/{total}"
        if self._bar is not None:
            self._bar.set_postfix_str(f"{message}, {time_left(self._left, self._seconds)}")
        elif self._clock() - self._told >= SECONDS_BETWEEN_LINES:
            self._told = self._clock()
            self._line(f"        {self._name}: {message}, {duration(self._told - self._begun)} so far")

    def end(self, name: str, result: CellResult, kept: bool) -> None:
        """A cell ended, or was kept as an earlier run had finished it."""
        method = result.identity.method
        if result.timing is not None:
            self._seconds[method].append(sum(result.timing.edit) if kept else self._clock() - self._begun)
        self._left[method] -= 1
        done = self._total - self._left.total()
        self._line(f"[{done}/{self._total}] {name}: {_ending(result, kept)}; {time_left(self._left, self._seconds)}")
        if self._bar is not None:
            self._bar.update()

    def close(self) -> None:
        """Finish the bar."""
        if self._bar is not None:
            self._bar.close()

    def _make_bar(self) -> "tqdm[NoReturn]":
        layout = "{desc} |{bar}| {n_fmt}/{total_fmt} cells, {elapsed}{postfix}"
        return tqdm(total=self._total, file=self._stream, dynamic_ncols=True, bar_format=layout)

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)


def _ending(result: CellResult, kept: bool) -> str:
    if result.status != "ok":
        return f"{result.status.upper()} ({result.reason})"
    took = duration(sum(result.timing.edit)) if result.timing else "?"
    return f"kept, {took} then" if kept else f"ok in {took}"
