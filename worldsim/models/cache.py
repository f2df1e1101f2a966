"""The ring key-value cache of a streaming rollout: constant memory and constant cost a frame for any length.

Layout per layer: room for K *kept* frames from before the window, W frames of keys and values in a ring, then room for
the one frame that is being denoised, so that attention over "kept, window and self" is a view, never a copy.

Frames that leave the window are kept in two ways: the first ones of a stream are *sinks* (Xiao et al. 2023), visible
for ever; the others go into a bounded archive, from which a few are recalled for each new frame. All of them stand just
before the window, however old they are, so a stream of any length stays within the distances of training.

Legend: L layers, B slots, H heads, W window in frames, K kept frames shown, M recalled ones, P tokens a frame, E head
width, F frames, Q queries of one or two frames, G heads of all slots (B * H).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from worldsim.models.attention import as_bias
from worldsim.models.layers import rope_table, rotate

if TYPE_CHECKING:
    from worldsim.models.mosaic import Mosaic


class PerSlot:
    """A dataclass of tensors with an axis of slots: the second one where the name says so (_LB), else the first."""

    def _axes(self) -> dict[str, tuple[Tensor, int]]:
        values = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return {name: (value, 1 if "_LB" in name else 0) for name, value in values.items()}

    def _inner(self) -> dict[str, PerSlot]:
        return {name: value for name, value in vars(self).items() if isinstance(value, PerSlot)}

    def select(self, slots: Tensor) -> Self:
        """An independent copy of the given slots (repeats allowed)."""
        chosen = {
            name: value.index_select(axis, slots.to(value.device)) for name, (value, axis) in self._axes().items()
        }
        inner = {name: value.select(slots) for name, value in self._inner().items()}
        return replace(self, **chosen, **inner)  # type: ignore[type-var]

    def assign(self, slots: Tensor, other: Self) -> None:
        """Overwrite the given slots by those of ``other``, in order."""
        new, new_inner = other._axes(), other._inner()
        for name, (value, axis) in self._axes().items():
            value.index_copy_(axis, slots.to(value.device), new[name][0])
        for name, part in self._inner().items():
            part.assign(slots, new_inner[name])


@dataclass
class Archive(PerSlot):
    """Frames that left the window, as they were written: the ``sinks`` first ones, then the newest ``frames``."""

    keys_LBHNE: Tensor  # N = (sinks + frames) * P, each rotated to its own time
    values_LBHNE: Tensor
    recalled_BM: Tensor  # times of the frames shown besides the sinks, -1 for none
    sinks: int
    frames: int

    @property
    def shown(self) -> int:
        """Kept frames that attention has room for (K)."""
        return self.sinks + self.recalled_BM.shape[1]

    def places(self, time: Tensor) -> Tensor:
        """Where the frames of these times are, in frames."""
        return torch.where(time < self.sinks, time, self.sinks + (time - self.sinks) % max(self.frames, 1))

    def times_BK(self) -> Tensor:
        """Of the frames that are to be shown, -1 for none."""
        sink_BS = torch.arange(self.sinks, device=self.recalled_BM.device).expand(len(self.recalled_BM), -1)
        return torch.cat((sink_BS, self.recalled_BM), 1)


@dataclass
class RingCache(PerSlot):
    """Keys and values of the last W context frames of each slot; ``count_B`` frames have been written to each slot."""

    keys_LBHNE: Tensor  # N = (K + W + 1) * P
    values_LBHNE: Tensor
    count_B: Tensor  # int64
    window: int
    tokens_per_frame: int
    archive: Archive | None = None
    mosaic: Mosaic | None = None  # of the same frames, where the network is shown one

    @classmethod
    def empty(
        cls, layers: int, slots: int, heads: int, head_dim: int, window: int, tokens_per_frame: int,
        sinks: int = 0, recalled: int = 0, archived: int = 0, **like,
    ) -> RingCache:  # fmt: skip
        """``recalled`` frames beside the ``sinks`` can be shown, out of the ``archived`` that left the window last."""

        def room(frames: int) -> Tensor:
            return torch.zeros(layers, slots, heads, frames * tokens_per_frame, head_dim, **like)

        count_B = torch.zeros(slots, dtype=torch.int64, device=like.get("device"))
        archive = None
        if sinks or recalled:
            none_BM = count_B[:, None].expand(-1, recalled) - 1
            archive = Archive(room(sinks + archived), room(sinks + archived), none_BM.contiguous(), sinks, archived)
        frames = (archive.shown if archive else 0) + window + 1
        return cls(room(frames), room(frames), count_B, window, tokens_per_frame, archive)

    @property
    def kept(self) -> int:
        """Kept frames that attention has room for (K)."""
        return 0 if self.archive is None else self.archive.shown

    def begin_frame(self, recall_BM: Tensor | None = None) -> FrameView:
        """For the first denoising step of a frame: where the newest context frame goes, and what may be attended to.

        ``recall_BM``: times of archived frames that this frame sees, -1 for none.
        """
        place_B = self.count_B % self.window
        if self.archive is not None:
            self._archive(self.archive, place_B)
        self.count_B = self.count_B + 1
        if self.archive is not None:
            if recall_BM is not None:
                self.archive.recalled_BM = recall_BM
            self._show(self.archive)
        return FrameView(self, self.kept + place_B, self._visible())

    def same_frame(self) -> FrameView:
        """For further denoising steps of the same frame: nothing is written to the ring."""
        return FrameView(self, None, self._visible())

    def _archive(self, archive: Archive, place_B: Tensor) -> None:
        """Put the frame that is about to be overwritten in the ring into the archive."""
        leaving_B = self.count_B - self.window
        slots = torch.nonzero((leaving_B >= 0) & ((leaving_B < archive.sinks) | (archive.frames > 0)))[:, 0]
        if len(slots):
            source, target = self.kept + place_B[slots], archive.places(leaving_B[slots])
            for ring, stored in ((self.keys_LBHNE, archive.keys_LBHNE), (self.values_LBHNE, archive.values_LBHNE)):
                self._frames(stored)[:, slots, :, target] = self._frames(ring)[:, slots, :, source]

    def _show(self, archive: Archive) -> None:
        """Copy the kept frames beside the ring, turned to stand just before the window."""
        time_BK = archive.times_BK()
        place_BK = archive.places(time_BK.clamp(min=0))
        slot_B1 = torch.arange(len(time_BK), device=time_BK.device)[:, None]
        moved_BK = self.count_B[:, None] - self.window - 1 - time_BK
        position_BK3 = torch.stack((moved_BK, torch.zeros_like(moved_BK), torch.zeros_like(moved_BK)), -1)
        cos_BKE, sin_BKE = rope_table(position_BK3, self.keys_LBHNE.shape[-1], torch.float32)

        def gathered(stored: Tensor) -> Tensor:
            return self._frames(stored)[:, slot_B1, :, place_BK].permute(2, 0, 3, 1, 4, 5)  # (L, B, H, K, P, E)

        keys = rotate(gathered(archive.keys_LBHNE).float(), cos_BKE[:, None, :, None], sin_BKE[:, None, :, None])
        self._frames(self.keys_LBHNE)[:, :, :, : self.kept] = keys.to(self.keys_LBHNE.dtype)
        self._frames(self.values_LBHNE)[:, :, :, : self.kept] = gathered(archive.values_LBHNE)

    def _frames(self, tokens_LBHNE: Tensor) -> Tensor:
        return tokens_LBHNE.unflatten(3, (-1, self.tokens_per_frame))

    def _visible(self) -> Tensor | None:
        """(B, 1, 1, N), False where nothing stands yet; None once all slots are full."""
        filled_B = self.count_B.clamp(max=self.window)
        shown_BK = None
        if self.archive is not None:
            time_BK = self.archive.times_BK()
            shown_BK = (time_BK >= 0) & (time_BK < self.count_B[:, None] - self.window)
        if int(filled_B.min()) == self.window and (shown_BK is None or bool(shown_BK.all())):
            return None
        frame_F = torch.arange(self.window + 1, device=filled_B.device)
        visible_BF = (frame_F < filled_B[:, None]) | (frame_F == self.window)
        if shown_BK is not None:
            visible_BF = torch.cat((shown_BK, visible_BF), 1)
        return visible_BF.repeat_interleave(self.tokens_per_frame, 1)[:, None, None, :]


class FrameView:
    """One network call's access to the cache: where keys and values go, and what is visible."""

    def __init__(self, cache: RingCache, place_B: Tensor | None, mask_B11N: Tensor | None):
        self.cache, self.mask_B11N = cache, mask_B11N
        self._place_B = place_B  # in frames, of the context frame; None where none is written
        places = set() if place_B is None else set(place_B.tolist())
        self._common_place = places.pop() if len(places) == 1 else None
        self._slot_B = torch.arange(len(cache.count_B), device=cache.count_B.device)
        self.bias_GQN = self._bias()

    @property
    def frames(self) -> int:
        """Frames that ask and are written: the one that is being denoised, and the context frame before it."""
        return 1 if self._place_B is None else 2

    def write(self, layer: int, k_BHFPE: Tensor, v_BHFPE: Tensor) -> None:
        """Keys and values of the context frame, if one is written, and then of the frame that is being denoised."""
        for stored_LBHNE, new in ((self.cache.keys_LBHNE, k_BHFPE), (self.cache.values_LBHNE, v_BHFPE)):
            stored = stored_LBHNE[layer].unflatten(2, (-1, self.cache.tokens_per_frame))
            stored[:, :, -1] = new[:, :, -1]
            if self._common_place is not None:
                stored[:, :, self._common_place] = new[:, :, 0]
            elif self._place_B is not None:
                stored[self._slot_B, :, self._place_B] = new[:, :, 0]

    def seen(self, layer: int) -> tuple[Tensor, Tensor]:
        """Keys and values (G, N, E) of all slots' heads: kept frames, the ring, and the frame that is denoised."""
        return self.cache.keys_LBHNE[layer].flatten(0, 1), self.cache.values_LBHNE[layer].flatten(0, 1)

    def _bias(self) -> Tensor | None:
        """What is added to the scores (G or 1, Q, N) of the queries of ``write``'s frames; None where all is seen.

        Nothing of the frame that is being denoised is seen by the context frame before it.
        """
        keys, tokens = self.cache.keys_LBHNE, self.cache.tokens_per_frame
        own_QN = _own_frame_hidden(self.frames, tokens, keys.shape[3], keys.dtype, keys.device)
        if self.mask_B11N is None:
            return own_QN
        bias_BQN = as_bias(self.mask_B11N[:, 0], keys.dtype)
        bias_BQN = bias_BQN.expand(-1, self.frames * tokens, -1) if own_QN is None else bias_BQN + own_QN
        return bias_BQN.repeat_interleave(keys.shape[2], 0)


@lru_cache(maxsize=32)
def _own_frame_hidden(frames: int, tokens: int, keys: int, dtype: torch.dtype, device: torch.device) -> Tensor | None:
    if frames == 1:
        return None
    visible_QN = torch.ones(2 * tokens, keys, dtype=torch.bool, device=device)
    visible_QN[:tokens, -tokens:] = False
    return as_bias(visible_QN, dtype)
