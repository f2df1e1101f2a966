"""What is known of a stream's camera besides its frames: how far it looks down, and when it last did more than turn.

A camera that turns right turns about what is up in the world, not in its picture: where it looks down, its picture
turns as well as moves. By how much actions have pitched it is known; where it looked to begin with, a small network
reads off the first frames (:class:`Tilt`). Later ones are not read: a way out and the way back have to cancel, which
they do however far that reading is off, but not if it changes in between.

Legend: B streams or clips, T frames, C latent channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from worldsim.models.cache import PerSlot
from worldsim.models.layers import Linear

_READINGS = 10  # frames of a stream that are read
_COASTS = 4  # steps for which a body goes on after the last one that did more than turn it
_SIDE, _WIDTHS = 32, (16, 32, 128)  # of the latents as they are read, and of the layers


class Tilt(nn.Module):
    """How far a camera looks down, read off single frames, in the units of the pitch action."""

    def __init__(self, latent_channels: int):
        super().__init__()
        first, second, third = _WIDTHS
        self.fine = nn.Conv2d(latent_channels, first, 4, 4)
        self.coarse = nn.Conv2d(first, second, 2, 2)
        self.mix = Linear(second * (_SIDE // 8) ** 2, third)
        self.out = Linear(third, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, frames_NChw: Tensor) -> Tensor:
        """(N,) of latents of any size, in float32."""
        x = F.adaptive_avg_pool2d(frames_NChw.to(self.fine.weight.dtype), _SIDE)
        x_NK = F.silu(self.coarse(F.silu(self.fine(x)))).flatten(1)
        return self.out(F.silu(self.mix(x_NK)))[:, 0].float()


def tilt_products(latent_channels: int) -> int:
    """Products that reading one frame takes."""
    first, second, third = _WIDTHS
    fine, coarse = (_SIDE // 4) ** 2, (_SIDE // 8) ** 2
    return fine * 16 * latent_channels * first + coarse * (4 * first * second + second * third) + third


@dataclass
class Pose(PerSlot):
    """Of each stream at its newest frame."""

    tilt_B: Tensor  # as far as is known before the newest frame is read
    frames_B: Tensor  # before it
    since_B: Tensor  # steps since the last that did more than turn

    @classmethod
    def unknown(cls, slots: int, device: torch.device) -> Pose:
        """Of streams of no frame yet."""
        tilt_B, frames_B = torch.zeros(2, slots, device=device).unbind()
        return cls(tilt_B, frames_B, torch.full_like(tilt_B, torch.inf))

    @property
    def settled(self) -> bool:
        """Whether no stream is read any more."""
        return bool((self.frames_B >= _READINGS).all())

    def go_on(self, read_B: Tensor, pitch_B: Tensor, turns_B: Tensor) -> tuple[Tensor, Tensor]:
        """Take a step after a reading of the newest frame: how far the camera looked down before, and how it wears.

        A step wears frames by 1 unless it only ``turns_B``, and half as much with each step more, while a body coasts.
        """
        self.frames_B = self.frames_B + 1
        counts_B = torch.where(self.frames_B <= _READINGS, 1 / self.frames_B, 0)
        tilt_B = torch.lerp(self.tilt_B, read_B, counts_B)
        self.tilt_B = tilt_B + pitch_B
        self.since_B = torch.where(turns_B, self.since_B + 1, 0)
        return tilt_B, torch.where(self.since_B <= _COASTS, 0.5**self.since_B, 0.0)
