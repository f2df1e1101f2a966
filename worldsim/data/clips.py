"""Random training clips from recorded tables; batch n is a function of (seed, n) alone, so a resume needs only n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Frames
from worldsim.data.captions import CaptionIndex
from worldsim.data.latents import open_latents
from worldsim.data.store import EpisodeTable


@dataclass(frozen=True)
class Clips:
    """A batch of B clips of T frames; action t leads from frame t to frame t+1."""

    frames: Frames | None  # (B, T, H, W, 3); None when the reader gives latents
    latents: NDArray[np.float16] | None  # (B, T, C, h, w); None when the reader gives frames
    actions: NDArray[np.float32]  # (B, T-1, A)
    rewards: NDArray[np.float32]  # (B, T-1)
    terminated: NDArray[np.bool_]  # (B, T-1)
    valid: NDArray[np.bool_]  # (B, T-1), False for steps after the end of an episode, see ClipReader
    total: int  # clips of the whole batch, of which these are a process's share
    captions: list[str] | None = None  # (B,), "" for a clip that no caption covers; None when none were asked for


@dataclass(frozen=True)
class _Places:
    """Where clips of one length can begin: an entry for each of the E episodes that are long enough."""

    offsets: NDArray[np.int64]  # (E,), its first row
    last_rows: NDArray[np.int64]  # (E,)
    starts_before: NDArray[np.int64]  # (E + 1,), starts in the episodes before it
    endings: NDArray[np.int64]  # those that the game terminated


class ClipReader:
    """Random clips of ``frames`` frames, ``batch`` at a time, uniform over every place where a whole clip fits.

    ``termination_share`` of the clips (in expectation) are instead drawn from the ends of episodes that the game
    terminated. Without ``pad_endings`` the terminating step is always the clip's last, and a model that can count its
    context learns that ends come there; with it, the terminating step is anywhere in the clip, the last frame is
    repeated after it, and ``Clips.valid`` is False there: mask losses with it.

    Several processes divide a batch: with ``share=(rank, ranks)`` a reader gives every ranks-th clip of it, and
    together they give the batch that one reader would.

    A batch may be asked for in other lengths and numbers than the reader's own; a process's share of few clips may be
    none.

    Tables must share codec and frame size. With ``latents`` (one file for each table, see
    :mod:`worldsim.data.latents`) the batches hold latents in place of frames. With ``captions`` each clip comes with
    one of the captions that cover all of it, ``captioner``'s or anyone's, drawn at random. Frames are kept in memory
    when all tables fit in ``cache_gb``; otherwise every batch reads the tables (benchmarks/data.py says how fast).
    Raises WorldsimError when tables do not fit together or no episode is long enough.
    """

    def __init__(
        self,
        tables: Sequence[EpisodeTable],
        frames: int,
        batch: int,
        seed: int,
        *,
        termination_share: float = 0.0,
        pad_endings: bool = False,
        latents: Sequence[str | Path] | None = None,
        captions: bool = False,
        captioner: str | None = None,
        share: tuple[int, int] = (0, 1),
        cache_gb: float = 8.0,
    ):
        if not tables or frames < 1 or batch < 1 or not 0.0 <= termination_share <= 1.0:
            raise WorldsimError(
                f"{len(tables)} tables, frames={frames}, batch={batch}, termination_share={termination_share}: "
                "clips need a table, at least 1 frame, a batch of at least 1 and a share from 0 to 1."
            )
        self.tables, self.frames, self.batch_size, self.seed = list(tables), frames, batch, seed
        self.termination_share, self.pad_endings = termination_share, pad_endings
        rank, ranks = self.share = share
        if not 0 <= rank < ranks or batch % ranks:
            raise WorldsimError(
                f"share={share}, batch={batch}: give (rank, ranks) with 0 <= rank < ranks and a batch that "
                "divides by ranks."
            )
        self.codec = _common_codec(self.tables)
        self._table_rows = np.cumsum([0] + [int(table.episodes.lengths.sum()) for table in self.tables])
        self._places_of: dict[int, _Places] = {}
        self._places(frames)
        steps = [table.read_steps() for table in self.tables]
        self._actions, self._rewards, self._terminated = (np.concatenate(part) for part in zip(*steps, strict=True))
        self._latents = (
            [open_latents(Path(path), t) for path, t in zip(latents, self.tables, strict=True)] if latents else None
        )
        self._captions = self._index_captions(captioner) if captions else None
        self._cache: Frames | None = None
        bytes_needed = len(self._rewards) * int(np.prod(self.tables[0].frame_shape))
        if self._latents is None and bytes_needed <= cache_gb * 1e9:
            self._cache = self._load(len(self._rewards))

    def batch(self, step: int, frames: int = 0, clips: int = 0) -> Clips:
        """Batch number ``step``; equal arguments of the reader and equal ``step`` give equal clips.

        ``frames`` and ``clips`` are the reader's own unless given. Raises WorldsimError when no episode is that long.
        """
        rank, ranks = self.share
        frames, count = frames or self.frames, clips or self.batch_size
        drawn = self._draw(stream(self.seed, "clips", step), self._places(frames), frames, count)
        rows, last_rows = (part[rank::ranks] for part in drawn)
        valid = rows[:, 1:] <= last_rows[:, None]
        rows = np.minimum(rows, last_rows[:, None])
        steps = rows[:, :-1]
        chosen = None
        if self._captions is not None:  # a stream of its own: the clips are the same with captions and without
            picks = stream(self.seed, "captions", step).random(count)[rank::ranks]
            chosen = self._captions.choose(rows[:, 0], rows[:, -1], picks)
        idle = self.codec.vector()
        return Clips(
            frames=self._read_frames(rows) if self._latents is None else None,
            latents=None if self._latents is None else self._read_latents(rows),
            actions=np.where(valid[..., None], self._actions[steps], idle),
            rewards=np.where(valid, self._rewards[steps], np.float32(0)),
            terminated=self._terminated[steps] & valid,
            valid=valid,
            total=count,
            captions=chosen,
        )

    def _places(self, frames: int) -> _Places:
        """Where clips of that length are; found once for each length."""
        if frames not in self._places_of:
            self._places_of[frames] = self._find_places(frames)
        return self._places_of[frames]

    def _find_places(self, frames: int) -> _Places:
        lengths = np.concatenate([table.episodes.lengths for table in self.tables])
        offsets = np.concatenate(
            [table.episodes.offsets + base for table, base in zip(self.tables, self._table_rows, strict=False)]
        )
        terminated = np.concatenate([table.episodes.terminated for table in self.tables])
        fits = lengths >= frames
        if not fits.any():
            raise WorldsimError(
                f"no episode has {frames} frames; the longest has {lengths.max()}: choose shorter clips."
            )
        return _Places(
            offsets[fits],
            (offsets + lengths - 1)[fits],
            np.concatenate([[0], np.cumsum(lengths[fits] - frames + 1)]),
            np.flatnonzero(terminated[fits]),
        )

    def _index_captions(self, captioner: str | None) -> CaptionIndex:
        return CaptionIndex(
            [
                replace(one, row=one.row + int(base))
                for table, base in zip(self.tables, self._table_rows, strict=False)
                for one in table.captions(captioner)
            ]
        )

    def _draw(
        self, rng: np.random.Generator, places: _Places, frames: int, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows (B, T) of each clip, which may run past the last row (B,) of its episode."""
        picks = rng.integers(places.starts_before[-1], size=count)
        episode = np.searchsorted(places.starts_before, picks, side="right") - 1
        start = places.offsets[episode] + picks - places.starts_before[episode]
        # Drawn whether used or not, so that the other clips stay the same when the share is changed.
        ending = rng.random(count) < self.termination_share
        which = rng.random(count)
        frames_before_end = rng.integers(1, frames, size=count) if self.pad_endings and frames > 1 else frames - 1
        if len(places.endings):
            chosen = places.endings[(which * len(places.endings)).astype(np.int64)]
            episode = np.where(ending, chosen, episode)
            start = np.where(ending, places.last_rows[chosen] - frames_before_end, start)
        return start[:, None] + np.arange(frames), places.last_rows[episode]

    def _read_frames(self, rows: NDArray[np.int64]) -> Frames:
        if self._cache is not None:
            return self._cache[rows]
        shape = self.tables[0].frame_shape
        out = np.empty((*rows.shape, *shape), np.uint8)
        which = np.searchsorted(self._table_rows, rows[:, 0], side="right") - 1
        for i in np.unique(which):
            here = rows[which == i] - self._table_rows[i]
            out[which == i] = self.tables[i].read_frames(here.reshape(-1)).reshape(*here.shape, *shape)
        return out

    def _read_latents(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        assert self._latents is not None
        which = np.searchsorted(self._table_rows, rows[:, 0], side="right") - 1
        out = np.empty((*rows.shape, *self._latents[0].shape[1:]), self._latents[0].dtype)
        for clip, table in enumerate(which):
            out[clip] = self._latents[table][rows[clip] - self._table_rows[table]]
        return out

    def _load(self, count: int) -> Frames:
        cache = np.empty((count, *self.tables[0].frame_shape), np.uint8)
        row = 0
        for table in self.tables:
            for part in table.scan_frames():
                cache[row : row + len(part)] = part
                row += len(part)
        assert row == count
        return cache


def _common_codec(tables: list[EpisodeTable]) -> ActionCodec:
    first = tables[0]
    for table in tables[1:]:
        if table.codec != first.codec:
            raise WorldsimError(
                f"{table.path} ({table.env_id}) has the action channels {', '.join(table.codec.names)} "
                f"but {first.path} ({first.env_id}) has {', '.join(first.codec.names)}; "
                "train on tables with equal channels."
            )
        if table.frame_shape != first.frame_shape:
            raise WorldsimError(
                f"{table.path} has frames of {table.frame_shape[:2]} but {first.path} of {first.frame_shape[:2]} "
                "(height, width); record both at one size."
            )
    return first.codec
