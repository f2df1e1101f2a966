"""What the transformer is given: clips to be denoised frame after frame (streaming) or all at once (joint).

Legend: B clips, T frames, S = T - 1 targets, C latent channels, h and w latent sides, A action channels, P tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from worldsim.models.text import TextTokens


@dataclass
class StreamClips:
    """Clips of noised context frames 0..T-1, and targets 1..T-1 at any noise level.

    ``target_BSChw[:, s]`` is frame s + 1; ``actions_BSA[:, s]`` led to it and counts where ``action_known_BS`` is 1.
    """

    context_BTChw: Tensor
    context_noise_BT: Tensor
    target_BSChw: Tensor
    target_noise_BS: Tensor
    actions_BSA: Tensor
    action_known_BS: Tensor | None = None  # None: all
    text: TextTokens | None = None
    step_size_BS: Tensor | None = None  # of the sampler that asks; None or 0: infinitely small
    keep_BSP: Tensor | None = None  # tokens of the targets that are not dropped; None: all


@dataclass
class JointClips:
    """Clips whose frames see each other; frames with ``given_BT`` are context, noised to their level as all others.

    Frame 0 has no action: ``actions_BSA[:, s]`` leads from frame s to s + 1.
    """

    frames_BTChw: Tensor
    noise_BT: Tensor
    given_BT: Tensor  # bool
    actions_BSA: Tensor
    action_known_BS: Tensor
    text: TextTokens | None = None
    step_size_B: Tensor | None = None
    keep_BTP: Tensor | None = None


def between_given(frames_BTChw: Tensor, given_BT: Tensor) -> Tensor:
    """For each frame the given ones around it, mixed by their distance in time; zeros for a clip with none.

    It is the reference that a joint clip is predicted as a change to, as the frame before is in a streaming clip.
    """
    T = frames_BTChw.shape[1]
    time_T = torch.arange(T, device=given_BT.device)
    before_BT = torch.where(given_BT, time_T, -1).cummax(1).values
    after_BT = torch.where(given_BT, time_T, T).flip(1).cummin(1).values.flip(1)
    any_BT = given_BT.any(1, keepdim=True)
    first_BT = torch.where(before_BT < 0, after_BT, before_BT).clamp(0, T - 1)
    last_BT = torch.where(after_BT >= T, before_BT, after_BT).clamp(0, T - 1)
    span_BT = (last_BT - first_BT).clamp(min=1)
    share_BT = ((time_T - first_BT) / span_BT).clamp(0, 1) * any_BT
    weight_BTT = torch.zeros(*given_BT.shape, T, device=given_BT.device)
    weight_BTT.scatter_add_(2, first_BT[..., None], ((1 - share_BT) * any_BT)[..., None])
    weight_BTT.scatter_add_(2, last_BT[..., None], share_BT[..., None])
    mixed = weight_BTT.to(frames_BTChw.dtype) @ frames_BTChw.flatten(2)
    return mixed.view(frames_BTChw.shape)
