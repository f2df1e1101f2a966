"""Clips from tables of several frame sizes: a batch has one size and duration, a pack is several such batches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import derive_seed, stream
from worldsim.data.clips import ClipReader, Clips
from worldsim.data.store import EpisodeTable


def require_same_actions(tables: Sequence[EpisodeTable]) -> None:
    """WorldsimError for tables that differ in their action channels: one network takes one set of them."""
    for table in tables[1:]:
        if table.codec != tables[0].codec:
            raise WorldsimError(
                f"{table.path} ({table.env_id}) and {tables[0].path} ({tables[0].env_id}) have other action "
                f"channels: {', '.join(table.codec.names)} and {', '.join(tables[0].codec.names)}; a simulator learns "
                "the games of one action space."
            )


class ClipMixture:
    """Packs of about equally many pixels: as ``batch`` clips of the smallest frames and the longest duration.

    A pack is of ``groups`` batches, each from a table drawn with its share and of a duration drawn from ``frames``;
    they divide the pixels among them, and each holds a clip at least. ``shares`` are of any positive scale; 0 leaves a
    table out, () is the tables' frames. Pack n is a function of (seed, n) alone; ``share`` is (rank, ranks) of a
    process that has part of it, see ``ClipReader``. Raises WorldsimError when the tables' action channels differ, or no
    episode of one is as long as the longest duration.
    """

    def __init__(
        self, tables: Sequence[EpisodeTable], frames: int | Sequence[int], batch: int, seed: int,
        shares: Sequence[float] = (), latents: Sequence[Path] | None = None, captions: bool = False,
        termination_share: float = 0.0, groups: int = 1, captioner: str | None = None,
        share: tuple[int, int] = (0, 1),
    ):  # fmt: skip
        if shares and len(shares) != len(tables):
            raise WorldsimError(f"{len(shares)} shares for {len(tables)} tables; give one for each table, or none.")
        if any(share < 0 for share in shares) or (shares and not any(shares)):
            raise WorldsimError(f"shares={list(shares)} must be 0 or more, and one of them more than 0.")
        self.tables, self.groups = list(tables), groups
        self.durations = [frames] if isinstance(frames, int) else list(frames)
        weights = np.array(shares or [table.episodes.lengths.sum() for table in tables], float)
        self.shares = weights / weights.sum()
        self.seed = derive_seed(seed, "mixture")
        self._pixels = [table.frame_shape[0] * table.frame_shape[1] for table in tables]
        smallest = min(pixel for pixel, share in zip(self._pixels, self.shares, strict=True) if share)
        self.budget = batch * smallest * max(self.durations)
        require_same_actions(tables)
        self.readers = [
            ClipReader(
                [table], max(self.durations), batch, derive_seed(seed, number),
                termination_share=termination_share if table.episodes.terminated.any() else 0.0,
                pad_endings=True, captions=captions, captioner=captioner,
                latents=None if latents is None else [latents[number]], share=share,
            ) if weight else None
            for number, (table, weight) in enumerate(zip(tables, self.shares, strict=True))
        ]  # fmt: skip

    def batch(self, step: int) -> Clips:
        """Pack number ``step`` of a mixture of one group."""
        (clips,) = self.pack(step)
        return clips

    def pack(self, step: int) -> list[Clips]:
        """Pack number ``step``, one batch for each group."""
        left, clips = self.budget, []
        for group in range(self.groups):
            draw = step * self.groups + group
            number = int(stream(self.seed, "table", draw).choice(len(self.shares), p=self.shares))
            frames = self.durations[int(stream(self.seed, "duration", draw).integers(len(self.durations)))]
            count = self.clips_within(left, self.groups - group, number, frames)
            reader = self.readers[number]
            assert reader is not None
            clips.append(reader.batch(draw, frames, count))
            left -= count * frames * self._pixels[number]
        return clips

    def clips_within(self, budget: int, groups: int, table: int, frames: int) -> int:
        """Clips of a table and duration in one of the ``groups`` that share ``budget`` frames times pixels."""
        return max(1, round(budget / (groups * frames * self._pixels[table])))
