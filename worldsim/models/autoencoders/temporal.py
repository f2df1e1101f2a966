"""Layers that see time, causally: a frame, its two predecessors, and before the first frame the first, standing still.

They act at the latents' resolution between spatial convolutions, as products over channels: time costs little
(factorised as in R(2+1)D, Tran et al. 2018, rather than full 3D kernels; the first frame alone as in MAGVIT-v2, Yu et
al. 2024). Before the first frame the video stands still, so an image is a clip of one frame.

Legend: N = B * T frames in one batch of convolutions, C channels, H and W here at the layer's own resolution.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PAST = 2  # frames before its own that a layer sees: a kernel of 3


class Passage:
    """One pass of B clips, or of their next part, through the layers: what these remember, before and after it."""

    def __init__(self, clips: int, memory: Iterable[Tensor] | None = None):
        self.clips, self.first = clips, memory is None
        self._before = iter(memory or ())
        self.memory: list[Tensor] = []

    def with_past(self, x_BTHWC: Tensor) -> Tensor:
        """The same frames with the ``PAST`` before them in front."""
        past = x_BTHWC[:, :1].expand(-1, PAST, -1, -1, -1) if self.first else next(self._before)
        x_BTHWC = torch.cat((past, x_BTHWC), 1)
        self.memory.append(x_BTHWC[:, -PAST:])
        return x_BTHWC

    def by_clip(self, x_NCHW: Tensor) -> Tensor:
        return x_NCHW.permute(0, 2, 3, 1).unflatten(0, (self.clips, -1))


def as_images(x_BTHWC: Tensor) -> Tensor:
    """(N, C, H, W), channels-last in memory."""
    return x_BTHWC.flatten(0, 1).permute(0, 3, 1, 2)


class TimeLayer(nn.Module):
    """Called with frames (N, C, H, W) and the passage they belong to."""


class TimeBlock(TimeLayer):
    """Residual: each frame mixed with the two before it, then 3x3 in space."""

    def __init__(self, width: int):
        super().__init__()
        self.mix = nn.Linear((1 + PAST) * width, width)
        self.conv = nn.Conv2d(width, width, 3, padding=1)
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, x_NCHW: Tensor, passage: Passage) -> Tensor:
        x_BTHWC = passage.with_past(passage.by_clip(F.silu(x_NCHW)))
        frames = x_BTHWC.shape[1] - PAST
        y = self.mix(torch.cat([x_BTHWC[:, i : i + frames] for i in range(1 + PAST)], -1))
        return x_NCHW + self.gain.to(x_NCHW.dtype) * self.conv(F.silu(as_images(y)))


class TimeMerge(TimeLayer):
    """Two frames to one; a clip's first frame is merged with itself."""

    def __init__(self, width: int):
        super().__init__()
        self.merge = nn.Linear(2 * width, width)

    def forward(self, x_NCHW: Tensor, passage: Passage) -> Tensor:
        x_BTHWC = passage.by_clip(x_NCHW)
        if passage.first:
            x_BTHWC = torch.cat((x_BTHWC[:, :1], x_BTHWC), 1)
        return as_images(self.merge(torch.cat((x_BTHWC[:, ::2], x_BTHWC[:, 1::2]), -1)))


class TimeSplit(TimeLayer):
    """One frame to two; of a clip's first only the second is kept."""

    def __init__(self, width: int):
        super().__init__()
        self.split = nn.Linear(width, 2 * width)

    def forward(self, x_NCHW: Tensor, passage: Passage) -> Tensor:
        pair = self.split(passage.by_clip(x_NCHW)).chunk(2, -1)
        x_BTHWC = torch.stack(pair, 2).flatten(1, 2)
        return as_images(x_BTHWC[:, 1:] if passage.first else x_BTHWC)


class Stages(nn.Sequential):
    """Layers in order; those that see time are given the passage."""

    def forward(self, x_NCHW: Tensor, passage: Passage) -> Tensor:  # type: ignore[override]
        for layer in self:
            x_NCHW = layer(x_NCHW, passage) if isinstance(layer, TimeLayer) else layer(x_NCHW)
        return x_NCHW
