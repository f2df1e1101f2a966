"""What the transformer is given: clips to be denoised frame after frame (streaming) or all at once (joint).

Legend: B clips, T frames, S = T - 1 targets, C latent channels, h and w latent sides, A action channels, P tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from worldsim.models.attention import CONTEXT, JOINT, TARGET
from worldsim.models.text import TextTokens


@dataclass
class FrameInputs:
    """What each frame of a sequence is conditioned on besides the text."""

    noise_F: Tensor
    action_FA: Tensor  # scaled
    known_F: Tensor  # 1 where the action is known
    step_F: Tensor

    @staticmethod
    def joined(parts: Sequence[FrameInputs]) -> FrameInputs:
        return FrameInputs(*(torch.cat(columns) for columns in zip(*(vars(p).values() for p in parts), strict=True)))


@dataclass
class Entry:
    """Clips as frames of the sequence: for a joint clip its frames, for a streaming one context, then targets.

    The frames that are predicted are the last of each clip.
    """

    frames_BFChw: Tensor  # noised
    reference_BFChw: Tensor  # what each frame is shown beside, and predicted as a change to
    kind_BF: Tensor  # CONTEXT, TARGET or JOINT
    inputs: FrameInputs
    follows: bool  # whether a frame's reference is the frame that its action leads from
    predicted: int  # frames of each clip
    keep_BFP: Tensor | None  # tokens that are not dropped; None: all
    own_BT: Tensor | None = None  # 1 where a context frame is not real; None: nowhere
    clean_BTChw: Tensor | None = None  # context frames before they were noised; None: as they are


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
    own_BT: Tensor | None = None  # 1 where a context frame is not real, but as the network makes them; None: nowhere
    clean_BTChw: Tensor | None = None  # context frames before they were noised; None: as they are

    @property
    def length(self) -> int:
        return self.context_noise_BT.shape[1]

    def entry(self) -> Entry:
        """As frames of the sequence."""
        context_BTChw, actions_BSA, known_BS = self.context_BTChw, self.actions_BSA, self.action_known_BS
        B, T = context_BTChw.shape[:2]
        zero_BT = torch.zeros(B, T, device=context_BTChw.device)
        if known_BS is None:
            known_BS = torch.ones_like(zero_BT[:, 1:])
        steps_BS = zero_BT[:, 1:] if self.step_size_BS is None else self.step_size_BS
        no_action_B1A = actions_BSA.new_zeros(B, 1, actions_BSA.shape[2])
        kind_F = torch.tensor([CONTEXT] * T + [TARGET] * (T - 1), device=context_BTChw.device)
        keep = self.keep_BSP
        if keep is not None:
            keep = torch.cat((torch.ones(B, T, keep.shape[2], dtype=torch.bool, device=keep.device), keep), 1)
        return Entry(
            torch.cat((context_BTChw, self.target_BSChw), 1),
            torch.cat((torch.zeros_like(context_BTChw[:, :1]), context_BTChw[:, :-1], context_BTChw[:, :-1]), 1),
            kind_F.expand(B, -1),
            FrameInputs(
                torch.cat((self.context_noise_BT, self.target_noise_BS), 1).flatten(),
                torch.cat((no_action_B1A, actions_BSA, actions_BSA), 1).flatten(0, 1),
                torch.cat((zero_BT[:, :1], known_BS, known_BS), 1).flatten(),
                torch.cat((zero_BT, steps_BS), 1).flatten(),
            ),
            follows=True,
            predicted=T - 1,
            keep_BFP=keep,
            own_BT=self.own_BT,
            clean_BTChw=self.clean_BTChw,
        )


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

    @property
    def length(self) -> int:
        return self.noise_BT.shape[1]

    def entry(self) -> Entry:
        """As frames of the sequence."""
        actions_BSA, known_BS = self.actions_BSA, self.action_known_BS
        B, T = self.noise_BT.shape
        step_B = known_BS.new_zeros(B) if self.step_size_B is None else self.step_size_B
        return Entry(
            self.frames_BTChw,
            between_given(self.frames_BTChw, self.given_BT),
            torch.where(self.given_BT, CONTEXT, JOINT),
            FrameInputs(
                self.noise_BT.flatten(),
                torch.cat((actions_BSA.new_zeros(B, 1, actions_BSA.shape[2]), actions_BSA), 1).flatten(0, 1),
                torch.cat((known_BS.new_zeros(B, 1), known_BS), 1).flatten(),
                step_B[:, None].expand(B, T).flatten(),
            ),
            follows=False,
            predicted=T,
            keep_BFP=self.keep_BTP,
        )


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
