"""Clips from tables of several frame sizes: each batch comes from one table, drawn with the table's share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import derive_seed, stream
from worldsim.data.clips import ClipReader, Clips
from worldsim.data.store import EpisodeTable


class ClipMixture:
    """Batches of about equally many pixels: ``batch`` clips of the smallest frames, fewer of larger ones.

    ``shares`` say how often each table is drawn (any positive scale; 0 leaves one out, () is the tables' frames).
    Batch n is a function of (seed, n) alone. Raises WorldsimError when the tables' action channels differ.
    """

    def __init__(
        self, tables: Sequence[EpisodeTable], frames: int, batch: int, seed: int, shares: Sequence[float] = (),
        latents: Sequence[Path] | None = None, captions: bool = False, termination_share: float = 0.0,
    ):  # fmt: skip
        if shares and len(shares) != len(tables):
            raise WorldsimError(f"{len(shares)} shares for {len(tables)} tables; give one for each table, or none.")
        if any(share < 0 for share in shares) or (shares and not any(shares)):
            raise WorldsimError(f"shares={list(shares)} must be 0 or more, and one of them more than 0.")
        self.tables = list(tables)
        weights = np.array(shares or [table.episodes.lengths.sum() for table in tables], float)
        self.shares = weights / weights.sum()
        self.seed = derive_seed(seed, "mixture")
        pixels = [table.frame_shape[0] * table.frame_shape[1] for table in tables]
        smallest = min(pixel for pixel, share in zip(pixels, self.shares, strict=True) if share)
        self.batches = [max(1, round(batch * smallest / pixel)) for pixel in pixels]
        for table in tables[1:]:
            if table.codec != tables[0].codec:
                raise WorldsimError(
                    f"{table.path} ({table.env_id}) and {tables[0].path} ({tables[0].env_id}) have other action "
                    f"channels: {', '.join(table.codec.names)} and {', '.join(tables[0].codec.names)}."
                )
        self.readers = [
            ClipReader(
                [table], frames, count, derive_seed(seed, number),
                termination_share=termination_share if table.episodes.terminated.any() else 0.0,
                pad_endings=True, captions=captions, latents=None if latents is None else [latents[number]],
            ) if share else None
            for number, (table, count, share) in enumerate(zip(tables, self.batches, self.shares, strict=True))
        ]  # fmt: skip

    def batch(self, step: int) -> Clips:
        """Batch number ``step``."""
        number = int(stream(self.seed, "table", step).choice(len(self.shares), p=self.shares))
        reader = self.readers[number]
        assert reader is not None
        return reader.batch(step)
