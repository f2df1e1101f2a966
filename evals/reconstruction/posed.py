"""Frames with their cameras, in two halves: one to fit, one held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Camera, Frames


@dataclass(frozen=True)
class PosedFrames:
    """T frames of one camera at T places; ``seen`` is where nothing is drawn over the world."""

    frames: Frames  # (T, H, W, 3)
    K: NDArray[np.float64]  # (3, 3)
    T_world_camera: NDArray[np.float64]  # (T, 4, 4)
    seen: NDArray[np.bool_]  # (H, W)
    nearest_m: float  # nothing is nearer to a camera

    def halves(self) -> tuple[PosedFrames, PosedFrames]:
        """Every other frame, from the first one on, and the others."""
        return self._every_other(0), self._every_other(1)

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width."""
        height, width = self.seen.shape
        return height, width

    def camera(self, t: int) -> Camera:
        return Camera(self.K, self.T_world_camera[t])

    def rays(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Origins (T, 3) and directions (T, H, W, 3) in the world; a direction is one metre deep, not long."""
        height, width = self.size_px
        column, row = np.meshgrid(np.arange(width), np.arange(height))
        pixels = np.stack([column, row, np.ones_like(row)], -1)
        local = pixels @ np.linalg.inv(self.K).T
        directions = np.einsum("tij,hwj->thwi", self.T_world_camera[:, :3, :3], local)
        return self.T_world_camera[:, :3, 3].astype(np.float32), directions.astype(np.float32)

    def _every_other(self, first: int) -> PosedFrames:
        return replace(self, frames=self.frames[first::2], T_world_camera=self.T_world_camera[first::2])
