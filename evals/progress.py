"""Progress on standard error, with an estimate of the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

EVERY_S = 5.0  # between lines where nobody watches; a terminal is refreshed in place


class Progress:
    """Counts finished units (a scenario in a simulator) of ``total``; units found done do not enter the estimate.

    ``beat`` is called with each of them.
    """

    def __init__(self, total: int, out: TextIO | None = None, beat: Callable[[], object] = lambda: None):
        self.total, self.done, self.worked = total, 0, 0
        self.out, self._beat = out or sys.stderr, beat
        self._in_place = self.out.isatty()
        self._started = time.monotonic()
        self._last = self._started

    def advance(self, units: int, label: str, found: bool = False) -> None:
        self._beat()
        self.done += units
        self.worked += 0 if found else units
        now = time.monotonic()
        if self._in_place or now - self._last >= EVERY_S or self.done == self.total:
            self._last = now
            end = "\r" if self._in_place and self.done < self.total else "\n"
            print(f"{self._line(now, label):<78}", end=end, file=self.out, flush=True)

    def _line(self, now: float, label: str) -> str:
        line = f"eval {self.done}/{self.total}  {label}"
        if self.worked and self.done < self.total:
            left_s = (now - self._started) / self.worked * (self.total - self.done)
            line += f"  about {left_s / 60:.0f} min left" if left_s >= 90 else f"  about {left_s:.0f} s left"
        return line
