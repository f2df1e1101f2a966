"""The transformer's block: self-attention, now and then attention to the text, and an MLP, modulated per frame.

Legend: N tokens, F frames, P tokens a frame, D width, H heads, E head width, L words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from worldsim.models.layers import Linear, norm, rotate

ALL = slice(None)
Spread = Callable[[Tensor], Tensor]  # a vector for each frame (F, D), brought to the frame's tokens
Modulation = Sequence[Tensor]  # shift, scale and gate of the attention, then of the MLP, as they fit the tokens
Attend = Callable[[Tensor], Tensor]  # queries, keys and values side by side (..., 3 D) to outputs (..., D)


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
        self, x: Tensor, modulation: Modulation, attend: Attend,
        attend_text: Callable[[Tensor], Tensor] | None = None, frames: slice = ALL,
    ) -> Tensor:  # fmt: skip
        """Tokens ``x`` (F, P, D) or (N, 1, D) to those of ``frames``, the only ones that ``attend`` answers for.

        ``modulation``: (F, 1, D) or (N, 1, D) each, the scales with 1 added. ``attend_text``: queries (H, N, E) to
        outputs.
        """
        shift1, scale1, gate1, shift2, scale2, gate2 = modulation
        y = self.out(attend(self.qkv(torch.addcmul(shift1, norm(x), scale1))))
        x = torch.addcmul(x[frames], gate1[frames], y)
        if self.text is not None and attend_text is not None:
            x = x + self.text(norm(x), attend_text)
        y = torch.addcmul(shift2[frames], norm(x), scale2[frames])
        return torch.addcmul(x, gate2[frames], self.down(self.up(y, gelu=True)))

    def modulated(self, shared_F6D: Tensor, spread: Spread) -> Modulation:
        """The modulation of this block's tokens from the one that all blocks share."""
        shift1, scale1, gate1, shift2, scale2, gate2 = (shared_F6D + self.modulation.to(shared_F6D.dtype)).unbind(1)
        return [spread(part) for part in (shift1, 1 + scale1, gate1, shift2, 1 + scale2, gate2)]


def split_heads(qkv: Tensor, heads: int, rope: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values (H, N, E) of N tokens (..., 3 D), normalised and rotated to their places."""
    qkv_3HNE = qkv.reshape(-1, 3, heads, qkv.shape[-1] // (3 * heads)).permute(1, 2, 0, 3)
    q_HNE, k_HNE = rotate(norm(qkv_3HNE[:2]), *rope)
    return q_HNE, k_HNE, qkv_3HNE[2]


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
