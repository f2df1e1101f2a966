"""Attention over packed clips on a GPU: flex attention under a block mask made by the rule of ``sees``.

One kernel over the whole sequence (Dong et al. 2024): blocks of tokens that do not see each other, such as those of
different clips, are skipped. On a CPU the kernels of :mod:`worldsim.models.attention` are faster.

Legend: N tokens, H heads, E head width.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from worldsim.models.attention import sees

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask


def packed_mask(clip_N: Tensor, kind_N: Tensor, time_N: Tensor, window: int) -> BlockMask:
    """Which blocks of tokens see each other, from each token's clip (any number), kind of frame and time."""
    from torch.nn.attention.flex_attention import create_block_mask

    def visible(batch: Tensor, head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return (clip_N[q] == clip_N[k]) & sees(kind_N[q], time_N[q], kind_N[k], time_N[k], window)

    count = len(clip_N)
    return create_block_mask(visible, None, None, count, count, device=clip_N.device)


def packed_attention(q_HNE: Tensor, k_HNE: Tensor, v_HNE: Tensor, mask: BlockMask) -> Tensor:
    """Attention (H, N, E) under a block mask; compiled on a GPU, where it is one kernel."""
    attend = _compiled() if q_HNE.is_cuda else _plain()
    return attend(q_HNE[None], k_HNE[None], v_HNE[None], block_mask=mask)[0]


def _plain() -> Any:
    from torch.nn.attention.flex_attention import flex_attention

    return flex_attention


@lru_cache(maxsize=1)
def _compiled() -> Any:
    return torch.compile(_plain(), dynamic=True)  # packed sequences have many lengths
