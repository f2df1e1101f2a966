"""The ring key-value cache of a streaming rollout: constant memory and constant cost a frame for any length.

Layout per layer: W frames of keys and values in a ring, then room for the one frame that is being denoised, so that
attention over "window and self" is a view, never a copy.

Legend: L layers, B slots, H heads, W window in frames, P tokens a frame, E head width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class RingCache:
    """Keys and values of the last W context frames of each slot; ``count_B`` frames have been written to each slot."""

    keys_LBHNE: Tensor  # N = (W + 1) * P
    values_LBHNE: Tensor
    count_B: Tensor  # int64
    window: int
    tokens_per_frame: int

    @classmethod
    def empty(
        cls, layers: int, slots: int, heads: int, head_dim: int, window: int, tokens_per_frame: int, **like
    ) -> RingCache:
        shape = (layers, slots, heads, (window + 1) * tokens_per_frame, head_dim)
        count_B = torch.zeros(slots, dtype=torch.int64, device=like.get("device"))
        return cls(torch.zeros(shape, **like), torch.zeros(shape, **like), count_B, window, tokens_per_frame)

    def select(self, slots: Tensor) -> RingCache:
        """An independent copy of the given slots (repeats allowed)."""
        return RingCache(
            self.keys_LBHNE[:, slots].clone(),
            self.values_LBHNE[:, slots].clone(),
            self.count_B[slots].clone(),
            self.window,
            self.tokens_per_frame,
        )

    def assign(self, slots: Tensor, other: RingCache) -> None:
        """Overwrite the given slots by those of ``other``, in order."""
        self.keys_LBHNE[:, slots] = other.keys_LBHNE
        self.values_LBHNE[:, slots] = other.values_LBHNE
        self.count_B[slots] = other.count_B

    def begin_frame(self) -> FrameView:
        """For the first denoising step of a frame: where the newest context frame goes, and what may be attended to."""
        place_B = self.count_B % self.window
        self.count_B = self.count_B + 1
        return FrameView(self, place_B, self._visible())

    def same_frame(self) -> FrameView:
        """For further denoising steps of the same frame: nothing is written to the ring."""
        return FrameView(self, None, self._visible())

    def _visible(self) -> Tensor | None:
        """(B, 1, 1, N), False where a slot's ring is still empty; None once every slot's is full."""
        filled_B = self.count_B.clamp(max=self.window)
        if int(filled_B.min()) == self.window:
            return None
        frame_N = torch.arange(self.window + 1, device=filled_B.device).repeat_interleave(self.tokens_per_frame)
        return ((frame_N < filled_B[:, None]) | (frame_N == self.window))[:, None, None, :]


@dataclass
class FrameView:
    """One network call's access to the cache: where to write, what is visible."""

    cache: RingCache
    place_B: Tensor | None
    mask_B11N: Tensor | None

    def write_context(self, layer: int, k_BHPE: Tensor, v_BHPE: Tensor) -> None:
        assert self.place_B is not None
        tokens = self.cache.tokens_per_frame
        places = self.place_B.tolist()
        for target, new in ((self.cache.keys_LBHNE[layer], k_BHPE), (self.cache.values_LBHNE[layer], v_BHPE)):
            if len(set(places)) == 1:
                target[:, :, places[0] * tokens : (places[0] + 1) * tokens] = new
            else:
                for slot, place in enumerate(places):
                    target[slot, :, place * tokens : (place + 1) * tokens] = new[slot]

    def write_target(self, layer: int, k_BHPE: Tensor, v_BHPE: Tensor) -> None:
        tokens = self.cache.tokens_per_frame
        self.cache.keys_LBHNE[layer][:, :, -tokens:] = k_BHPE
        self.cache.values_LBHNE[layer][:, :, -tokens:] = v_BHPE

    def context(self, layer: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keys, values and mask that a context frame's tokens see: the ring, themselves included."""
        ring = self.cache.window * self.cache.tokens_per_frame
        mask = None if self.mask_B11N is None else self.mask_B11N[..., :ring]
        return self.cache.keys_LBHNE[layer][:, :, :ring], self.cache.values_LBHNE[layer][:, :, :ring], mask

    def window_and_self(self, layer: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Keys, values and mask that the tokens of the frame being denoised see."""
        return self.cache.keys_LBHNE[layer], self.cache.values_LBHNE[layer], self.mask_B11N
