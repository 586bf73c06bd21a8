"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from typing import NoReturn, TextIO

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Called with (phase, done, total); a phase ends when another begins or at `close`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._phase = ""
        self._bar: tqdm[NoReturn] | None = None
        self._told = 0.0

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of the phase are done."""
        if self._terminal:
            self._draw(phase, done, total)
        else:
            self._tell(phase, done, total)

    def close(self) -> None:
        """Finish the bar."""
        if self._bar is not None:
            self._bar.close()

    def _draw(self, phase: str, done: int, total: int) -> None:
        bar = self._bar
        if bar is None or phase != self._phase or total != bar.total:
            bar = self._begin(phase, total)
        bar.update(done - bar.n)

    def _begin(self, phase: str, total: int) -> "tqdm[NoReturn]":
        self.close()
        bar: tqdm[NoReturn] = tqdm(desc=phase, total=total, file=self._stream, dynamic_ncols=True)
        self._phase, self._bar = phase, bar
        return bar

    def _tell(self, phase: str, done: int, total: int) -> None:
        now = time.monotonic()
        if phase == self._phase and done < total and now - self._told < SECONDS_BETWEEN_LINES:
            return
        self._phase, self._told = phase, now
        print(f"{phase}: {done} of {total}", file=self._stream, flush=True)
