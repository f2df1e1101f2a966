"""Record episodes of a game into a table, in parallel, so that any kill followed by the same command changes nothing.

Every episode is a function of (seed, split, index) alone. Workers leave each finished episode as one small file beside
the table; the parent appends them in order, a fixed number at a time, each append one atomic commit. What is committed
or on disk is not played again.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.records import RunRecord, content_hash, to_plain, utc_now
from worldsim.data import parts, store
from worldsim.data.pool import Pool
from worldsim.data.ray_pool import RayPool
from worldsim.data.rows import TableInfo, episode_rows
from worldsim.data.worker import make_game

EXECUTORS = ("local", "ray")
COMMIT_BYTES = 64 << 20  # frames a commit holds, uncompressed


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
    truth: bool = False,
    executor: str = "local",
    ray_address: str | None = None,
    storage_options: dict[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> store.EpisodeTable:
    """Record ``episodes`` episodes of up to ``max_steps`` actions into the table ``out``, or finish one begun before.

    ``make_policy`` is "module:attribute" of a function (unwrapped env) -> Policy. ``out`` is a local folder or an
    object-store URL. With ``truth`` camera and objects of every frame are stored where the game offers them
    (``EpisodeTable.read_truth``). ``executor`` is "local", ``workers`` processes here, or "ray", up to ``workers``
    episodes at a time on the Ray cluster at ``ray_address`` (one is started here unless given). ``progress`` gets one
    line about once a second (default: stderr).
    Raises WorldsimError when ``out`` holds a table made with other settings, or cannot be written.
    """
    out = str(out)
    say = progress or _print_progress
    if episodes < 1 or max_steps < 1 or workers < 1:
        raise WorldsimError(f"episodes={episodes}, max_steps={max_steps} and workers={workers} must be at least 1.")
    if executor not in EXECUTORS:
        raise UnknownNameError("executor", executor, EXECUTORS)
    info = describe(env_id, make_policy, episodes, env_kwargs or {}, max_steps, seed, split, truth)
    record = RunRecord("collect", Path(out).name, info.to_json(), planned=episodes, started_utc=utc_now())
    record.seeds = {"root": seed}
    make_pool: Callable[..., Pool | RayPool] = partial(Pool, workers)
    if executor == "ray":
        make_pool = partial(RayPool, workers, ray_address)
    begun = time.monotonic()
    if _committed(out, info, storage_options) == episodes:
        say(f"{out} is finished: {episodes} episodes; nothing to do.")
    else:
        with parts.locked(_parts_folder(out, info)) as folder:
            _play_and_commit(out, folder, info, make_pool, storage_options, say)
    record.wall_s = time.monotonic() - begun
    return _finish(out, info, record, storage_options)


def _play_and_commit(
    out: str,
    folder: Path,
    info: TableInfo,
    make_pool: Callable[..., Pool | RayPool],
    storage_options: dict[str, str] | None,
    say: Callable[[str], None],
) -> None:
    episodes = info.planned_episodes
    done = _committed(out, info, storage_options)  # again, now that no other process can commit
    missing = [i for i in range(done, episodes) if not parts.path_of(folder, i).exists()]
    chunk = max(1, COMMIT_BYTES // ((info.max_steps + 1) * info.height * info.width * 3))
    begun = said = time.monotonic()
    pool = make_pool(folder, info, missing)
    try:
        while done < episodes:
            # Counted from episode 0, so that commits fall on the same episodes however often a run was stopped.
            end = min(episodes, (done // chunk + 1) * chunk)
            if all(parts.path_of(folder, i).exists() for i in range(done, end)):
                _commit(out, folder, range(done, end), info, storage_options)
                done = end
                continue
            pool.wait(0.5)
            if time.monotonic() - said > 1.0:
                said = time.monotonic()
                say(f"{out}: {_status(pool, episodes, len(missing), said - begun)}")
    finally:
        pool.stop()
    say(f"{out}: {episodes} episodes, {pool.frames} frames played in {time.monotonic() - begun:.0f} s")


def _finish(out: str, info: TableInfo, record: RunRecord, storage_options: dict[str, str] | None) -> store.EpisodeTable:
    """Tidy up and write the record; a run killed in here does it when it is started again."""
    folder = _parts_folder(out, info)
    table = store.EpisodeTable.open(out, storage_options)
    if folder.exists():
        store.remove_leftovers(out, storage_options)
    if "://" not in out and not (Path(out) / "record.json").exists():
        record.completed, record.finished_utc = len(table), utc_now()
        record.write(Path(out))
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # not there, or another recording's parts are in it
        folder.parent.rmdir()
    return table


def describe(
    env_id: str,
    make_policy: str,
    episodes: int,
    env_kwargs: dict[str, Any],
    max_steps: int,
    seed: int,
    split: str,
    truth: bool = False,
) -> TableInfo:
    """The TableInfo of a recording; makes the game once to learn its frame size, rate and actions."""
    env, _ = make_game(env_id, env_kwargs, make_policy)
    try:
        shape = env.observation_space.shape
        if shape is None or len(shape) != 3 or shape[2] != 3 or env.observation_space.dtype != np.uint8:
            raise WorldsimError(
                f"{env_id!r} observes {env.observation_space}; "
                "a recording needs RGB frames, Box(0, 255, (H, W, 3), uint8)."
            )
        return TableInfo(
            env_id=env_id,
            env_kwargs=to_plain(env_kwargs),  # as it reads back from the table
            policy=make_policy,
            split=split,
            seed=seed,
            max_steps=max_steps,
            planned_episodes=episodes,
            fps=float(env.metadata.get("render_fps") or 0),
            height=shape[0],
            width=shape[1],
            codec=ActionCodec.from_space(env.action_space).to_json(),
            truth=truth,
        )
    finally:
        env.close()


def _committed(out: str, info: TableInfo, storage_options: dict[str, str] | None) -> int:
    dataset = store.open_dataset(out, storage_options)
    if dataset is None:
        # Data without a version is what a kill in the first commit leaves; without parts it is a damaged table.
        if store.has_data_files(out) and not _parts_folder(out, info).exists():
            store.EpisodeTable.open(out, storage_options)
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


def _parts_folder(out: str, info: TableInfo) -> Path:
    """Where finished episodes wait to be committed; named by the settings, so that no other recording's are taken."""
    key = content_hash(info.to_json())
    if "://" in out:
        return Path(tempfile.gettempdir()) / f"worldsim-collect-{content_hash(out)}.partial" / key
    return Path(f"{out.rstrip('/')}.partial") / key


def _commit(out: str, folder: Path, numbers: range, info: TableInfo, storage_options: dict[str, str] | None) -> None:
    import pyarrow as pa

    rows = [episode_rows(i, parts.read(folder, i, info), info) for i in numbers]
    store.append(out, pa.concat_tables(rows), storage_options)
    for i in numbers:
        parts.path_of(folder, i).unlink()


def _status(pool: Pool | RayPool, episodes: int, missing: int, seconds: float) -> str:
    played = f"{episodes - missing + pool.finished}/{episodes} episodes"
    if not pool.finished:
        return f"{played}, starting"
    left_s = (missing - pool.finished) * seconds / pool.finished
    return f"{played}, {pool.frames / seconds:.0f} frames/s, {left_s:.0f} s left"


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
