"""Random training clips from recorded tables; batch number n is a function of (seed, n) alone, so a resume needs only n."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Frames
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


class ClipReader:
    """Random clips of ``frames`` frames, ``batch`` at a time, uniform over every place where a whole clip fits.

    ``termination_share`` of the clips (in expectation) are instead the last ``frames`` frames of an episode that the game
    terminated, so that the terminating step is their last. Tables must share codec and frame size. With ``latents`` (one file
    for each table, see :mod:`worldsim.data.latents`) the batches hold latents in place of frames.
    Frames are kept in memory when all tables fit in ``cache_gb``; otherwise every batch reads the tables.
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
        latents: Sequence[str | Path] | None = None,
        cache_gb: float = 8.0,
    ):
        if not tables or frames < 2 or batch < 1 or not 0.0 <= termination_share <= 1.0:
            raise WorldsimError(
                f"{len(tables)} tables, frames={frames}, batch={batch}, termination_share={termination_share}: clips need "
                "a table, at least 2 frames, a batch of at least 1 and a share from 0 to 1."
            )
        self.tables, self.frames, self.batch_size, self.seed = list(tables), frames, batch, seed
        self.termination_share = termination_share
        self.codec = _common_codec(self.tables)
        self._index()
        steps = [table.read_steps() for table in self.tables]
        self._actions, self._rewards, self._terminated = (np.concatenate(part) for part in zip(*steps, strict=True))
        self._latents = (
            [open_latents(Path(path), t) for path, t in zip(latents, self.tables, strict=True)] if latents else None
        )
        self._cache: Frames | None = None
        bytes_needed = len(self._actions) * int(np.prod(self.tables[0].frame_shape))
        if self._latents is None and bytes_needed <= cache_gb * 1e9:
            self._cache = self._load(len(self._actions))

    def batch(self, step: int) -> Clips:
        """Batch number ``step``; equal arguments of the reader and equal ``step`` give equal clips."""
        rng = stream(self.seed, "clips", step)
        rows = self._first_rows(rng)[:, None] + np.arange(self.frames)
        between = rows[:, :-1]
        return Clips(
            frames=self._read_frames(rows) if self._latents is None else None,
            latents=None if self._latents is None else self._read_latents(rows),
            actions=self._actions[between],
            rewards=self._rewards[between],
            terminated=self._terminated[between],
        )

    def _index(self) -> None:
        self._table_rows = np.cumsum([0] + [int(table.episodes.lengths.sum()) for table in self.tables])
        lengths = np.concatenate([table.episodes.lengths for table in self.tables])
        offsets = np.concatenate(
            [table.episodes.offsets + base for table, base in zip(self.tables, self._table_rows, strict=False)]
        )
        terminated = np.concatenate([table.episodes.terminated for table in self.tables])
        fits = lengths >= self.frames
        if not fits.any():
            raise WorldsimError(
                f"no episode has {self.frames} frames; the longest has {lengths.max()}: choose shorter clips."
            )
        self._offsets = offsets[fits]
        self._starts_before = np.concatenate([[0], np.cumsum(lengths[fits] - self.frames + 1)])
        self._endings = (offsets + lengths - self.frames)[fits & terminated]

    def _first_rows(self, rng: np.random.Generator) -> NDArray[np.int64]:
        picks = rng.integers(self._starts_before[-1], size=self.batch_size)
        episode = np.searchsorted(self._starts_before, picks, side="right") - 1
        rows = self._offsets[episode] + picks - self._starts_before[episode]
        ending = rng.random(self.batch_size) < self.termination_share
        if len(self._endings):
            rows = np.where(ending, self._endings[rng.integers(len(self._endings), size=self.batch_size)], rows)
        return rows

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
        return np.stack([self._latents[i][r - self._table_rows[i]] for i, r in zip(which, rows, strict=True)])

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
                f"{table.path} ({table.env_id}) has the action channels {', '.join(table.codec.names)} but {first.path} "
                f"({first.env_id}) has {', '.join(first.codec.names)}; train on tables with equal channels."
            )
        if table.frame_shape != first.frame_shape:
            raise WorldsimError(
                f"{table.path} has frames of {table.frame_shape[:2]} but {first.path} of {first.frame_shape[:2]} "
                "(height, width); record both at one size."
            )
    return first.codec
