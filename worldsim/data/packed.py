"""Clips of their own size and duration, as many in a batch as a token budget holds (Patch n' Pack, NaViT, 2307.06304).

Nothing is resized, cropped or padded: an attention mask keeps the clips of a batch apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Frames
from worldsim.data.captions import CaptionIndex
from worldsim.data.store import EpisodeTable


@dataclass(frozen=True)
class PackedClip:
    """One clip of a batch; action t leads from frame t to frame t+1."""

    frames: Frames  # (T, H, W, 3), of its own T, H and W
    actions: NDArray[np.float32]  # (T-1, A), A of its own table
    rewards: NDArray[np.float32]  # (T-1,)
    terminated: NDArray[np.bool_]  # (T-1,)
    caption: str  # "" where none covers the clip
    table: int  # which of the reader's tables it is from
    episode: int
    start: int  # its first frame in the episode

    def tokens(self, patch_px: int) -> int:
        return tokens_of(len(self.frames), self.frames.shape[1], self.frames.shape[2], patch_px)


def tokens_of(frames: int, height: int, width: int, patch_px: int) -> int:
    """Tokens of a clip when every ``patch_px`` x ``patch_px`` square of a frame, cut at the border, is one."""
    return frames * -(-height // patch_px) * -(-width // patch_px)


class PackedClipReader:
    """Batches of clips that differ in size and duration and together have at most ``tokens`` tokens.

    A clip is drawn uniformly over all frames as its first, its duration uniformly from ``frames`` (least, most) and cut
    where the episode ends; a clip that is more than what is left of the budget is cut to it, or closes the batch when
    fewer than the least frames would be left. Batch n is a function of (seed, n) alone. Several processes divide the
    batches: with ``share=(rank, ranks)`` step n of a reader is batch ``n * ranks + rank``.
    Raises WorldsimError when no episode is long enough, or one clip can be more than the budget.
    """

    def __init__(
        self,
        tables: Sequence[EpisodeTable],
        tokens: int,
        seed: int,
        *,
        frames: tuple[int, int] = (2, 32),
        patch_px: int = 16,
        share: tuple[int, int] = (0, 1),
    ):
        least, most = frames
        rank, ranks = share
        if not tables or not 1 <= least <= most or patch_px < 1 or not 0 <= rank < ranks:
            raise WorldsimError(
                f"{len(tables)} tables, frames={frames}, patch_px={patch_px}, share={share}: packed clips need "
                "a table, frames as (least, most), a patch of at least 1 pixel and a share as (rank, ranks)."
            )
        self.tables, self.tokens, self.seed = list(tables), tokens, seed
        self.frames, self.patch_px, self.share = frames, patch_px, share
        self._captions = [CaptionIndex(table.captions()) for table in self.tables]
        self._places = [
            (number, episode, int(length) - least + 1)
            for number, table in enumerate(self.tables)
            for episode, length in enumerate(table.episodes.lengths)
            if length >= least
        ]
        if not self._places:
            longest = max(int(table.episodes.lengths.max(initial=0)) for table in self.tables)
            raise WorldsimError(f"no episode has {least} frames; the longest has {longest}: choose shorter clips.")
        self._starts_before = np.cumsum([0] + [starts for _, _, starts in self._places])
        for number, episode, _ in self._places:
            height, width = self.tables[number].episodes.sizes[episode].tolist()
            if tokens_of(least, height, width, patch_px) > tokens:
                raise WorldsimError(
                    f"{least} frames of {height}x{width} are {tokens_of(least, height, width, patch_px)} tokens of "
                    f"{patch_px}x{patch_px} pixels, more than tokens={tokens}: raise tokens= or shorten the clips."
                )

    def batch(self, step: int) -> list[PackedClip]:
        """Batch number ``step`` of this reader's share."""
        rank, ranks = self.share
        number = step * ranks + rank
        rng, left, clips = stream(self.seed, "packed clips", number), self.tokens, []
        while (clip := self._draw(rng, left)) is not None:
            clips.append(clip)
            left -= clip.tokens(self.patch_px)
        return clips

    def _draw(self, rng: np.random.Generator, left: int) -> PackedClip | None:
        least, most = self.frames
        pick = int(rng.integers(self._starts_before[-1]))
        wanted, share = int(rng.integers(least, most + 1)), rng.random(1)
        place = int(np.searchsorted(self._starts_before, pick, side="right")) - 1
        number, episode, _ = self._places[place]
        start = pick - int(self._starts_before[place])
        table = self.tables[number]
        height, width = table.episodes.sizes[episode].tolist()
        room = left // tokens_of(1, height, width, self.patch_px)
        count = min(wanted, int(table.episodes.lengths[episode]) - start, room)
        if count < least:
            return None
        row = np.array([table.episodes.offsets[episode] + start])
        (caption,) = self._captions[number].choose(row, row + count - 1, share)
        frames, actions, rewards, terminated = table.read_clip(episode, start, count)
        return PackedClip(frames, actions, rewards, terminated, caption, number, episode, start)
