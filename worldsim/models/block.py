"""The transformer's block: self-attention, now and then attention to the text, and an MLP, modulated per frame.

Legend: N tokens, F frames, P tokens a frame, D width, H heads, E head width, L words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.layers import Linear, norm, rotate

Spread = Callable[[Tensor], Tensor]  # a vector for each frame (F, D), brought to the frame's tokens
Attend = Callable[[Tensor, Tensor, Tensor], Tensor]  # queries, keys and values (H, N, E) to outputs (H, N, E)


class Block(nn.Module):
    """Attention and MLP, each scaled, shifted and gated per frame."""

    def __init__(self, dim: int, heads: int, mlp_ratio: int, text_width: int | None = None):
        super().__init__()
        self.heads = heads
        self.qkv = Linear(dim, 3 * dim, bias=False)
        self.out = Linear(dim, dim, bias=False)
        self.up = Linear(dim, mlp_ratio * dim)
        self.down = Linear(mlp_ratio * dim, dim)
        # What this block adds to the shared modulation: shift, scale, gate for attention and for the MLP.
        self.modulation = nn.Parameter(torch.randn(6, dim) * 0.02)
        self.text = None if text_width is None else TextAttention(dim, heads, text_width)

    def forward(
        self, x: Tensor, shared_F6D: Tensor, spread: Spread, rope: tuple[Tensor, Tensor], attend: Attend,
        attend_text: Callable[[Tensor], Tensor] | None = None,
    ) -> Tensor:  # fmt: skip
        """``x``: tokens (F, P, D) or (N, 1, D), as ``spread`` fits; ``attend_text``: queries (H, N, E) to outputs."""
        modulation = shared_F6D + self.modulation.to(x.dtype)
        shift1, scale1, gate1, shift2, scale2, gate2 = (spread(part) for part in modulation.unbind(1))
        y = torch.addcmul(shift1, norm(x), 1 + scale1)
        x = torch.addcmul(x, gate1, self.out(self._self_attention(y, rope, attend)))
        if self.text is not None and attend_text is not None:
            x = x + self.text(norm(x), attend_text)
        y = torch.addcmul(shift2, norm(x), 1 + scale2)
        return torch.addcmul(x, gate2, self.down(F.gelu(self.up(y), approximate="tanh")))

    def _self_attention(self, y: Tensor, rope: tuple[Tensor, Tensor], attend: Attend) -> Tensor:
        D = y.shape[-1]
        qkv = self.qkv(y).view(-1, 3, self.heads, D // self.heads).permute(1, 2, 0, 3)  # (3, H, N, E)
        q, k = rotate(norm(qkv[:2]), *rope)
        return attend(q, k, qkv[2]).transpose(0, 1).reshape(y.shape)


class TextAttention(nn.Module):
    """Cross-attention to the words of a clip's prompt; adds nothing before it is trained."""

    def __init__(self, dim: int, heads: int, text_width: int):
        super().__init__()
        self.heads = heads
        self.query = Linear(dim, dim, bias=False)
        self.key_value = Linear(text_width, 2 * dim, bias=False)
        self.out = Linear(dim, dim, bias=False)

    def keys(self, features_BLW: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, H, L, E) of the words, the same for all frames."""
        kv = self.key_value(features_BLW).unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return norm(kv[0]), kv[1]

    def forward(self, y: Tensor, attend_text: Callable[[Tensor], Tensor]) -> Tensor:
        q_HNE = norm(self.query(y).view(-1, self.heads, y.shape[-1] // self.heads).transpose(0, 1))
        return self.out(attend_text(q_HNE).transpose(0, 1).reshape(y.shape))


@dataclass
class TextKeys:
    """What the blocks need of a batch's prompts; the same for every frame, so a rollout computes it once."""

    keys: dict[int, tuple[Tensor, Tensor]]  # of each block that attends to the text: keys, values (B, H, L, E)
    bias_BL: Tensor  # 0 for words, -inf for padding
    summary_BD: Tensor  # added to every frame's conditioning

    def select(self, slots: Tensor) -> TextKeys:
        """An independent copy of the given slots (repeats allowed)."""
        keys = {number: (k_BHLE[slots], v_BHLE[slots]) for number, (k_BHLE, v_BHLE) in self.keys.items()}
        return TextKeys(keys, self.bias_BL[slots], self.summary_BD[slots])

    def assign(self, slots: Tensor, other: TextKeys) -> None:
        """Overwrite the given slots by those of ``other``, in order; both were read to the same length."""
        self.bias_BL[slots], self.summary_BD[slots] = other.bias_BL, other.summary_BD
        for number, pair in self.keys.items():
            for mine, new in zip(pair, other.keys[number], strict=True):
                mine[slots] = new
