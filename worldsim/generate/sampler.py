"""All frames of a clip denoised by one network: Euler steps over a noise level for each, guided by text and actions.

Frames that are made go from their own start level to 0 in equal steps, those next to given frames first. A frame that
is given or done stays at the small level that training has context at, really noised to it. A loop is denoised as an
endless repetition of itself: the clip with copies of its other end on both sides, of which only the middle is kept.

Legend: B plans, S latent frames, N those that the network is shown, G branches of guidance, C latent channels, h and w
latent sides, A action channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.diffusion.flow import add_noise, distance_to_given, euler_steps, staggered_levels
from worldsim.diffusion.noise import frame_noise
from worldsim.models.clips import JointClips
from worldsim.models.dit import DiT

MOST_STEPS = 64
SEEN_WINDOWS = 2  # of attention, on both sides of the frames in progress, that are shown to the network


@dataclass(frozen=True)
class SamplerConfig:
    """``steps``: network calls from noise to picture. Guidance 1 is none, more follows the prompt or actions more.

    ``lag``: by what share of these calls a frame begins later than its neighbour that is nearer to a given frame.
    ``negative``: what guidance leads away from; the empty prompt unless given.
    """

    steps: int = 16
    lag: float = 1.0
    guidance: float = 1.0
    action_guidance: float = 1.0
    negative: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise WorldsimError(f"steps={self.steps} has to be from 1 to {MOST_STEPS}.")
        if not 0 <= self.lag <= 1:
            raise WorldsimError(f"lag={self.lag:g} has to be from 0, all frames at once, to 1, one after another.")
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


@torch.inference_mode()
def sample(
    dit: DiT,
    task: JointTask,
    config: SamplerConfig,
    context_noise: float,
    on_step: Callable[[], None],
) -> Tensor:
    """Clean latents (B, S, C, h, w) of the task; the given ones come back as they were.

    ``context_noise`` is the level of given frames, as in training.
    """
    clean_BSChw, start_BS = task.latents_BSChw.float(), task.start_level_BS
    noise_BS2Chw = draw_noise(task.seeds, *clean_BSChw.shape[1:]).to(clean_BSChw.device)
    made_BSChw = add_noise(clean_BSChw, noise_BS2Chw[:, :, 0], start_BS)
    predict = _predictor(dit, task, config)
    for level_BS, next_level_BS in pairwise(schedule(config, start_BS, task.loop)):
        done_BS = level_BS == 0  # a frame that is done is given to those that are not
        given_level_BS = context_noise * done_BS
        given_BSChw = add_noise(made_BSChw, noise_BS2Chw[:, :, 1], given_level_BS)
        sample_BSChw = torch.where(done_BS[..., None, None, None], given_BSChw, made_BSChw)
        seen, own = _seen(next_level_BS < level_BS, done_BS, dit.config.window, task.loop)
        predicted_BNChw = predict(sample_BSChw, level_BS + given_level_BS, done_BS, seen)[:, own]
        frames = seen[own]
        made_BSChw[:, frames] = euler_steps(
            made_BSChw[:, frames], predicted_BNChw, level_BS[:, frames], next_level_BS[:, frames]
        )
        on_step()
    return made_BSChw


def schedule(config: SamplerConfig, start_BS: Tensor, loop: bool) -> list[Tensor]:
    """The noise levels (B, S) of the frames that are made, before the first network call and after each."""
    given_BS = start_BS == 0
    S = given_BS.shape[1]
    if loop:  # counted the shorter way round, from the first frame if none is given
        first_BS = ~given_BS.any(1, keepdim=True) & (torch.arange(S, device=given_BS.device) == 0)
        distance_BS = distance_to_given((given_BS | first_BS).repeat(1, 3))[:, S : 2 * S] + first_BS.any(1, True)
    else:
        distance_BS = distance_to_given(given_BS)
    furthest = float(distance_BS.max())
    if not furthest:
        return [start_BS]  # nothing is to be made
    last = 1 + config.lag * (furthest - 1)
    calls = math.ceil(config.steps * last)
    return [staggered_levels(distance_BS, config.lag, last * i / calls) * start_BS for i in range(calls + 1)]


def draw_noise(seeds: Sequence[int], frames: int, channels: int, height: int, width: int) -> Tensor:
    """Two latents of noise a frame (B, S, 2, C, h, w), for a frame that is made and for one that is given."""
    shape = (2, channels, height, width)
    return torch.from_numpy(np.stack([[frame_noise(seed, s, shape) for s in range(frames)] for seed in seeds]))


def _seen(moving_BS: Tensor, done_BS: Tensor, window: int, loop: bool) -> tuple[Tensor, slice]:
    """The frames (N,) that the network is shown: what is near those in progress, or a loop with its copies.

    And which of them are frames of their own, no copies. The first frame of a clip of which nothing is given is a
    picture, made as pictures are: alone, without the noise that will be the others.
    """
    S = moving_BS.shape[1]
    if loop:
        return torch.arange(-window, S + window, device=moving_BS.device) % S, slice(window, window + S)
    first, *_, last = moving_BS.any(0).nonzero().flatten().tolist() * 2
    if first == last and not done_BS.any():
        return torch.tensor([first], device=moving_BS.device), slice(0, 1)
    low, high = max(0, first - SEEN_WINDOWS * window), min(S, last + 1 + SEEN_WINDOWS * window)
    return torch.arange(low, high, device=moving_BS.device), slice(0, high - low)


def _predictor(dit: DiT, task: JointTask, config: SamplerConfig) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """The guided prediction of clean latents (B, N, C, h, w) of frames (N,), as a function of a sample, its noise
    levels, which frames are given, and the frames."""
    B = len(task.prompts)
    branches = _branches(dit, task, config)
    G = len(branches)
    text = dit.read([prompt for branch in branches for prompt in branch.prompts])
    known_GBS = torch.stack([task.action_known_BS * branch.with_actions for branch in branches]).flatten(0, 1)
    action_GBS = task.action_BSA.repeat(G, 1, 1)

    def predict(sample_BSChw: Tensor, level_BS: Tensor, given_BS: Tensor, seen_N: Tensor) -> Tensor:
        clips = JointClips(
            sample_BSChw[:, seen_N].repeat(G, 1, 1, 1, 1).to(dit.dtype),
            level_BS[:, seen_N].repeat(G, 1),
            given_BS[:, seen_N].repeat(G, 1),
            action_GBS[:, seen_N[1:]],
            known_GBS[:, seen_N[1:]],
            text,
        )
        predicted_GBSChw = dit.joint(clips).latent.float().unflatten(0, (G, B))
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
