"""What a simulator's training step is made of: clips of the tables as tensors, streaming ones and joint ones.

Legend: B clips, T frames, S = T - 1 transitions, C latent channels, h and w latent sides, A action channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import derive_seed
from worldsim.data.clips import Clips
from worldsim.data.mixture import ClipMixture
from worldsim.data.store import EpisodeTable
from worldsim.models.autoencoders import Autoencoder
from worldsim.models.dit import DiTConfig
from worldsim.models.flops import training_flops
from worldsim.models.layout import Part
from worldsim.text.vocabulary import shortened
from worldsim.training import processes
from worldsim.training.objective import Batch
from worldsim.training.simulator_config import SimulatorTrainConfig
from worldsim.training.table_latents import encode_clips


class Batches:
    """The batches of every step, a function of (seed, step) alone; of several processes each has its share of them.

    ``latents`` are files of the tables' latents; None where the autoencoder has a temporal stride, whose latents depend
    on where a clip begins. Raises WorldsimError for tables that do not fit together, and for unknown captioners.
    """

    def __init__(
        self, config: SimulatorTrainConfig, tables: Sequence[EpisodeTable], autoencoder: Autoencoder,
        latents: Sequence[Path] | None,
    ):  # fmt: skip
        self.config, self.autoencoder = config, autoencoder
        self.scale_A = torch.from_numpy(tables[0].codec.scale)
        self.stride = stride = autoencoder.temporal_stride
        _require_captioner(config.image_captioner, tables)
        processes.require_divisible("batch", config.batch)
        processes.require_divisible("joint_batch", config.joint_batch)
        own = processes.rank(), processes.count()
        self.streams = ClipMixture(
            tables, 1 + (config.frames - 1) * stride, config.batch, derive_seed(config.seed, "simulator data"),
            config.shares, latents, captions=bool(config.text), termination_share=config.termination_share, share=own,
        )  # fmt: skip
        self._require_clips_for_all()
        self.clips = self.images = None
        if config.joint_batch:
            shares = config.joint_shares or config.shares
            self.clips = ClipMixture(
                tables, [1 + (frames - 1) * stride for frames in config.joint_durations], config.joint_batch,
                derive_seed(config.seed, "joint data"), shares, latents,
                captions=bool(config.text), groups=config.joint_groups, share=own,
            )  # fmt: skip
            self.images = ClipMixture(
                tables, 1, config.joint_batch * config.joint_frames,
                derive_seed(config.seed, "image data"), shares, latents,
                captions=bool(config.text), groups=config.joint_groups, captioner=config.image_captioner or None,
                share=own,
            )  # fmt: skip

    def streaming(self, step: int) -> Batch:
        return self._tensors(self.streams.batch(step))

    def joint(self, step: int, images: bool) -> list[Batch]:
        """Clips or single images of several sizes and durations; none where the network learns no joint clips."""
        source = self.images if images else self.clips
        return [] if source is None else [self._tensors(clips) for clips in source.pack(step)]

    def _require_clips_for_all(self) -> None:
        """Of tables with larger frames a step has fewer clips."""
        streams = self.streams
        for number, table in enumerate(streams.tables):
            clips = streams.clips_within(streams.budget, 1, number, max(streams.durations))
            if clips < processes.count():
                raise WorldsimError(
                    f"batch={self.config.batch} is {clips} clips of the frames of {table.path}, fewer than "
                    f"{processes.count()} processes; raise batch= or start fewer."
                )

    def tokens_per_step(self, model: DiTConfig) -> float:
        """Expected over the tables, of all processes; context frames count, forward passes without gradient do not."""
        tokens = lambda part: part.clips * part.sequence_frames * part.tokens_per_frame  # noqa: E731
        joint = 0.0 if self.clips is None else self._expected(model, self.clips, True, tokens)
        return self._expected(model, self.streams, False, tokens) + joint

    def flops_per_step(self, model: DiTConfig) -> float:
        """Expected over the tables; forward passes without gradient are a third of a training pass."""
        flops = lambda part: training_flops(model, part)  # noqa: E731
        config = self.config
        own_passes = config.own_context_passes / 3 if config.own_context_share else 0
        passes = 1 + own_passes + config.shortcut_share * 2 / 3
        joint = 0.0 if self.clips is None else self._expected(model, self.clips, True, flops)
        return passes * self._expected(model, self.streams, False, flops) + joint

    def _expected(
        self, model: DiTConfig, mixture: ClipMixture, together: bool, amount: Callable[[Part], float]
    ) -> float:
        """The mean of an amount of each part of a step, over tables and durations."""
        total = 0.0
        for number, (table, share) in enumerate(zip(mixture.tables, mixture.shares, strict=True)):
            height, width = (side // self.autoencoder.spatial_stride // model.patch for side in table.frame_shape[:2])
            for frames in mixture.durations:
                count = mixture.clips_within(mixture.budget, mixture.groups, number, frames)
                part = Part(together, count, 1 + (frames - 1) // self.stride, height, width)
                total += share * mixture.groups * amount(part) / len(mixture.durations)
        return total

    def _tensors(self, clips: Clips) -> Batch:
        if clips.latents is None:
            x_BTChw = encode_clips(self.autoencoder, clips, self.config.dtype)
        else:
            x_BTChw = torch.from_numpy(clips.latents).float()
        captions = clips.captions and [shortened(text, self.config.text_max_words) for text in clips.captions]
        chunks = (clips.actions.shape[1] // self.stride, self.stride)
        columns = (torch.from_numpy(part).float() for part in (clips.rewards, clips.terminated, clips.valid))
        rewards_BS, terminated_BS, valid_BS = (column.unflatten(1, chunks) for column in columns)
        actions_BSA = (torch.from_numpy(clips.actions) / self.scale_A).unflatten(1, chunks).flatten(2)
        batch = Batch(
            x_BTChw, actions_BSA, rewards_BS.sum(2), terminated_BS.amax(2), valid_BS.amin(2), captions, clips.total
        )  # fmt: skip
        return batch.to(self.config.device)


def _require_captioner(name: str, tables: Sequence[EpisodeTable]) -> None:
    known = sorted({captioner for table in tables for captioner, _ in table.captioners})
    if name and name not in known:
        raise WorldsimError(
            f"image_captioner={name!r} has captioned none of the tables; they have captions of "
            f"{', '.join(known) or 'nobody'}."
        )
