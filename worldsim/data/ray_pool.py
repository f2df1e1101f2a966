"""The episodes of a recording as Ray tasks, on one machine or many; what they return is written here.

Every episode is a function of its number, so Ray may play one again whose machine was lost: the bits are the same.
Other machines need worldsim, the game and the policy installed, at the same versions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from worldsim.core.errors import MissingDependencyError, WorldsimError
from worldsim.data import parts
from worldsim.data.rows import TableInfo
from worldsim.data.worker import Player


class RayPool:
    """Up to ``count`` episodes at a time; the counterpart of :class:`worldsim.data.pool.Pool`."""

    def __init__(self, count: int, address: str | None, folder: Path, info: TableInfo, numbers: Sequence[int]):
        self.finished = self.frames = 0
        self._ray = _ray()
        self._folder = folder
        self._started_ray = not self._ray.is_initialized()
        if self._started_ray:
            local: dict[str, Any] = {} if address else {"num_cpus": count, "include_dashboard": False}
            try:
                self._ray.init(address=address or "local", log_to_driver=False, logging_level="error", **local)
            except (ConnectionError, ValueError, RuntimeError) as error:
                raise WorldsimError(f"no Ray cluster answers at ray_address={address} ({error}).") from error
        self._play = self._ray.remote(num_cpus=1)(_play)
        self._info = self._ray.put(info)
        self._numbers = iter(numbers)
        self._running: dict[Any, int] = {}
        for _ in range(min(count, len(numbers))):
            self._submit()

    def wait(self, timeout_s: float) -> None:
        """Take in episodes that finish within ``timeout_s``; WorldsimError when one failed."""
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout_s)
        for task in done:
            number = self._running.pop(task)
            try:
                content, frames = self._ray.get(task)
            except self._ray.exceptions.RayTaskError as error:
                raise WorldsimError(
                    str(error.cause) if isinstance(error.cause, WorldsimError) else f"episode {number} failed:\n{error}"
                ) from error
            except self._ray.exceptions.RayError as error:
                raise WorldsimError(
                    f"Ray lost episode {number} ({error}); run the same command again to go on."
                ) from error
            parts.write_bytes(self._folder, number, content)
            self.finished += 1
            self.frames += frames
            self._submit()

    def stop(self) -> None:
        for task in self._running:
            self._ray.cancel(task, force=True)
        if self._started_ray:
            self._ray.shutdown()

    def _submit(self) -> None:
        number = next(self._numbers, None)
        if number is not None:
            self._running[self._play.remote(self._info, number)] = number


_players: dict[str, Player] = {}  # of a Ray process: it plays many episodes and makes the game once


def _play(info: TableInfo, number: int) -> tuple[bytes, int]:
    key = repr(info)
    if key not in _players:
        _players.clear()
        _players[key] = Player(info)
    episode = _players[key].play(number)
    return parts.to_bytes(episode), len(episode.frames)


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingDependencyError("ray", "ray", "executor=ray") from error
    return ray
