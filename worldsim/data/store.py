"""Recorded episodes as one Lance table, local or on an object store; for its rows see :mod:`worldsim.data.rows`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, MissingDependencyError, WorldsimError
from worldsim.core.records import content_hash
from worldsim.core.types import Episode, Frames, GroundTruth
from worldsim.data import captions, truth
from worldsim.data.rows import META_KEY, SCHEMA_VERSION, TableInfo, unpack_frames


@dataclass(frozen=True)
class EpisodeIndex:
    """Where each of the N episodes of a table is."""

    lengths: NDArray[np.int64]  # (N,), frames
    offsets: NDArray[np.int64]  # (N,), first row
    seeds: NDArray[np.int64]  # (N,), the seed the game was reset with
    terminated: NDArray[np.bool_]  # (N,), ended by the game
    truncated: NDArray[np.bool_]  # (N,), ended by a time limit
    sizes: NDArray[np.int64]  # (N, 2), height and width of the frames
    sources: list[str]  # (N,), the recording an episode was imported from; "" where it was played

    def __len__(self) -> int:
        return len(self.lengths)


def import_lance() -> Any:
    """The lance module, or MissingDependencyError."""
    try:
        import lance
    except ImportError as error:
        raise MissingDependencyError("pylance", "data", "reading and writing recorded episodes") from error
    return lance


class EpisodeTable:
    """A recorded table, read by episode or by clip.

    ``path`` is a local folder or an object-store URL (``s3://...``); ``storage_options`` are handed to Lance.
    """

    def __init__(self, path: str, dataset: Any, info: TableInfo, episodes: EpisodeIndex):
        self.path, self.info, self.episodes = path, info, episodes
        self.codec = ActionCodec.from_json(info.codec)
        self._dataset = dataset

    @classmethod
    def open(
        cls, path: str, storage_options: dict[str, str] | None = None, allow_unfinished: bool = False
    ) -> EpisodeTable:
        """Open a recorded table.

        Raises WorldsimError when nothing is there or it is unfinished, DamagedFileError when it cannot be read.
        """
        path = str(path)
        dataset = open_dataset(path, storage_options)
        if dataset is None and has_data_files(path):
            raise _damaged(path, FileNotFoundError("it has data files but no version of the table in _versions/"))
        if dataset is None:
            raise WorldsimError(f"no recorded table at {path}; record one with: worldsim collect ... out={path}")
        info = read_info(dataset, path)
        episodes = _guard(path, lambda: _index(dataset, info))
        if len(episodes) < info.planned_episodes and not allow_unfinished:
            raise WorldsimError(
                f"the table {path} has {len(episodes)} of {info.planned_episodes} episodes; "
                "run the same collect command again to finish it, or the same import."
            )
        return cls(path, dataset, info, episodes)

    @property
    def env_id(self) -> str:
        return self.info.env_id

    @property
    def fps(self) -> float:
        return self.info.fps

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """(H, W, 3) of all frames; WorldsimError where the episodes differ in size."""
        if not self.info.height:
            sizes = sorted({f"{height}x{width}" for height, width in self.episodes.sizes.tolist()})
            raise WorldsimError(
                f"the episodes of {self.path} differ in frame size ({', '.join(sizes[:5])}); "
                "import it again with height= and width=, or read it by worldsim.data.packed."
            )
        return (self.info.height, self.info.width, 3)

    @cached_property
    def content_key(self) -> str:
        """A hash of settings, episode lengths and a sample of frames; names files derived from the table."""
        # The frames, because a game that was changed records other ones under the same settings.
        sample = np.unique(np.linspace(0, int(self.episodes.lengths.sum()) - 1, 64).astype(np.int64))
        frames = content_hash(b"".join(self._read_packed(sample).column("frame").to_pylist()))
        return content_hash({"info": self.info.to_json(), "lengths": self.episodes.lengths, "frames": frames})

    def __len__(self) -> int:
        return len(self.episodes)

    def read_episode(self, index: int) -> Episode:
        """Episode ``index`` in full."""
        self._check_number(index)
        frames, actions, rewards, _ = self.read_clip(index, 0, int(self.episodes.lengths[index]))
        rows = int(self.episodes.offsets[index]) + np.arange(len(frames))
        return Episode(
            frames=frames,
            actions=actions,
            rewards=rewards,
            terminated=bool(self.episodes.terminated[index]),
            truncated=bool(self.episodes.truncated[index]),
            env_id=self.env_id,
            seed=int(self.episodes.seeds[index]),
            fps=self.fps,
            caption=self._episode_caption(index),
            env_kwargs=self.info.env_kwargs,
            truth=self._truth_track(rows) if self.info.truth else None,
        )

    def read_clip(
        self, episode: int, start: int, frames: int
    ) -> tuple[Frames, NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Frames (T,H,W,3) from frame ``start``; actions (T-1,A), rewards (T-1,), terminated (T-1,) between them."""
        self._check_number(episode)
        length = int(self.episodes.lengths[episode])
        if start < 0 or frames < 1 or start + frames > length:
            raise WorldsimError(
                f"episode {episode} of {self.path} has {length} frames; asked for {frames} from frame {start}."
            )
        first = int(self.episodes.offsets[episode]) + start
        rows = np.arange(first, first + frames)
        height, width = self.episodes.sizes[episode].tolist()
        pixels = unpack_frames(self._read_packed(rows).column("frame"), (height, width, 3))
        actions, rewards, terminated = self.read_steps(rows[:-1])
        return pixels, actions, rewards, terminated

    def read_frames(self, rows: NDArray[np.int64]) -> Frames:
        """Frames of the given rows, (N,H,W,3)."""
        found, place = np.unique(rows, return_inverse=True)  # in order and once: Lance reads that 1.4 times as fast
        frames = unpack_frames(self._read_packed(found).column("frame"), self.frame_shape)
        return frames if np.array_equal(found, rows) else frames[place]

    def _read_packed(self, rows: NDArray[np.int64]) -> Any:
        return _guard(self.path, lambda: self._dataset.take(rows.tolist(), columns=["frame"]))

    def read_steps(
        self, rows: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
        """Actions (N,A), rewards (N,) and terminated flags (N,) of the given rows, or of all."""
        columns = [*(["action"] if len(self.codec) else []), "reward", "terminated"]
        if rows is None:
            table = _guard(self.path, lambda: self._dataset.to_table(columns=columns))
        else:
            table = _guard(self.path, lambda: self._dataset.take(rows.tolist(), columns=columns))
        rewards: NDArray[np.float32] = table.column("reward").to_numpy()
        terminated = table.column("terminated").to_numpy()
        actions = np.zeros((len(rewards), 0), np.float32)
        if len(self.codec):
            flat = table.column("action").combine_chunks().flatten().to_numpy(zero_copy_only=False)
            actions = flat.reshape(-1, len(self.codec)).astype(np.float32)
        return actions, rewards.astype(np.float32), terminated

    def read_truth(self, rows: NDArray[np.int64]) -> list[GroundTruth]:
        """Camera and objects of the given rows; both None in a table that was recorded without ``truth``."""
        if not self.info.truth:
            return [GroundTruth()] * len(rows)
        return list(self._truth_track(rows))

    @property
    def column_names(self) -> list[str]:
        return list(self._dataset.schema.names)

    @property
    def captioners(self) -> list[tuple[str, int]]:
        """Who captioned clips of this table: (captioner, version), sorted."""
        return list(captions.caption_columns(self.column_names))

    def captions(self, captioner: str | None = None, version: int | None = None) -> list[captions.Caption]:
        """All captions, or one captioner's, or one version's of them, each captioner's in the order of rows."""
        found: list[captions.Caption] = []
        for key, column in captions.caption_columns(self.column_names).items():
            if captioner in (None, key[0]) and version in (None, key[1]):
                table = _guard(self.path, lambda column=column: self._dataset.to_table(columns=[column]))
                found += captions.read_captions(table, key, column)
        return found

    def _truth_track(self, rows: NDArray[np.int64]) -> truth.TruthTrack:
        columns = [name for name in truth.COLUMNS if name in self.column_names]
        table = _guard(self.path, lambda: self._dataset.take(rows.tolist(), columns=columns))
        return truth.from_columns(table)

    def _episode_caption(self, index: int) -> str:
        """The caption of the longest clip that begins with the episode."""
        row = int(self.episodes.offsets[index])
        found = []
        for key, column in captions.caption_columns(self.column_names).items():
            table = _guard(self.path, lambda column=column: self._dataset.take([row], columns=[column]))
            found += captions.read_captions(table, key, column)
        return max(found, key=lambda one: one.frames).text if found else ""

    def _check_number(self, episode: int) -> None:
        if not 0 <= episode < len(self):
            raise WorldsimError(f"{self.path} has episodes 0 to {len(self) - 1}; asked for {episode}.")

    def scan_frames(self, batch_rows: int = 1024):
        """All frames in row order, in arrays of up to ``batch_rows``."""
        batches = iter(self._dataset.to_batches(columns=["frame"], batch_size=batch_rows, scan_in_order=True))
        while (batch := _guard(self.path, lambda: next(batches, None))) is not None:
            yield unpack_frames(batch.column(0), self.frame_shape)


def append(path: str, rows: Any, storage_options: dict[str, str] | None = None) -> None:
    """Append rows to a table, or create it, in one atomic commit."""
    lance = import_lance()
    mode = "create" if open_dataset(path, storage_options) is None else "append"
    committing(path, lambda: lance.write_dataset(rows, path, mode=mode, storage_options=storage_options))


def committing(path: str, write: Any) -> None:
    """Call ``write``; what keeps it from writing becomes a WorldsimError."""
    try:
        write()
    except OSError as error:
        raise WorldsimError(
            f"cannot write the table {path} ({_first_line(error)}); free space, or choose another out=."
        ) from error


def remove_leftovers(path: str, storage_options: dict[str, str] | None = None) -> None:
    """Remove superseded versions and the files of appends that a kill cut short; no row changes."""
    dataset = open_dataset(path, storage_options)
    _guard(path, lambda: dataset.cleanup_old_versions(timedelta(0), delete_unverified=True))


def open_dataset(path: str, storage_options: dict[str, str] | None = None) -> Any:
    """The Lance dataset at ``path``, or None when nothing is there."""
    lance = import_lance()
    try:
        return lance.dataset(path, storage_options=storage_options)
    except (ValueError, OSError) as error:
        if re.match("Dataset at path .* was not found", str(error)):
            return None
        raise _damaged(path, error) from error


def has_data_files(path: str) -> bool:
    """Whether a local folder holds data of a Lance table, as it also does when the table's versions are lost."""
    return "://" not in path and any(Path(path).glob("data/*.lance"))


def read_info(dataset: Any, path: str) -> TableInfo:
    """The TableInfo stored in a dataset's schema."""
    raw = (dataset.schema.metadata or {}).get(META_KEY)
    if raw is None:
        raise DamagedFileError(
            f"{path} is a Lance table, but not one of recorded episodes: it lacks {META_KEY.decode()}."
        )
    data = json.loads(raw)
    if data.get("schema_version") != SCHEMA_VERSION:
        raise DamagedFileError(
            f"{path} has table schema {data.get('schema_version')} and this worldsim reads {SCHEMA_VERSION}; "
            "record it again."
        )
    return TableInfo(**data)


def _index(dataset: Any, info: TableInfo) -> EpisodeIndex:
    table = dataset.to_table(columns=["t", "seed", "terminated", "truncated"])
    t = table.column("t").to_numpy()
    offsets = np.flatnonzero(t == 0).astype(np.int64)
    ends = np.append(offsets[1:], len(t)).astype(np.int64)
    lengths = ends - offsets
    last_step = np.maximum(ends - 2, offsets)
    seeds = table.column("seed").to_numpy()[offsets]
    terminated, truncated = (table.column(name).to_numpy()[last_step] for name in ("terminated", "truncated"))
    sizes = np.tile(np.array([info.height, info.width], np.int64), (len(offsets), 1))
    sources = [""] * len(offsets)
    if not info.height and len(offsets):
        first = dataset.take(offsets.tolist(), columns=["height", "width"])
        sizes = np.stack([first.column(name).to_numpy() for name in ("height", "width")], axis=1).astype(np.int64)
    if info.source and len(offsets):
        sources = dataset.take(offsets.tolist(), columns=["source"]).column("source").to_pylist()
    return EpisodeIndex(lengths, offsets, seeds, terminated, truncated, sizes, sources)


def _guard(path: str, read: Any) -> Any:
    try:
        return read()
    except (OSError, ValueError, RuntimeError) as error:
        raise _damaged(path, error) from error


def _damaged(path: str, error: Exception) -> DamagedFileError:
    remedy = "restore it from a copy, or delete it and record it again."
    if "://" in path:
        remedy = f"check the address and the access given in storage_options; where they are right, {remedy}"
    return DamagedFileError(f"the table {path} cannot be read ({_first_line(error)}); {remedy}")


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return re.sub(r",? /\S+\.rs:\d+:\d+", "", line)[:300]  # without the places in Lance's own source
