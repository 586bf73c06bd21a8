"""Progress of a run with the time left: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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


def time_left(left: Mapping[str, int], seconds: Mapping[str, Sequence[float]], workers: int = 1) -> str:
    """What the cells left by method will take, by what their method took so far; "at least" where one is yet to run."""
    work = sum(
        count * sum(seconds[method]) / len(seconds[method]) for method, count in left.items() if seconds.get(method)
    )
    known = work / workers
    if not any(left.values()):
        return "none left"
    unknown = any(count and not seconds.get(method) for method, count in left.items())
    if unknown:
        return f"at least {duration(known)} left" if known else "time left not known yet"
    return f"about {duration(known)} left"


@dataclass
class InHand:
    """A cell that is being worked on: since when, when it was last told of, and how far it is."""

    begun: float
    told: float
    message: str = "begins"


class RunProgress:
    """Told when cells begin, go on and end; as many at once as there are workers."""

    def __init__(
        self,
        methods: Sequence[str],
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        workers: int = 1,
    ) -> None:
        """``methods`` names the method of every cell to come."""
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._workers = workers
        self._total = len(methods)
        self._left = Counter(methods)
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._in_hand: dict[str, InHand] = {}
        self._bar = self._make_bar() if self._stream.isatty() else None

    def begin(self, name: str) -> None:
        """A cell begins."""
        self._in_hand[name] = InHand(begun=self._clock(), told=self._clock())
        self._draw()

    def step(self, name: str, phase: str, done: int, total: int) -> None:
        """A cell's method tells how far it is."""
        cell, now = self._in_hand[name], self._clock()
        cell.message = f"{phase} {done}/{total}"
        self._draw()
        if self._bar is None and now - cell.told >= SECONDS_BETWEEN_LINES * len(self._in_hand):
            cell.told = now
            self._line(f"        {name}: {cell.message}, {duration(now - cell.begun)} so far")

    def end(self, name: str, result: CellResult, kept: bool) -> None:
        """A cell ended, or was kept as an earlier run had finished it."""
        method, cell = result.identity.method, self._in_hand.pop(name, None)
        if result.timing is not None:
            self._seconds[method].append(self._clock() - cell.begun if cell else result.timing.seconds)
        self._left[method] -= 1
        done = self._total - self._left.total()
        self._line(f"[{done}/{self._total}] {name}: {_ending(result, kept)}; {self._time_left()}")
        if self._bar is not None:
            self._bar.update()
            self._draw()

    def note(self, text: str) -> None:
        """Tell something of the run itself."""
        self._line(f"        {text}")

    def close(self) -> None:
        """Finish the bar."""
        if self._bar is not None:
            self._bar.close()

    def _time_left(self) -> str:
        return time_left(self._left, self._seconds, self._workers)

    def _draw(self) -> None:
        """One cell in hand is named on the bar, several are counted, and all tell how far they are."""
        if self._bar is None:
            return
        names = list(self._in_hand)
        self._bar.set_description_str(names[0] if len(names) == 1 else f"{len(names)} in hand", refresh=False)
        messages = [cell.message for cell in self._in_hand.values()]
        self._bar.set_postfix_str(", ".join((*messages, self._time_left())))

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
    if result.timing is None:
        return "kept" if kept else "ok"
    took = duration(result.timing.seconds)
    return f"kept, {took} then" if kept else f"ok in {took}"
