"""A checkpoint as a :class:`VideoGenerator`: plans made all at once by the sampler, or frame by frame by the simulator.

Legend: B plans, T frames, S latent frames, A action channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.core.types import Context, Frames
from worldsim.generate.abilities import require_able
from worldsim.generate.plan import Report, VideoPlan
from worldsim.generate.sampler import JointTask, SamplerConfig, sample, schedule
from worldsim.models.autoencoders import Autoencoder, to_signed, to_uint8
from worldsim.models.dit import DiT
from worldsim.simulators import load_networks
from worldsim.simulators.checkpoints import Checkpoint
from worldsim.simulators.dit import DiTSimulator

_PART = 64  # frames through the autoencoder at once


class DiTVideoGenerator:
    """Makes videos with the networks of a checkpoint: all at once, or frame by frame as its simulator.

    ``batch``: how many at once; ``stream_steps``: denoising steps of a frame that is made frame by frame.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        autoencoder: Autoencoder,
        dit: DiT,
        config: SamplerConfig,
        stream_steps: int | None = None,
        batch: int = 8,
    ):
        self.checkpoint, self.autoencoder, self.dit = checkpoint, autoencoder, dit
        self.config, self.batch = config, batch
        self.context_noise = checkpoint.config["context_noise"]
        self.stream_steps = checkpoint.config["steps"] if stream_steps is None else stream_steps
        self.device = dit.unembed.weight.device

    @cached_property
    def simulator(self) -> DiTSimulator:
        return DiTSimulator(self.checkpoint, self.autoencoder, self.dit, self.stream_steps, self.context_noise)

    def describe(self) -> dict[str, Any]:
        """Plain data for run records."""
        checkpoint = self.checkpoint
        return {
            "kind": "dit",
            "checkpoint": checkpoint.name,
            "checkpoint_hash": checkpoint.hash,
            **{key: checkpoint.config[key] for key in ("env_ids", "env_kwargs", "fps", "codec", "train_flops")},
            **asdict(self.config),
            "stream_steps": self.stream_steps,
            "context_noise": self.context_noise,
            "precision": str(self.dit.dtype).removeprefix("torch."),
            "params": sum(p.numel() for p in self.dit.parameters()),
            "vae_params": sum(p.numel() for p in self.autoencoder.parameters()),
        }

    def generate(
        self,
        plans: Sequence[VideoPlan],
        prompts: Sequence[str],
        seeds: Sequence[int],
        progress: Report | None = None,
    ) -> list[Frames]:
        """One video (T, H, W, 3) a plan; "" is no prompt. WorldsimError for a plan that the checkpoint cannot do."""
        for plan, prompt in zip(plans, prompts, strict=True):
            require_able(self.checkpoint, self.autoencoder, self.dit.config, plan, prompt)
        self.dit.read(list(prompts))  # one that is too long is said before anything is made
        groups = _groups(plans, self.batch)
        total = sum(self._work(plans[group[0]]) for group in groups)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            if progress is not None:
                progress(done, total)

        videos: dict[int, Frames] = {}
        for group in groups:
            make = self._frame_by_frame if plans[group[0]].causal else self._all_at_once
            made = make([plans[i] for i in group], [prompts[i] for i in group], [seeds[i] for i in group], advance)
            videos |= zip(group, made, strict=True)
        return [videos[i] for i in range(len(plans))]

    # -- all at once ----------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def _all_at_once(
        self, plans: Sequence[VideoPlan], prompts: Sequence[str], seeds: Sequence[int], advance: Callable[[], None]
    ) -> list[Frames]:
        stride = self.autoencoder.temporal_stride
        start_BT = np.stack([plan.start_level_T for plan in plans])
        latents = [self._latents(plan) for plan in plans]
        action_BSA, known_BS = self._actions(plans)
        task = JointTask(
            torch.stack(latents),
            self._tensor(latent_levels(start_BT, stride)),
            action_BSA,
            known_BS,
            prompts,
            seeds,
            plans[0].loop,
        )
        made_BSChw = sample(self.dit, task, self.config, self.context_noise, advance)
        return [self._decode(made_SChw) for made_SChw in made_BSChw]

    def _latents(self, plan: VideoPlan) -> Tensor:
        """Latents (S, C, h, w) of the plan's frames; zeros for a clip of which nothing is given."""
        if not (plan.start_level_T == 1).all():
            return self._encode(plan.frames_THW3)
        height, width = (side // self.autoencoder.spatial_stride for side in plan.size)
        latents = self.autoencoder.latent_frames(plan.frames)
        return torch.zeros(latents, self.autoencoder.latent_channels, height, width, device=self.device)

    @torch.inference_mode()
    def reconstruct(self, frames: Frames) -> Frames:
        """A clip (T, H, W, 3) through the autoencoder and back: how given frames come out."""
        return self._decode(self._encode(frames))

    def _encode(self, frames: Frames) -> Tensor:
        x_T3HW = to_signed(torch.from_numpy(np.ascontiguousarray(frames)).to(self.device), self.dit.dtype)
        if self.autoencoder.temporal_stride > 1:
            return self.autoencoder.encode_clip(x_T3HW[None])[0].float()
        return torch.cat([self.autoencoder.encode(part) for part in x_T3HW.split(_PART)]).float()

    def _decode(self, latents_SChw: Tensor) -> Frames:
        latents_SChw = latents_SChw.to(self.dit.dtype)
        if self.autoencoder.temporal_stride > 1:
            return to_uint8(self.autoencoder.decode_clip(latents_SChw[None])[0]).cpu().numpy()
        parts = [to_uint8(self.autoencoder.decode(part)) for part in latents_SChw.split(_PART)]
        return torch.cat(parts).cpu().numpy()

    def _actions(self, plans: Sequence[VideoPlan]) -> tuple[Tensor, Tensor]:
        """Scaled actions (B, S, A) that led to the frames of each latent, and whether all of them are known.

        A latent of several frames has their actions side by side, as in training. The first frame has none, except in
        a loop whose latents are single frames.
        """
        stride, frames, codec = self.autoencoder.temporal_stride, plans[0].frames, self.checkpoint.codec
        led_BTA = np.full((len(plans), frames, len(codec)), np.nan, np.float32)
        for led_TA, plan in zip(led_BTA, plans, strict=True):
            if plan.actions_SA is not None:
                led_TA[(np.arange(plan.transitions) + 1) % frames] = plan.actions_SA / codec.scale
        first_B1A, later_BSA = led_BTA[:, :1], led_BTA[:, 1:].reshape(len(plans), -1, stride * len(codec))
        if stride > 1:
            first_B1A = np.full((len(plans), 1, stride * len(codec)), np.nan, np.float32)
        led_BSA = np.concatenate([first_B1A, later_BSA], 1)
        known_BS = np.asarray(~np.isnan(led_BSA).any(-1))
        scaled_BSA = np.where(known_BS[..., None], led_BSA, 0).astype(np.float32)
        return self._tensor(scaled_BSA), self._tensor(known_BS.astype(np.float32))

    def _tensor(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    # -- frame by frame -------------------------------------------------------------------------------------------

    def _frame_by_frame(
        self, plans: Sequence[VideoPlan], prompts: Sequence[str], seeds: Sequence[int], advance: Callable[[], None]
    ) -> list[Frames]:
        given = int(plans[0].given_T.sum())
        if given:
            starts = [self.reconstruct(plan.frames_THW3[:given]) for plan in plans]
            shown = [plan.frames_THW3[:given] for plan in plans]
        else:
            first = [_first_clip(plan, self._first_frames(plan)) for plan in plans]
            starts = shown = self._all_at_once(first, prompts, seeds, advance)
        begun = [len(start) for start in starts]
        out = [np.empty((plan.frames, *plan.size, 3), np.uint8) for plan in plans]
        for video, start in zip(out, starts, strict=True):
            video[: begun[0]] = start
        for t, frames_BHW3 in enumerate(self.stream(plans, shown, prompts, seeds), start=begun[0]):
            for video, frame in zip(out, frames_BHW3, strict=True):
                video[t] = frame
            advance()
        return out

    def stream(
        self, plans: Sequence[VideoPlan], starts: Sequence[Frames], prompts: Sequence[str], seeds: Sequence[int]
    ) -> Iterator[Frames]:
        """The frames (B, H, W, 3) that follow ``starts`` (equally long), one by one, at constant memory and cost."""
        begun, total = len(starts[0]), plans[0].frames
        actions_BSA = np.full((len(plans), max(total - 1, 0), len(self.checkpoint.codec)), np.nan, np.float32)
        for actions_SA, plan in zip(actions_BSA, plans, strict=True):
            if plan.actions_SA is not None:
                actions_SA[:] = plan.actions_SA
        contexts = [Context(start, acts[: begun - 1]) for start, acts in zip(starts, actions_BSA, strict=True)]
        state = self.simulator.reset(contexts, prompts, seeds)
        for t in range(begun, total):
            state, prediction = self.simulator.step(state, actions_BSA[:, t - 1])
            yield prediction.frames

    def _first_frames(self, plan: VideoPlan) -> int:
        """How many frames are made at once before a stream without a given frame: what one frame sees, at most."""
        return min(plan.frames, self.dit.config.window)

    def _work(self, plan: VideoPlan) -> int:
        """Calls of ``advance``: a denoising step of a clip, or a frame of a stream."""
        if not plan.causal:
            start_1S = latent_levels(plan.start_level_T[None], self.autoencoder.temporal_stride)
            return len(schedule(self.config, torch.from_numpy(start_1S), plan.loop)) - 1
        given = int(plan.given_T.sum())
        if given:
            return plan.frames - given
        first = _first_clip(plan, self._first_frames(plan))
        return self._work(first) + plan.frames - first.frames


def load_generator(
    name_or_folder: str | Path,
    config: SamplerConfig,
    stream_steps: int | None = None,
    precision: str | None = None,
    device: str = "cpu",
    batch: int = 8,
) -> DiTVideoGenerator:
    """The generator of a shipped checkpoint or of a folder written by training.

    ``stream_steps``: denoising steps of a frame that is made frame by frame, the checkpoint's own unless given;
    ``batch``: videos at once. Raises as :func:`worldsim.simulators.load` does.
    """
    checkpoint, autoencoder, dit = load_networks(name_or_folder, precision, device)
    return DiTVideoGenerator(checkpoint, autoencoder, dit, config, stream_steps, batch)


def latent_levels(start_level_BT: NDArray[np.float32], stride: int) -> NDArray[np.float32]:
    """Start levels of latents (B, S): the first is of one frame, the others of ``stride`` each, given if all are."""
    first, rest = start_level_BT[:, :1], start_level_BT[:, 1:]
    groups = rest.reshape(len(rest), rest.shape[1] // stride, stride)
    return np.concatenate([first, groups.max(-1)], 1)


def _first_clip(plan: VideoPlan, frames: int) -> VideoPlan:
    actions = None if plan.actions_SA is None else plan.actions_SA[: frames - 1]
    return replace(
        plan,
        start_level_T=plan.start_level_T[:frames],
        frames_THW3=plan.frames_THW3[:frames],
        actions_SA=actions,
        causal=False,
    )


def _groups(plans: Sequence[VideoPlan], batch: int) -> list[list[int]]:
    """Numbers of plans that can be made together, at most ``batch`` in each group."""
    alike: dict[tuple, list[int]] = {}
    for i, plan in enumerate(plans):  # what is made when, and what is seen then, depends on what is given
        key = (plan.frames, plan.size, plan.loop, plan.causal, plan.given_T.tobytes())
        alike.setdefault(key, []).append(i)
    return list(chain.from_iterable([g[i : i + batch] for i in range(0, len(g), batch)] for g in alike.values()))
