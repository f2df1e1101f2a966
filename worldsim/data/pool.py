"""Processes that play the episodes of a recording, each given the next missing number when it has finished one."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import cast

from worldsim.core.errors import WorldsimError
from worldsim.data.rows import TableInfo
from worldsim.data.worker import worker_main


class Pool:
    """Up to ``count`` processes that leave the episodes ``numbers`` in ``folder``.

    ``finished`` and ``frames`` count what was played.
    """

    def __init__(self, count: int, folder: Path, info: TableInfo, numbers: Sequence[int]):
        self.finished = self.frames = 0
        self._numbers = iter(numbers)
        self._busy: dict[Connection, SpawnProcess] = {}
        self._processes: list[SpawnProcess] = []
        # Spawned, not forked: games and numba keep threads and locks that a fork would copy in any state.
        context = multiprocessing.get_context("spawn")
        for _ in range(min(count, len(numbers))):
            ours, theirs = context.Pipe()
            process = context.Process(target=worker_main, args=(theirs, str(folder), info), daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._busy[ours] = process
            self._give(ours)

    def wait(self, timeout_s: float) -> None:
        """Take in episodes that finish within ``timeout_s``; WorldsimError when one failed or a process ended."""
        for pipe in cast(list[Connection], wait(list(self._busy), timeout_s)):
            try:
                kind, value = pipe.recv()
            except (EOFError, ConnectionResetError):
                process = self._busy[pipe]
                process.join(5)
                raise WorldsimError(
                    f"a collecting process ended with exit code {process.exitcode} (-9 is often too little memory); "
                    "run the same command again to go on, with fewer workers= if it repeats."
                ) from None
            if kind == "error":
                raise WorldsimError(value)
            self.finished += 1
            self.frames += value
            self._give(pipe)

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(5)

    def _give(self, pipe: Connection) -> None:
        number = next(self._numbers, None)
        with contextlib.suppress(BrokenPipeError):  # the process has ended; wait() sees that and says how
            pipe.send(number)
        if number is None:
            del self._busy[pipe]
