"""What a rollout gives the transformer, and attention on its ring cache: a frame at a time, or a beginning at once.

Legend: B slots, M recalled frames, N tokens, P tokens a frame, F frames of a network call (one or two), Q = F * P
queries of a slot, H heads, G = B * H, E head width, D = H * E, A action channels, C latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from worldsim.models.attention import attention, clip_bias, clip_chunks
from worldsim.models.block import TextKeys
from worldsim.models.cache import FrameView, RingCache
from worldsim.models.layers import frame_rope, norm, rotate
from worldsim.models.layout import text_attention


@dataclass
class StreamContext:
    """What is told of the newest context frame as it enters the cache, already noised to ``noise_B``."""

    before_BChw: Tensor  # the frame before it; zeros for the first frame of a stream
    noise_B: Tensor
    action_BA: Tensor
    action_known_B: Tensor
    own_B: Tensor | None = None  # 1 where the network made it itself; None: nowhere
    recall_BM: Tensor | None = None  # times of archived frames for the next frame to see, -1 for none
    clean_BChw: Tensor | None = None  # before it was noised; None: as it is


class StreamPass:
    """One network call of a rollout: the context frame, if one is written, and the frame that is denoised.

    Tokens are frame after frame, in each frame slot after slot: (F * B, P, D), so that those of the frame that is
    denoised are the last part of them.
    """

    def __init__(self, view: FrameView, time_B: Tensor, height: int, width: int):
        """``time_B``: of the frame that is denoised; ``height`` and ``width`` in tokens."""
        self.view, self.frames, self.slots = view, view.frames, len(time_B)
        _, _, self.heads, _, self.head_dim = view.cache.keys_LBHNE.shape
        time_BF = time_B[:, None] + torch.arange(1 - self.frames, 1, device=time_B.device)
        tables = frame_rope(time_BF, height, width, self.head_dim, view.cache.keys_LBHNE.dtype)
        self._cos_B1QE, self._sin_B1QE = (table.flatten(1, 2)[:, None] for table in tables)

    def attend(self, layer: int, qkv: Tensor, last: bool) -> Tensor:
        """Attention on the ring cache, after its keys are written: (F * B, P, 3 D) to (F * B, P, D).

        In the ``last`` layer the context frame has nothing left to say: only the frame that is denoised, (B, P, D).
        """
        F, B, H, E = self.frames, self.slots, self.heads, self.head_dim
        qkv_3BHFPE = qkv.view(F, B, -1, 3, H, E).permute(3, 1, 4, 0, 2, 5)
        q_BHQE, k_BHQE = rotate(norm(qkv_3BHFPE[:2]).flatten(3, 4), self._cos_B1QE, self._sin_B1QE)
        self.view.write(layer, k_BHQE.view(qkv_3BHFPE.shape[1:]), qkv_3BHFPE[2])
        bias_GQN = self.view.bias_GQN
        if last and F > 1:
            F, P = 1, qkv.shape[1]
            q_BHQE, bias_GQN = q_BHQE[:, :, -P:], None if bias_GQN is None else bias_GQN[..., -P:, :]
        out_GQE = attention(q_BHQE.flatten(0, 1), *self.view.seen(layer), bias_GQN)
        return out_GQE.view(B, H, F, -1, E).permute(2, 0, 3, 1, 4).reshape(F * B, -1, H * E)

    def attend_text(self, q_HNE: Tensor, text: TextKeys, layer: int) -> Tensor:
        """What tokens of one or both frames take from their slot's prompt (H, N, E)."""
        P, E = self.view.cache.tokens_per_frame, self.head_dim
        q_HFBPE = q_HNE.view(self.heads, -1, self.slots, P, E)
        out_BHQE = text_attention(q_HFBPE.permute(2, 0, 1, 3, 4).flatten(2, 3), *text.keys[layer], text.bias_BL)
        return out_BHQE.unflatten(2, (-1, P)).permute(1, 2, 0, 3, 4).flatten(1, 3)


class PrefillPass:
    """One network call for the first frames of a stream, all of them context: (B * T, P, D) tokens, slot after slot."""

    def __init__(self, cache: RingCache, frames: int, height: int, width: int):
        """``height`` and ``width`` in tokens."""
        self.cache, self.frames = cache, frames
        _, self.slots, self.heads, _, self.head_dim = cache.keys_LBHNE.shape
        keys = cache.keys_LBHNE
        time_1T = torch.arange(frames, device=keys.device)[None]
        tables = frame_rope(time_1T, height, width, self.head_dim, keys.dtype)
        self._cos_NE, self._sin_NE = (table.flatten(0, 2) for table in tables)
        self._bias_NC = clip_bias(frames, cache.window, cache.tokens_per_frame, keys.dtype, keys.device)

    def write(self, layer: int, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Keys and values of the newest frames to the ring; queries, keys and values (B, H, N, E) of all."""
        qkv_3BHNE = qkv.view(self.slots, -1, 3, self.heads, self.head_dim).permute(2, 0, 3, 1, 4)
        q_BHNE, k_BHNE = rotate(norm(qkv_3BHNE[:2]), self._cos_NE, self._sin_NE)
        time_F = torch.arange(max(0, self.frames - self.cache.window), self.frames, device=qkv.device)
        for stored_LBHNE, new in ((self.cache.keys_LBHNE, k_BHNE), (self.cache.values_LBHNE, qkv_3BHNE[2])):
            stored, frames = (x.unflatten(2, (-1, self.cache.tokens_per_frame)) for x in (stored_LBHNE[layer], new))
            stored[:, :, time_F % self.cache.window] = frames[:, :, time_F]
        return q_BHNE, k_BHNE, qkv_3BHNE[2]

    def attend(self, layer: int, qkv: Tensor) -> Tensor:
        """(B * T, P, 3 D) to (B * T, P, D), after the ring is written."""
        q_GNE, k_GNE, v_GNE = (x.flatten(0, 1) for x in self.write(layer, qkv))
        P, outputs = self.cache.tokens_per_frame, []
        for first, last, oldest in clip_chunks(self.frames, self.cache.window):
            rows, seen = slice(first * P, last * P), slice(oldest * P, last * P)
            outputs.append(attention(q_GNE[:, rows], k_GNE[:, seen], v_GNE[:, seen], self._bias_NC[rows, seen]))
        out_BHNE = torch.cat(outputs, 1).unflatten(0, (self.slots, self.heads))
        return out_BHNE.transpose(1, 2).reshape(*qkv.shape[:2], -1)

    def attend_text(self, q_HNE: Tensor, text: TextKeys, layer: int) -> Tensor:
        """What tokens take from their slot's prompt (H, N, E)."""
        q_BHNE = q_HNE.unflatten(1, (self.slots, -1)).transpose(0, 1)
        return text_attention(q_BHNE, *text.keys[layer], text.bias_BL).transpose(0, 1).flatten(1, 2)
