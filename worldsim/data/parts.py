"""One finished episode as one file: how collecting processes hand episodes over, and what survives a kill."""

from __future__ import annotations

import fcntl
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import write_atomic
from worldsim.core.types import Episode
from worldsim.data.rows import TableInfo
from worldsim.data.truth import TruthTrack


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Create ``folder`` and hold it for this process; the lock goes with the process, however that ends.

    Raises WorldsimError when it cannot be written or another process holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = open(folder / "lock", "w")  # noqa: SIM115 (closed below; only the opening may fail here)
    except OSError as error:
        raise WorldsimError(f"cannot write to {folder} ({error.strerror}); choose another out=.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WorldsimError(f"another process is recording into {folder.parent}; wait for it or end it.") from error
        yield folder


def path_of(folder: Path, number: int) -> Path:
    return folder / f"episode-{number:08d}.npz"


def write(folder: Path, number: int, episode: Episode) -> None:
    """Write an episode so that it is there as a whole or not at all; WorldsimError on a full disk."""
    write_bytes(folder, number, to_bytes(episode))


def to_bytes(episode: Episode) -> bytes:
    """The content of an episode's file."""
    buffer = io.BytesIO()
    truth = {} if episode.truth is None else TruthTrack.of(episode.truth).arrays()
    more: dict[str, Any] = {f"truth.{name}": values for name, values in truth.items()}
    np.savez(
        buffer,
        frames=episode.frames,
        actions=episode.actions,
        rewards=episode.rewards,
        ends=np.array([episode.terminated, episode.truncated]),
        seed=np.array(episode.seed, np.int64),
        **more,
    )
    return buffer.getvalue()


def write_bytes(folder: Path, number: int, content: bytes) -> None:
    """Write what :func:`to_bytes` made, here or on another machine."""
    try:
        write_atomic(path_of(folder, number), content)
    except OSError as error:
        raise WorldsimError(
            f"cannot write episode {number} to {folder} ({error.strerror}); free space and run the same command again."
        ) from error


def read(folder: Path, number: int, info: TableInfo) -> Episode:
    """Read an episode back."""
    path = path_of(folder, number)
    try:
        with np.load(path, allow_pickle=False) as data:
            truth = {name.removeprefix("truth."): data[name] for name in data.files if name.startswith("truth.")}
            return Episode(
                frames=data["frames"],
                actions=data["actions"],
                rewards=data["rewards"],
                terminated=bool(data["ends"][0]),
                truncated=bool(data["ends"][1]),
                env_id=info.env_id,
                seed=int(data["seed"]),
                fps=info.fps,
                env_kwargs=info.env_kwargs,
                truth=TruthTrack(**truth) if truth else None,
            )
    except (OSError, ValueError, KeyError) as error:
        raise DamagedFileError(f"{path} cannot be read ({error}); delete it and run the same command again.") from error
