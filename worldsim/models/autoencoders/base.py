"""What every autoencoder of video offers, and pixels to and from its range.

An autoencoder is causal in time: latent s depends on frames up to ``temporal_stride * s`` alone. The first latent is
one frame, each later one ``temporal_stride`` frames, so S latents are T = 1 + temporal_stride * (S - 1) frames, and an
image is a clip of one frame.

Legend: B batch, T frames, S latents in time, F frames of one latent, C latent channels, H, W pixels, h, w latent sides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from worldsim.core.errors import WorldsimError


@dataclass(frozen=True)
class ClipState:
    """What an autoencoder remembers of B clips that stand at the same time; never changed, so keep it to branch."""

    memory: tuple[Tensor, ...] = ()  # of each causal layer in order, B first
    pending: tuple[Tensor, ...] = ()  # frames (B, 3, H, W) that do not make up a latent yet

    def select(self, slots: Sequence[int]) -> ClipState:
        index = torch.as_tensor(list(slots))
        return replace(
            self, memory=tuple(part[index] for part in self.memory), pending=tuple(part[index] for part in self.pending)
        )


class Autoencoder(nn.Module, ABC):
    """Frames in [-1, 1] to normalised latents and back.

    A model of temporal stride 1 without memory defines ``encode`` and ``decode``; another also the four clip methods.
    """

    spatial_stride: int
    temporal_stride: int = 1
    latent_channels: int

    @classmethod
    @abstractmethod
    def from_config(cls, config: dict[str, Any]) -> Autoencoder:
        """The model of a configuration as ``saved_config`` gave it, before its weights are filled in."""

    @abstractmethod
    def saved_config(self) -> dict[str, Any]:
        """Plain data that ``from_config`` makes the model of again."""

    # -- single frames --------------------------------------------------------------------------------------------

    @abstractmethod
    def encode(self, x_B3HW: Tensor) -> Tensor:
        """Normalised latents (B, C, h, w) of single frames; WorldsimError when a side is no multiple of the stride."""

    @abstractmethod
    def decode(self, z_BChw: Tensor) -> Tensor:
        """Single frames (B, 3, H, W), in [-1, 1] up to small overshoots."""

    # -- whole clips ----------------------------------------------------------------------------------------------

    def encode_clip(self, x_BT3HW: Tensor) -> Tensor:
        """Latents (B, S, C, h, w); WorldsimError when the size or the length does not fit the strides."""
        return self.encode(x_BT3HW.flatten(0, 1)).unflatten(0, x_BT3HW.shape[:2])

    def decode_clip(self, z_BSChw: Tensor) -> Tensor:
        """Frames (B, T, 3, H, W)."""
        return self.decode(z_BSChw.flatten(0, 1)).unflatten(0, z_BSChw.shape[:2])

    # -- streams: the same numbers, a piece at a time ---------------------------------------------------------------

    def encode_next(self, x_B3HW: Tensor, state: ClipState | None) -> tuple[Tensor | None, ClipState]:
        """The latent (B, C, h, w) that this frame completes, or None, and the state after it; None begins a clip."""
        return self.encode(x_B3HW), state or ClipState()

    def decode_next(self, z_BChw: Tensor, state: ClipState | None) -> tuple[Tensor, ClipState]:
        """The frames (B, F, 3, H, W) of the next latent, F = 1 for a clip's first; None begins a clip."""
        return self.decode(z_BChw)[:, None], state or ClipState()

    # -- sizes ----------------------------------------------------------------------------------------------------

    def latent_frames(self, frames: int) -> int:
        """How many latents S a clip of T frames has; WorldsimError naming the nearest lengths when it has no such S."""
        stride = self.temporal_stride
        latents, rest = divmod(frames - 1, stride)
        if frames < 1 or rest:
            low = 1 + max(0, latents) * stride
            raise WorldsimError(
                f"a clip of {frames} frames cannot be encoded at temporal stride {stride}: lengths are "
                f"1 + {stride} n; the nearest are {low} and {low + stride}."
            )
        return latents + 1

    def clip_frames(self, latents: int) -> int:
        """How many frames T a clip of S latents has."""
        return 1 + self.temporal_stride * (latents - 1)

    def check_size(self, height: int, width: int) -> None:
        """WorldsimError naming the nearest size when frames cannot be cut into latents."""
        stride = self.spatial_stride
        if height % stride or width % stride or min(height, width) < stride:
            near = nearest_size(height, width, stride)
            raise WorldsimError(
                f"frames of {height}x{width} cannot be encoded: both sides must be multiples of {stride}; "
                f"the nearest size is {near[0]}x{near[1]}."
            )


def nearest_size(height: int, width: int, unit: int) -> tuple[int, int]:
    """The size nearest to this one whose sides are multiples of ``unit``."""
    rows, columns = (max(unit, round(side / unit) * unit) for side in (height, width))
    return rows, columns


def per_channel(values_C: Tensor, like: Tensor) -> Tensor:
    return values_C.to(like.dtype)[:, None, None]


def channel_statistics(clips: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and deviation (C,) of each channel over clips (B, T, C, H, W) of any sizes."""
    values_CN = torch.cat([clip.float().transpose(0, 2).flatten(1) for clip in clips], 1)
    return values_CN.mean(1), values_CN.std(1)


def to_signed(frames_BHW3: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """uint8 frames (B, H, W, 3) to (B, 3, H, W) in [-1, 1], channels-last in memory (fastest on CPU)."""
    return (frames_BHW3.to(dtype) / 127.5 - 1).permute(0, 3, 1, 2)


def to_uint8(x_B3HW: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] to uint8 frames (B, H, W, 3), rounded and clipped."""
    return ((x_B3HW.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
