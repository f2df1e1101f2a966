"""Our simulator: streams the diffusion transformer frame by frame and decodes its latents to frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldsim.core.errors import WorldsimError
from worldsim.core.types import Context, Frames, Prediction
from worldsim.diffusion.flow import add_noise, euler_step, sampling_levels
from worldsim.diffusion.noise import frame_noise
from worldsim.models.autoencoders import Autoencoder, nearest_size, to_signed, to_uint8
from worldsim.models.block import TextKeys
from worldsim.models.cache import RingCache
from worldsim.models.dit import DiT, Output
from worldsim.models.heads import reward_mean
from worldsim.models.streaming import StreamContext
from worldsim.simulators.checkpoints import Checkpoint
from worldsim.simulators.recall import PLACES, MemoryConfig, Recaller
from worldsim.simulators.scoring import Heard, Surprise
from worldsim.simulators.snapshot import Snapshot, check, put_back, taken
from worldsim.simulators.stream_state import StreamState

LARGEST_SHORTCUT_STEPS = 4  # steps of 1/4 and more are trained as such, smaller ones follow the flow
TEXT_STEPS, TEXT_GUIDANCE = 16, 3.0  # of a video made from a prompt alone


class DiTSimulator:
    """A checkpoint as a batched simulator; ``steps`` is the number of denoising steps a frame (K).

    An action with a NaN among its channels is unknown: the network goes on as the prompt says, or as it likes.
    With ``guidance`` above 1 a frame follows its prompt more than the network would: it goes on from what the network
    says without the prompt, past what it says with it (Ho and Salimans 2022); two network calls instead of one.
    ``memory`` shows places and frames from beyond the window again.
    """

    def __init__(
        self, checkpoint: Checkpoint, vae: Autoencoder, dit: DiT, steps: int, context_noise: float,
        guidance: float = 1.0, memory: MemoryConfig | None = None,
    ):  # fmt: skip
        if vae.temporal_stride > 1:
            raise WorldsimError(
                f"the autoencoder of {checkpoint.name} makes one latent of {vae.temporal_stride} frames, so no frame "
                "can be answered by itself; use worldsim generate, or a checkpoint of temporal stride 1."
            )
        if guidance != 1 and dit.text is None:
            raise WorldsimError(f"guidance={guidance} is for networks that read prompts; {checkpoint.name} reads none.")
        if guidance < 0:
            raise WorldsimError(f"guidance={guidance} must be 0 or more; 1 is none.")
        memory = memory or MemoryConfig()
        if memory.mosaic and dit.motion is None:
            raise WorldsimError(
                f"memory.mosaic={memory.mosaic} is for networks trained with motion=true; {checkpoint.name} was not. "
                "memory.frames= works with every network."
            )
        if memory.mosaic is None:
            memory = replace(memory, mosaic=PLACES if dit.config.camera else 0)
        self.checkpoint, self.vae, self.dit = checkpoint, vae, dit
        self.guidance, self.memory = guidance, memory
        self.levels = sampling_levels(steps)
        self.step_size = 1 / steps if dit.config.shortcut and steps <= LARGEST_SHORTCUT_STEPS else 0.0
        self.context_noise = context_noise
        self.name = checkpoint.name
        self.codec = checkpoint.codec
        self.size = (checkpoint.config["height"], checkpoint.config["width"])
        self.sizes = [tuple(size) for size in checkpoint.config.get("sizes", [self.size])]
        weight = dit.unembed.weight
        self.dtype, self.device = weight.dtype, weight.device
        self._scale_A = torch.from_numpy(self.codec.scale).to(self.device)
        self._hash = checkpoint.hash
        window, sinks = dit.config.window, dit.config.sinks
        self._recaller = Recaller(memory, self.codec, window, sinks) if memory.frames else None
        self._remembered = window + (memory.mosaic or 0)
        with torch.inference_mode():
            self._no_prompt = None if guidance == 1 else dit.stream_text([""])  # one for all slots

    def describe(self) -> dict[str, Any]:
        """Plain data for run records and row keys."""
        config = self.checkpoint.config
        return {
            "kind": "dit",
            "checkpoint": self.name,
            "checkpoint_hash": self._hash,
            **{key: config[key] for key in ("env_ids", "env_kwargs", "height", "width", "fps", "codec")},
            "context_frames": self.dit.config.window,
            "most_context_frames": self._remembered,
            "steps": len(self.levels) - 1,
            "context_noise": self.context_noise,
            "precision": str(self.dtype).removeprefix("torch."),
            "params": sum(p.numel() for p in self.dit.parameters()),
            "vae_params": sum(p.numel() for p in self.vae.parameters()),
            "train_flops": config["train_flops"],
            **({} if self.guidance == 1 else {"stream_guidance": self.guidance}),
            "memory": self._memory(),
            **({"text": True, "text_steps": TEXT_STEPS, "guidance": TEXT_GUIDANCE} if self._follows_text else {}),
        }

    @property
    def _follows_text(self) -> bool:
        """Whether it can make a video from a prompt alone."""
        return self.dit.text is not None and self.dit.config.joint

    def from_text(
        self, prompts: Sequence[str], seeds: Sequence[int], frames: int, size: tuple[int, int]
    ) -> list[Frames]:
        """A video (frames, H, W, 3) of each prompt, made all at once as by ``worldsim generate task=text``."""
        from worldsim.generate.generator import DiTVideoGenerator  # which imports this module
        from worldsim.generate.sampler import SamplerConfig
        from worldsim.generate.tasks import join

        sampler = SamplerConfig(steps=TEXT_STEPS, guidance=TEXT_GUIDANCE)
        generator = DiTVideoGenerator(self.checkpoint, self.vae, self.dit, sampler)
        return generator.generate([join(frames, size=size)] * len(prompts), prompts, seeds)

    # -- the Simulator protocol -----------------------------------------------------------------------------------

    @torch.inference_mode()
    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> StreamState:
        """One slot per context; WorldsimError when a context has another frame size or other action channels."""
        for context in contexts:
            self._check(context)
        sizes = {context.frames.shape[1:3] for context in contexts}
        if len(sizes) > 1:
            raise WorldsimError(f"contexts of one batch must have one size; got {sorted(sizes)} (height, width).")
        state = self._empty(seeds, prompts, self._latent_size(sizes.pop()))
        # Slots whose contexts have the same length are read together.
        for length in sorted({len(context.frames) for context in contexts}):
            slots = [slot for slot, context in enumerate(contexts) if len(context.frames) == length]
            part = self._read(
                [contexts[slot] for slot in slots], [prompts[slot] for slot in slots], [seeds[slot] for slot in slots]
            )
            if len(slots) == len(contexts):
                return part
            state.assign(slots, part)
        return state

    @torch.inference_mode()
    def reset_slots(
        self,
        state: StreamState,
        slots: Sequence[int],
        contexts: Sequence[Context],
        prompts: Sequence[str],
        seeds: Sequence[int],
    ) -> StreamState:
        """Start the given slots anew; the others go on."""
        state.assign(slots, self.reset(contexts, prompts, seeds))
        return state

    @torch.inference_mode()
    def step(self, state: StreamState, actions: NDArray[np.float32]) -> tuple[StreamState, Prediction]:
        """Advance every slot by its action (B, A)."""
        action_BA, known_B = self._actions(actions)
        sample_BChw, newest, previous_BChw, time_B = self._begin(state, actions)
        context: StreamContext | None = newest
        output = None
        for level, next_level in pairwise(self.levels):
            output = self._denoise(state, sample_BChw, level, action_BA, known_B, previous_BChw, time_B, context)
            context = None  # written once
            sample_BChw = euler_step(sample_BChw, output.latent[:, 0].float(), level, next_level)
        assert output is not None
        frames = to_uint8(self.vae.decode(sample_BChw.to(self.dtype)))
        prediction = Prediction(
            frames.cpu().numpy(),
            reward_mean(output.reward_logits[:, 0]).cpu().numpy(),
            output.termination_logit[:, 0].float().sigmoid().cpu().numpy(),
        )
        state = _moved_on(state, sample_BChw, previous_BChw, action_BA, known_B, time_B)
        return replace(state, own_B=torch.ones_like(state.own_B)), prediction

    @torch.inference_mode()
    def branch(self, state: StreamState, slots: Sequence[int]) -> StreamState:
        return state.select(slots)

    @torch.inference_mode()
    def snapshot(self, state: StreamState, slots: Sequence[int] | None = None) -> Snapshot:
        """Plain data (all slots, or some) from which ``restore`` goes on to the bit, also in another process."""
        return taken(state if slots is None else state.select(slots), self._identity())

    @torch.inference_mode()
    def restore(self, snapshot: Snapshot) -> StreamState:
        """The state that ``snapshot`` was taken of; WorldsimError when it is of another checkpoint or precision."""
        check(snapshot, self._identity())
        about = snapshot["about"]
        size = (about["latent_height"], about["latent_width"])
        empty = self._empty([0] * about["slots"], [""] * about["slots"], size)
        return put_back(snapshot, empty)

    @torch.inference_mode()
    def reconstruct(self, frames: Frames) -> Frames:
        """Frames (N, H, W, 3) through the autoencoder and back: the best this simulator could look."""
        return np.concatenate([to_uint8(self.vae.decode(self._encode(part))).cpu().numpy() for part in _parts(frames)])

    @torch.inference_mode()
    def score(self, clips: Frames, actions: NDArray[np.float32], seeds: Sequence[int]) -> NDArray[np.float64]:
        """The surprise (N, T) at each frame of clips (N, T, H, W, 3), see worldsim.simulators.scoring."""
        contexts = [Context(clip, taken) for clip, taken in zip(clips, actions, strict=True)]
        for context in contexts:
            self._check(context)
        surprise = Surprise()
        self._read(contexts, [""] * len(contexts), seeds, surprise.hear)
        return surprise.per_frame()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _identity(self) -> dict[str, Any]:
        """What a snapshot must have in common with the simulator that goes on with it."""
        return {
            "checkpoint": self.name,
            "checkpoint_hash": self._hash,
            "precision": str(self.dtype).removeprefix("torch."),
            "sinks": self.dit.config.sinks,
            "memory": self._memory(),
            "guided": self.guidance != 1,
        }

    def _memory(self) -> dict[str, Any]:
        """The settings by which frames and places are recalled."""
        return {**asdict(self.memory), "by": "" if self._recaller is None else self._recaller.way}

    def _denoise(
        self, state: StreamState, sample_BChw: Tensor, level: float, action_BA: Tensor, known_B: Tensor,
        previous_BChw: Tensor, time_B: Tensor, context: StreamContext | None,
    ) -> Output:  # fmt: skip
        """One step's prediction, guided by the prompts; with ``context`` the newest frame is written first."""

        def call(cache: RingCache, text: TextKeys | None) -> Output:
            return self.dit.stream(
                cache,
                sample_BChw.to(self.dtype),
                torch.full_like(action_BA[:, 0], level),
                action_BA,
                previous_BChw,
                time_B,
                context,
                target_known_B=known_B,
                text=text,
                step_size=self.step_size,
            )

        output = call(state.cache, state.text)
        if state.unprompted is not None and self._no_prompt is not None:
            plain = call(state.unprompted, self._no_prompt).latent
            output = replace(output, latent=plain + self.guidance * (output.latent - plain))
        return output

    def _begin(self, state: StreamState, actions: NDArray[np.float32]) -> tuple[Tensor, StreamContext, Tensor, Tensor]:
        """Initial noise of the next frame, and the newest frame as context, really noised to its labelled level."""
        noise_B2Chw = self._noise(state)
        level_B = torch.full_like(state.action_known_B, self.context_noise)
        previous_BChw = add_noise(state.newest_BChw, noise_B2Chw[:, 1], level_B).to(self.dtype)
        recall_BM = None
        if self._recaller is not None and state.past is not None:
            given_BA = torch.from_numpy(np.asarray(actions, np.float32)).to(self.device)
            recall_BM = self._recaller.next(state.past, state.newest_BChw, state.time_B, given_BA)
        context = StreamContext(
            state.before_BChw, level_B, state.action_BA, state.action_known_B, state.own_B, recall_BM, state.newest_BChw
        )
        return noise_B2Chw[:, 0], context, previous_BChw, state.time_B + 1

    def _noise(self, state: StreamState) -> Tensor:
        """Two latents of noise a slot, a function of the slot's seed and the frame's time alone."""
        shape = (2, *state.newest_BChw.shape[1:])
        draws = [
            frame_noise(int(seed), time, shape) for seed, time in zip(state.seed_B, state.time_B.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(draws)).to(self.device)

    def _actions(self, actions: NDArray[np.float32]) -> tuple[Tensor, Tensor]:
        """Scaled actions (B, A), zeros where they are not known, and whether they are (B,)."""
        given_BA = torch.from_numpy(np.asarray(actions, np.float32)).to(self.device)
        known_B = ~given_BA.isnan().any(1)
        return torch.where(known_B[:, None], given_BA / self._scale_A, 0.0), known_B.float()

    def _empty(self, seeds: Sequence[int], prompts: Sequence[str], size: tuple[int, int]) -> StreamState:
        """Streams of no frame yet; ``size`` of the latents."""
        slots, config = len(seeds), self.dit.config
        h, w = size
        shape = (slots, config.latent_channels, h, w)
        recall = None if self._recaller is None else self._recaller.config
        kept = (0, 0) if recall is None else (recall.frames, recall.archive)

        def cache() -> RingCache:
            return self.dit.new_cache(slots, h, w, *kept, self._remembered)

        newest_BChw = torch.zeros(shape, device=self.device)
        return StreamState(
            cache(),
            newest_BChw,
            torch.zeros(shape, device=self.device, dtype=self.dtype),
            torch.zeros(slots, config.action_channels, device=self.device),
            torch.zeros(slots, device=self.device),
            torch.zeros(slots, device=self.device),
            torch.zeros(slots, dtype=torch.int64, device=self.device),
            np.array([seed & (2**64 - 1) for seed in seeds], np.uint64),
            self.dit.stream_text(prompts),
            cache() if self.guidance != 1 else None,
            None if self._recaller is None else self._recaller.empty(newest_BChw),
        )

    def _read(
        self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int], hear: Heard | None = None
    ) -> StreamState:
        """Contexts of equal length into a fresh state; of a long one only what can still be seen through the layers.

        Whoever wants to ``hear`` of each frame hears of all.
        """
        length = len(contexts[0].frames)
        at_once = hear is None and self._recaller is None and self.dit.config.sinks == 0
        if at_once:
            length = min(length, self.dit.config.window + self._remembered)
        frames = np.stack([context.frames[-length:] for context in contexts])
        latents_BTChw = torch.cat(
            [self._encode(part) for part in _parts(frames.reshape(-1, *frames.shape[2:]))]
        ).float()
        latents_BTChw = latents_BTChw.unflatten(0, (len(contexts), length))
        state = self._empty(seeds, prompts, self._latent_size(frames.shape[2:4]))
        actions_BSA = np.stack([context.actions[len(context.actions) + 1 - length :] for context in contexts])
        if at_once:
            return self._prefilled(state, latents_BTChw, actions_BSA)
        state.newest_BChw = latents_BTChw[:, 0].contiguous()
        for t in range(1, length):
            action_BA, known_B = self._actions(actions_BSA[:, t - 1])
            sample_BChw, newest, previous_BChw, time_B = self._begin(state, actions_BSA[:, t - 1])
            given = (action_BA, known_B, previous_BChw, time_B)
            # What is predicted is not used: this writes the newest frame to the cache.
            self._denoise(state, sample_BChw, 1.0, *given, newest)
            newest_BChw = latents_BTChw[:, t].contiguous()
            if hear is not None:
                hear(newest_BChw, sample_BChw, partial(self._expect, state, given))
            state = _moved_on(state, newest_BChw, previous_BChw, action_BA, known_B, time_B)
        return state

    def _prefilled(self, state: StreamState, latents_BTChw: Tensor, actions_BSA: NDArray[np.float32]) -> StreamState:
        """A fresh state after these frames: all but the newest are written to the cache, at once."""
        newest_BChw, frames = latents_BTChw[:, -1].contiguous(), latents_BTChw.shape[1] - 1
        if not frames:
            return replace(state, newest_BChw=newest_BChw)
        action_FA, known_F = self._actions(actions_BSA.reshape(-1, actions_BSA.shape[2]))
        action_BSA, known_BS = (x.unflatten(0, actions_BSA.shape[:2]) for x in (action_FA, known_F))
        shape = (2, *newest_BChw.shape[1:])
        draws = [[frame_noise(int(seed), time, shape)[1] for time in range(frames)] for seed in state.seed_B]
        noise_BTChw = torch.from_numpy(np.array(draws)).to(self.device)
        level_BT = torch.full(noise_BTChw.shape[:2], self.context_noise, device=self.device)
        context_BTChw = add_noise(latents_BTChw[:, :-1], noise_BTChw, level_BT).to(self.dtype)
        for cache, text in ((state.cache, state.text), (state.unprompted, self._no_prompt)):
            if cache is not None:
                self.dit.prefill(cache, context_BTChw, level_BT, action_BSA, known_BS, text, latents_BTChw[:, :-1])
        return replace(
            state, newest_BChw=newest_BChw, before_BChw=context_BTChw[:, -1].contiguous(),
            action_BA=action_BSA[:, -1].contiguous(), action_known_B=known_BS[:, -1].contiguous(),
            time_B=state.time_B + frames,
        )  # fmt: skip

    def _expect(
        self, state: StreamState, given: tuple[Tensor, Tensor, Tensor, Tensor], sample_BChw: Tensor, level: float
    ) -> Tensor:
        """The next latent as the network takes it to be, when its noised one is ``sample_BChw``."""
        return self._denoise(state, sample_BChw, level, *given, None).latent[:, 0].float()

    def _latent_size(self, size: Sequence[int]) -> tuple[int, int]:
        return size[0] // self.vae.spatial_stride, size[1] // self.vae.spatial_stride

    def _encode(self, frames: Frames) -> Tensor:
        x_B3HW = to_signed(torch.from_numpy(np.ascontiguousarray(frames)).to(self.device), self.dtype)
        return self.vae.encode(x_B3HW)

    def _check(self, context: Context) -> None:
        height, width = context.frames.shape[1:3]
        if len(self.sizes) == 1 and (height, width) != self.size:
            raise WorldsimError(
                f"{self.name} dreams frames of {self.size[0]}x{self.size[1]} (height x width); "
                f"the context has {height}x{width}."
            )
        unit = self.vae.spatial_stride * self.dit.config.patch
        if height % unit or width % unit:
            near = nearest_size(height, width, unit)
            raise WorldsimError(
                f"{self.name} dreams frames whose sides are multiples of {unit}; the context has {height}x{width} "
                f"(height x width): the nearest size is {near[0]}x{near[1]}."
            )
        if context.actions.shape != (len(context.frames) - 1, len(self.codec)):
            raise WorldsimError(
                f"a context of {len(context.frames)} frames needs actions of shape "
                f"({len(context.frames) - 1}, {len(self.codec)}) for the channels {', '.join(self.codec.names)}; "
                f"got {context.actions.shape}."
            )


def _moved_on(
    state: StreamState, newest_BChw: Tensor, before_BChw: Tensor, action_BA: Tensor, known_B: Tensor, time_B: Tensor
) -> StreamState:
    """The state one frame later, on the same caches."""
    return replace(
        state, newest_BChw=newest_BChw, before_BChw=before_BChw, action_BA=action_BA, action_known_B=known_B,
        time_B=time_B,
    )  # fmt: skip


def _parts(frames: Frames, size: int = 64) -> list[Frames]:
    return [frames[i : i + size] for i in range(0, len(frames), size)]
