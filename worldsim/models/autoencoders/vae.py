"""The trained autoencoder: a fraction of the height and width, and 1, 1/2 or 1/4 of the frames.

A variational autoencoder (as in LDM, Rombach et al. 2022) whose posterior width is held at a share of the latents'
spread: the decoder always sees noised latents, so it forgives the small errors of a diffusion model.
Norm-free residual blocks with a zero-initialised gain (SkipInit, De and Smith 2020) keep the decoder cheap to stream.
Shapes: see :mod:`worldsim.models.autoencoders.base`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.core.errors import WorldsimError
from worldsim.models.autoencoders.base import Autoencoder, ClipState, channel_statistics, per_channel
from worldsim.models.autoencoders.temporal import Passage, Stages, TimeBlock, TimeMerge, TimeSplit


@dataclass(frozen=True)
class VAEConfig:
    """``widths`` are the channels at 1/2, 1/4, ... resolution, the last that of the latents; ``blocks`` are in space,
    ``time_blocks`` in time."""

    latent_channels: int = 4
    widths: tuple[int, ...] = (48,)
    blocks: int = 2
    posterior_std: float = 0.1  # of the latents' noise in training, as a share of their spread
    temporal_stride: int = 1  # frames a latent: 1 (every frame alone), 2 or 4
    time_blocks: int = 1  # before each halving of the frames, after the last, and mirrored; none at temporal stride 1

    def __post_init__(self) -> None:
        if self.latent_channels < 1 or self.blocks < 1 or not self.widths or min(self.widths) < 1:
            raise WorldsimError(
                f"latent_channels={self.latent_channels}, blocks={self.blocks} and widths={self.widths} "
                "must be positive, with one width at least"
            )
        if not 0 <= self.posterior_std < 1:
            raise WorldsimError(f"posterior_std={self.posterior_std} must be in [0, 1): latents have unit scale")
        if self.temporal_stride not in (1, 2, 4):
            raise WorldsimError(f"temporal_stride={self.temporal_stride} must be 1, 2 or 4.")
        if self.time_blocks < 1:
            raise WorldsimError(f"time_blocks={self.time_blocks} must be at least 1.")


class VAE(Autoencoder):
    """Convolutional in space; at temporal strides of 2 and 4 causal layers in time at the latents' resolution."""

    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, config: VAEConfig):
        super().__init__()
        self.config = config
        self.temporal_stride = config.temporal_stride
        self.latent_channels = config.latent_channels
        self.spatial_stride = 2 ** len(config.widths)
        c, blocks, first, last = config.latent_channels, config.blocks, config.widths[0], config.widths[-1]
        down = [nn.PixelUnshuffle(2), nn.Conv2d(12, first, 3, padding=1), *_blocks(first, blocks)]
        up = [*_blocks(first, blocks), nn.SiLU(), nn.Conv2d(first, 12, 3, padding=1), nn.PixelShuffle(2)]
        for fine, coarse in pairwise(config.widths):
            down += [nn.PixelUnshuffle(2), nn.Conv2d(4 * fine, coarse, 1), *_blocks(coarse, blocks)]
            up = [*_blocks(coarse, blocks), nn.Conv2d(coarse, 4 * fine, 1), nn.PixelShuffle(2), *up]
        self.encoder = Stages(*down, *_time(config, TimeMerge), nn.SiLU(), nn.Conv2d(last, c, 3, padding=1))
        self.decoder = Stages(nn.Conv2d(c, last, 3, padding=1), *_time(config, TimeSplit), *up)
        # Measured once at the end of training, so that the diffusion model sees latents of zero mean and unit variance.
        self.register_buffer("latent_mean", torch.zeros(c))
        self.register_buffer("latent_std", torch.ones(c))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> VAE:
        return channels_last(cls(VAEConfig(**{**config, "widths": tuple(config["widths"])})))

    def saved_config(self) -> dict[str, Any]:
        return asdict(self.config)

    def encode(self, x_B3HW: Tensor) -> Tensor:
        self.check_size(*x_B3HW.shape[-2:])
        return self._normalised(self.encoder(x_B3HW, Passage(len(x_B3HW))))

    def decode(self, z_BChw: Tensor) -> Tensor:
        return self.decoder(self._scaled(z_BChw), Passage(len(z_BChw)))

    def encode_clip(self, x_BT3HW: Tensor) -> Tensor:
        self.latent_frames(x_BT3HW.shape[1])
        self.check_size(*x_BT3HW.shape[-2:])
        return self._normalised(self.posterior_mean(x_BT3HW))

    def decode_clip(self, z_BSChw: Tensor) -> Tensor:
        return self.decode_posterior(self._scaled(z_BSChw))

    def encode_next(self, x_B3HW: Tensor, state: ClipState | None) -> tuple[Tensor | None, ClipState]:
        self.check_size(*x_B3HW.shape[-2:])
        memory = None if state is None else state.memory
        pending = (*(state.pending if state else ()), x_B3HW)
        if memory is not None and len(pending) < self.temporal_stride:
            return None, ClipState(memory, pending)
        passage = Passage(len(x_B3HW), memory)
        mean_BChw = self.encoder(torch.stack(pending, 1).flatten(0, 1), passage)
        return self._normalised(mean_BChw), ClipState(tuple(passage.memory))

    def decode_next(self, z_BChw: Tensor, state: ClipState | None) -> tuple[Tensor, ClipState]:
        passage = Passage(len(z_BChw), None if state is None else state.memory)
        x_N3HW = self.decoder(self._scaled(z_BChw), passage)
        return x_N3HW.unflatten(0, (len(z_BChw), -1)), ClipState(tuple(passage.memory))

    # -- for training -----------------------------------------------------------------------------------------------

    def posterior_mean(self, x_BT3HW: Tensor) -> Tensor:
        """Posterior means (B, S, C, h, w), not normalised."""
        clips = len(x_BT3HW)
        return self.encoder(x_BT3HW.flatten(0, 1), Passage(clips)).unflatten(0, (clips, -1))

    def decode_posterior(self, mean_BSChw: Tensor) -> Tensor:
        """Frames (B, T, 3, H, W) of latents that are not normalised."""
        clips = len(mean_BSChw)
        return self.decoder(mean_BSChw.flatten(0, 1), Passage(clips)).unflatten(0, (clips, -1))

    @torch.no_grad()
    def measure_latents(self, clips: Iterable[Tensor]) -> None:
        """Set the normalisation from the posterior means of clips (B, T, 3, H, W), which may differ in size."""
        self.latent_mean, self.latent_std = channel_statistics(self.posterior_mean(x_BT3HW) for x_BT3HW in clips)

    def _normalised(self, mean: Tensor) -> Tensor:
        return (mean - per_channel(self.latent_mean, mean)) / per_channel(self.latent_std, mean)

    def _scaled(self, z: Tensor) -> Tensor:
        return z * per_channel(self.latent_std, z) + per_channel(self.latent_mean, z)


class ResidualBlock(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(x, self.conv2(F.silu(self.conv1(F.silu(x)))), self.gain.to(x.dtype))


def _blocks(width: int, count: int) -> list[nn.Module]:
    return [ResidualBlock(width) for _ in range(count)]


def _time(config: VAEConfig, change: type[TimeMerge] | type[TimeSplit]) -> list[nn.Module]:
    """The layers that change the number of frames, with those that mix frames around them."""
    width = config.widths[-1]
    if config.temporal_stride == 1:
        return []
    mix = lambda: [TimeBlock(width) for _ in range(config.time_blocks)]  # noqa: E731
    layers: list[nn.Module] = [*mix()]
    for _ in range(config.temporal_stride.bit_length() - 1):
        layers += [change(width), *mix()]
    return layers


def channels_last(vae: VAE) -> VAE:
    return vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
