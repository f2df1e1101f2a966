"""Record episodes of a game into a table, in parallel, so that any kill followed by the same command changes nothing.

Every episode is a function of (seed, split, index) alone. Workers leave each finished episode as one small file beside
the table; the parent appends them in order, a fixed number at a time, each append one atomic commit. What is committed
or on disk is not played again.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.records import RunRecord, content_hash, utc_now
from worldsim.data import parts, store
from worldsim.data.worker import make_game, worker_main

COMMIT_BYTES = 64 << 20  # uncompressed frames a commit; a commit of one frame-heavy episode may be larger


def collect(
    env_id: str,
    make_policy: str,
    episodes: int,
    out: str | Path,
    *,
    env_kwargs: dict[str, Any] | None = None,
    max_steps: int = 200,
    seed: int = 0,
    split: str = "train",
    workers: int = 2,
    storage_options: dict[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> store.EpisodeTable:
    """Record ``episodes`` episodes of up to ``max_steps`` actions into the Lance table ``out``, or finish one begun before.

    ``make_policy`` is "module:attribute" of a function (unwrapped env) -> Policy. ``out`` is a local folder or an
    object-store URL. ``progress`` gets one line about once a second (default: stderr).
    Raises WorldsimError when ``out`` holds a table made with other settings, or cannot be written.
    """
    out = str(out)
    say = progress or _print_progress
    started, clock = utc_now(), time.monotonic()
    if episodes < 1 or max_steps < 1 or workers < 1:
        raise WorldsimError(f"episodes={episodes}, max_steps={max_steps} and workers={workers} must be at least 1.")
    info = describe(env_id, make_policy, episodes, env_kwargs or {}, max_steps, seed, split)
    done = _committed(out, info, storage_options)
    if done == episodes:
        say(f"{out} is finished: {episodes} episodes; nothing to do.")
        return store.EpisodeTable.open(out, storage_options)

    folder = _parts_folder(out, info)
    missing = [i for i in range(done, episodes) if not parts.path_of(folder, i).exists()]
    pool = _Pool(min(workers, len(missing)), folder, info, missing)
    chunk = max(1, COMMIT_BYTES // ((max_steps + 1) * info.height * info.width * 3))
    frames, begun, last = 0, time.monotonic(), 0.0
    try:
        while done < episodes:
            # Counted from episode 0, so that commits fall on the same episodes however often a run was stopped.
            end = min(episodes, (done // chunk + 1) * chunk)
            if all(parts.path_of(folder, i).exists() for i in range(done, end)):
                _commit(out, folder, range(done, end), info, storage_options)
                done = end
                continue
            frames += pool.wait(0.5)
            if time.monotonic() - last > 1.0:
                last = time.monotonic()
                say(_status(out, episodes, len(missing) - pool.finished, frames, last - begun))
    finally:
        pool.stop()
    table = store.EpisodeTable.open(out, storage_options)
    if "://" not in out:
        RunRecord(
            kind="collect",
            name=Path(out).name,
            config=asdict(info),
            seeds={"root": seed},
            planned=episodes,
            completed=episodes,
            started_utc=started,
            finished_utc=utc_now(),
            wall_s=time.monotonic() - clock,
        ).write(Path(out))
    shutil.rmtree(folder, ignore_errors=True)
    total = int(table.episodes.lengths.sum())
    say(f"{out}: {episodes} episodes, {total} frames in {time.monotonic() - clock:.0f} s")
    return table


def describe(
    env_id: str, make_policy: str, episodes: int, env_kwargs: dict[str, Any], max_steps: int, seed: int, split: str
) -> store.TableInfo:
    """The TableInfo of a recording; makes the game once to learn its frame size, rate and actions."""
    env, _ = make_game(env_id, env_kwargs, make_policy)
    try:
        shape = env.observation_space.shape
        if shape is None or len(shape) != 3 or shape[2] != 3 or env.observation_space.dtype != np.uint8:
            raise WorldsimError(
                f"{env_id!r} observes {env.observation_space}; a recording needs RGB frames, Box(0, 255, (H, W, 3), uint8)."
            )
        return store.TableInfo(
            env_id=env_id,
            env_kwargs=env_kwargs,
            policy=make_policy,
            split=split,
            seed=seed,
            max_steps=max_steps,
            planned_episodes=episodes,
            fps=float(env.metadata.get("render_fps") or 0),
            height=shape[0],
            width=shape[1],
            codec=ActionCodec.from_space(env.action_space).to_json(),
        )
    finally:
        env.close()


def _committed(out: str, info: store.TableInfo, storage_options: dict[str, str] | None) -> int:
    dataset = store.open_dataset(out, storage_options)
    if dataset is None:
        return 0
    found = asdict(store.read_info(dataset, out))
    wanted = asdict(info)
    differing = [f"{key} is {found[key]!r} there, {wanted[key]!r} here" for key in wanted if found[key] != wanted[key]]
    if differing:
        raise WorldsimError(
            f"{out} already holds a recording with other settings ({'; '.join(differing)}); "
            "choose another out= or delete it."
        )
    return len(store.EpisodeTable.open(out, storage_options, allow_unfinished=True))


def _parts_folder(out: str, info: store.TableInfo) -> Path:
    """Where unfinished episodes wait; its name depends on the settings, so that those of another recording are not taken."""
    key = content_hash(asdict(info))
    if "://" in out:
        return parts.make_folder(Path(tempfile.gettempdir()) / f"worldsim-collect-{content_hash(out)}-{key}")
    return parts.make_folder(Path(f"{out.rstrip('/')}.partial") / key)


def _commit(
    out: str, folder: Path, numbers: range, info: store.TableInfo, storage_options: dict[str, str] | None
) -> None:
    import pyarrow as pa

    rows = [store.episode_rows(i, parts.read(folder, i, info), info) for i in numbers]
    store.append(out, pa.concat_tables(rows), storage_options)
    for i in numbers:
        parts.path_of(folder, i).unlink()


class _Pool:
    """Worker processes that play the missing episodes in order of need."""

    def __init__(self, count: int, folder: Path, info: store.TableInfo, missing: list[int]):
        context = multiprocessing.get_context("spawn")
        self.finished = 0
        self._todo = iter(missing)
        self._workers: dict[Any, Any] = {}
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=worker_main, args=(theirs, str(folder), info), daemon=True)
            process.start()
            theirs.close()
            self._workers[ours] = process
            ours.send(next(self._todo, None))

    def wait(self, timeout_s: float) -> int:
        """Wait for finished episodes and hand out new ones; returns the frames they have."""
        frames = 0
        for pipe in multiprocessing.connection.wait(list(self._workers), timeout_s):
            try:
                kind, value = pipe.recv()  # type: ignore[union-attr]
            except EOFError:
                process = self._workers[pipe]
                process.join(5)
                raise WorldsimError(
                    f"a collecting process ended with exit code {process.exitcode} (-9 is often too little memory); "
                    "run the same command again to go on, with fewer workers= if it repeats."
                ) from None
            if kind == "error":
                raise WorldsimError(value)
            frames += value
            self.finished += 1
            pipe.send(next(self._todo, None))  # type: ignore[union-attr]
        return frames

    def stop(self) -> None:
        for process in self._workers.values():
            process.terminate()
        for process in self._workers.values():
            process.join(5)


def _status(out: str, episodes: int, left: int, frames: int, seconds: float) -> str:
    played = episodes - left
    rate = frames / seconds if seconds > 0 else 0.0
    per_episode = frames / max(1, frames and played)
    eta = f"{left * per_episode / rate:.0f} s left" if rate else "starting"
    return f"{out}: {played}/{episodes} episodes, {rate:.0f} frames/s, {eta}"


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
