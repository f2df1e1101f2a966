"""A frame at a time: what a rollout gives the transformer, and attention on its ring cache.

Legend: B slots, M recalled frames, N tokens of all slots, P tokens a frame, H heads, E head width, A action channels,
C latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from worldsim.models.cache import FrameView
from worldsim.models.layers import rope_table


@dataclass
class StreamContext:
    """The newest context frame as it enters the cache: already noised to ``noise_B``, and the frame before it."""

    before_BChw: Tensor  # zeros for the first frame of a stream
    noise_B: Tensor
    action_BA: Tensor
    action_known_B: Tensor
    recall_BM: Tensor | None = None  # times of archived frames for the next frame to see, -1 for none


def attend_cached(
    q_HNE: Tensor, k_HNE: Tensor, v_HNE: Tensor, slots: int, view: FrameView, layer: int, with_context: bool
) -> Tensor:
    """Outputs (H, N, E) of the frame that is denoised, and of the context frame that is written before it."""
    tokens = view.cache.tokens_per_frame
    q, k, v = (x.unflatten(1, (slots, -1)).transpose(0, 1) for x in (q_HNE, k_HNE, v_HNE))  # (B, H, N, E)
    outputs = []
    if with_context:
        view.write_context(layer, k[:, :, :tokens], v[:, :, :tokens])
    view.write_target(layer, k[:, :, -tokens:], v[:, :, -tokens:])
    if with_context:
        keys, values, mask = view.context(layer)
        outputs.append(F.scaled_dot_product_attention(q[:, :, :tokens], keys, values, attn_mask=mask))
    keys, values, mask = view.window_and_self(layer)
    outputs.append(F.scaled_dot_product_attention(q[:, :, -tokens:], keys, values, attn_mask=mask))
    out = outputs[0] if len(outputs) == 1 else torch.cat(outputs, 2)
    return out.transpose(0, 1).flatten(1, 2)


def stream_rope(time_B: Tensor, frames: int, height: int, width: int, head_dim: int, dtype: torch.dtype):
    """For each slot the frame at ``time_B`` and, with ``frames == 2``, the one before it: (N, E) of all slots."""
    y, x = torch.meshgrid(
        torch.arange(height, device=time_B.device), torch.arange(width, device=time_B.device), indexing="ij"
    )
    grid_P2 = torch.stack((y.reshape(-1), x.reshape(-1)), -1)
    time_BF = time_B[:, None] + torch.arange(1 - frames, 1, device=time_B.device)
    time_BN = time_BF.repeat_interleave(len(grid_P2), 1)
    grid_BN2 = grid_P2.repeat(frames, 1).expand(len(time_B), -1, -1)
    return rope_table(torch.cat((time_BN[..., None], grid_BN2), -1).flatten(0, 1), head_dim, dtype)
