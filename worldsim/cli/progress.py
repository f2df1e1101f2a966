"""One line of progress on stderr: rewritten in place on a terminal, and otherwise printed every few seconds."""

from __future__ import annotations

import sys
import time

QUIET_SECONDS = 5.0


class Progress:
    """Counts ``total`` units of work and says how long the rest will take."""

    def __init__(self, what: str, total: int):
        self.what, self.total, self.done = what, total, 0
        self._live = sys.stderr.isatty()
        self._begun = time.monotonic()
        self._shown = self._begun if not self._live else 0.0

    def advance(self, by: int = 1, note: str = "") -> None:
        self.show(self.done + by, note)

    def show(self, done: int, note: str = "") -> None:
        """``done`` units are finished; ``note`` says on what the work is."""
        self.done = done
        now = time.monotonic()
        if now - self._shown < (0.1 if self._live else QUIET_SECONDS) and done < self.total:
            return
        self._shown = now
        spent = now - self._begun
        left = f"{duration(spent / done * (self.total - done))} left" if 0 < done < self.total else duration(spent)
        line = f"{self.what}: {done}/{self.total}, {left}" + (f"  {note}" if note else "")
        end = "\n" if not self._live or done >= self.total else ""
        print(("\r\033[K" if self._live else "") + line, end=end, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """``75`` as ``1 min 15 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
