"""All frames of a clip denoised at once: Euler steps over a noise level for each frame, guided by text and actions.

Frames that are made go from their own start level to 0 in equal steps; frames that are given stay at the small level
that training has context at, really noised to it. A loop is denoised as an endless repetition of itself: the clip with
copies of its other end on both sides, of which only the middle is kept, so that no place in it is a seam.

Legend: B plans, S latent frames, N those with the copies of a loop, G branches of guidance, C latent channels, h and w
latent sides, A action channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.diffusion.flow import add_noise, euler_step, mixed_noise, sampling_levels
from worldsim.diffusion.noise import frame_noise
from worldsim.models.clips import JointClips
from worldsim.models.dit import DiT

MOST_STEPS = 64
_COMMON = 2**40  # the number of the noise that a clip's frames share; no frame has it
SEEN_WINDOWS = 2  # of attention, on both sides of what is made, through which given frames are seen


@dataclass(frozen=True)
class SamplerConfig:
    """``steps``: network calls from noise to picture. Guidance 1 is none, more follows the prompt or actions more.

    ``negative``: what guidance leads away from; the empty prompt unless given.
    """

    steps: int = 16
    guidance: float = 1.0
    action_guidance: float = 1.0
    negative: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise WorldsimError(f"steps={self.steps} has to be from 1 to {MOST_STEPS}.")
        for name in ("guidance", "action_guidance"):
            if not 0 <= getattr(self, name) <= 100:
                raise WorldsimError(f"{name}={getattr(self, name):g} has to be from 0 to 100; 1 is no guidance.")
        if self.negative and self.guidance <= 1:
            raise WorldsimError(f"negative={self.negative!r} needs guidance= above 1; it is {self.guidance:g}.")


@dataclass
class JointTask:
    """Plans of equal length and size as the network takes them."""

    latents_BSChw: Tensor  # clean; counts where the start level is below 1
    start_level_BS: Tensor
    action_BSA: Tensor  # scaled; led to each frame, which for the first one of a loop is the last action
    action_known_BS: Tensor
    prompts: Sequence[str]
    seeds: Sequence[int]
    loop: bool

    def part(self, frames: range) -> JointTask:
        """Of those latent frames alone."""
        index = slice(frames.start, frames.stop)
        return replace(
            self,
            latents_BSChw=self.latents_BSChw[:, index],
            start_level_BS=self.start_level_BS[:, index],
            action_BSA=self.action_BSA[:, index],
            action_known_BS=self.action_known_BS[:, index],
        )


@torch.inference_mode()
def sample(
    dit: DiT,
    task: JointTask,
    config: SamplerConfig,
    context_noise: float,
    on_step: Callable[[], None],
    shared_noise: float = 0.0,
) -> Tensor:
    """Clean latents (B, S, C, h, w) of the task; the given ones come back as they were.

    As in training, ``context_noise`` is the level of given frames, and ``shared_noise`` the share of the noise that
    the frames of a clip have in common.
    """
    seen = _seen(task, dit.config.window)
    whole_BSChw, task = task.latents_BSChw.float(), task.part(seen)
    clean_BSChw, start_BS = task.latents_BSChw.float(), task.start_level_BS
    given_BS = start_BS == 0
    noise_BS2Chw = draw_noise(task.seeds, shared_noise, seen, *clean_BSChw.shape[2:]).to(clean_BSChw.device)
    given_level_BS = context_noise * given_BS
    sample_BSChw = torch.where(
        given_BS[..., None, None, None],
        add_noise(clean_BSChw, noise_BS2Chw[:, :, 1], given_level_BS),
        add_noise(clean_BSChw, noise_BS2Chw[:, :, 0], start_BS),
    )
    predict = _predictor(dit, task, config, given_BS)
    for level, next_level in pairwise(sampling_levels(config.steps)):
        predicted_BSChw = predict(sample_BSChw, level * start_BS + given_level_BS)
        # All levels shrink by one share, so that one step serves every frame; given ones stay.
        moved_BSChw = euler_step(sample_BSChw, predicted_BSChw, level, next_level)
        sample_BSChw = torch.where(given_BS[..., None, None, None], sample_BSChw, moved_BSChw)
        on_step()
    made_BSChw = torch.where(given_BS[..., None, None, None], clean_BSChw, sample_BSChw)
    return torch.cat((whole_BSChw[:, : seen.start], made_BSChw, whole_BSChw[:, seen.stop :]), 1)


def draw_noise(
    seeds: Sequence[int], shared: float, frames: range, channels: int, height: int, width: int
) -> Tensor:  # fmt: skip
    """Two latents of noise a frame (B, S, 2, C, h, w), for a frame that is made and for one that is given."""
    shape = (2, channels, height, width)
    own = torch.from_numpy(np.stack([[frame_noise(seed, s, shape) for s in frames] for seed in seeds]))
    common = torch.from_numpy(np.stack([[frame_noise(seed, _COMMON, shape)] for seed in seeds]))
    return mixed_noise(own, common, shared)


def _seen(task: JointTask, window: int) -> range:
    """The frames that the network is shown: of long given clips only what is near the frames that are made."""
    S = task.start_level_BS.shape[1]
    made = (task.start_level_BS > 0).any(0).nonzero().flatten().tolist()
    if task.loop or not made:
        return range(S)
    return range(max(0, made[0] - SEEN_WINDOWS * window), min(S, made[-1] + 1 + SEEN_WINDOWS * window))


def _predictor(
    dit: DiT, task: JointTask, config: SamplerConfig, given_BS: Tensor
) -> Callable[[Tensor, Tensor], Tensor]:
    """The guided prediction of clean latents, as a function of a sample and its noise levels."""
    B, S = given_BS.shape
    branches = _branches(dit, task, config)
    G = len(branches)
    text = dit.read([prompt for branch in branches for prompt in branch.prompts])
    around = dit.config.window if task.loop else 0
    index_N = torch.arange(-around, S + around, device=given_BS.device) % S
    known_GBS = torch.stack([task.action_known_BS * branch.with_actions for branch in branches]).flatten(0, 1)
    action_GBS = task.action_BSA.repeat(G, 1, 1)

    def predict(sample_BSChw: Tensor, level_BS: Tensor) -> Tensor:
        clips = JointClips(
            sample_BSChw[:, index_N].repeat(G, 1, 1, 1, 1).to(dit.dtype),
            level_BS[:, index_N].repeat(G, 1),
            given_BS[:, index_N].repeat(G, 1),
            action_GBS[:, index_N[1:]],
            known_GBS[:, index_N[1:]],
            text,
        )
        predicted_GBSChw = dit.joint(clips).latent[:, around : around + S].float().unflatten(0, (G, B))
        guided = predicted_GBSChw[0]
        for branch, more, less in zip(branches[1:], predicted_GBSChw[1:], predicted_GBSChw, strict=False):
            guided = guided + branch.scale * (more - less)
        return guided

    return predict


@dataclass(frozen=True)
class _Branch:
    """One prediction of classifier-free guidance (Ho and Salimans 2022): what it is told, and the weight of that.

    Each branch is told more than the one before; with two scales as in InstructPix2Pix (Brooks et al. 2023).
    """

    prompts: Sequence[str]
    with_actions: float
    scale: float = 1.0


def _branches(dit: DiT, task: JointTask, config: SamplerConfig) -> list[_Branch]:
    guide_text = config.guidance != 1 and dit.text is not None and any(task.prompts)
    guide_actions = config.action_guidance != 1 and bool(task.action_known_BS.any())
    empty = [config.negative] * len(task.prompts)
    branches = []
    if guide_actions:
        branches.append(_Branch(empty if guide_text else task.prompts, 0.0))
    if guide_text:
        branches.append(_Branch(empty, 1.0, config.action_guidance))
    last = config.guidance if guide_text else config.action_guidance
    return [*branches, _Branch(task.prompts, 1.0, last)]
