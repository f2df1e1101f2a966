"""Attention over a training clip whose context and target frames share one sequence.

The mask has structure: context tokens see context only, and a target sees context and its own frame. Scoring just those
two parts, with the mask added to the product, costs a fifth of ``scaled_dot_product_attention`` under the whole mask on
a CPU (docs/experiments.md), for the same result.

Legend: B batch, H heads, N tokens in all, C context tokens, P tokens a frame, E head width, G = B * H.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor


def clip_attention(q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor, bias_NC: Tensor, tokens: int) -> Tensor:
    """Attention output (B, H, N, E) of C context tokens followed by N - C target tokens, ``tokens`` a frame.

    ``bias_NC`` is 0 where a token sees a context token and -inf where it does not (``clip_bias``).
    """
    B, H, N, E = q_BHNE.shape
    C = bias_NC.shape[1]
    q, k, v = ((x.reshape(B * H, N, E)) for x in (q_BHNE * E**-0.5, k_BHNE, v_BHNE))
    past_GNC = torch.baddbmm(bias_NC.expand(B * H, N, C), q, k[:, :C].mT)
    context_GCE = past_GNC[:, :C].softmax(-1) @ v[:, :C]
    frames = (-1, tokens, E)
    own_GSP = (q[:, C:].reshape(frames) @ k[:, C:].reshape(frames).mT).view(B * H, N - C, tokens)
    weight = torch.cat((past_GNC[:, C:], own_GSP), -1).softmax(-1)
    own_GSE = (weight[..., C:].reshape(-1, tokens, tokens) @ v[:, C:].reshape(frames)).view(B * H, N - C, E)
    target_GSE = torch.baddbmm(own_GSE, weight[..., :C], v[:, :C])
    return torch.cat((context_GCE, target_GSE), 1).view(B, H, N, E)


@lru_cache(maxsize=16)
def clip_bias(frames: int, window: int, tokens: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(N, C): context frame t sees context frames t - window + 1..t, target frame t sees t - window..t - 1."""
    context_time = torch.arange(frames, device=device)
    age_FT = torch.cat((context_time, context_time[1:] - 1))[:, None] - context_time[None]
    hidden_NC = ((age_FT < 0) | (age_FT >= window)).repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
    return torch.zeros(hidden_NC.shape, dtype=dtype, device=device).masked_fill(hidden_NC, float("-inf"))
