"""Which of two kinds of frames does a clip look like? A linear discriminant on colour histograms of real frames.

Histograms know nothing of places, so that a pillar on the left is the same pillar; the square roots of colours and of
counts (Hellinger's distance) keep night apart from night and a small thing visible.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

BINS = 7  # a colour channel
SHRINKAGE = 0.3  # of the covariance towards a multiple of the identity: there are fewer frames than bins


def colour_histograms(frames: Frames) -> NDArray[np.float64]:
    """Square roots of the shares of colours (N, BINS^3) of frames (N, H, W, 3); a colour is shared among its bins."""
    place = np.sqrt(frames.reshape(len(frames), -1, 3) / 255.0) * (BINS - 1)
    low = np.minimum(place.astype(np.int64), BINS - 2)
    part = place - low
    counts = np.zeros((len(frames), BINS**3))
    rows = np.arange(len(frames))[:, None]
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, part, 1 - part).prod(-1)
        flat = (low + corner) @ np.array([BINS**2, BINS, 1])
        np.add.at(counts, (np.broadcast_to(rows, flat.shape), flat), weight)
    return np.sqrt(counts / counts.sum(1, keepdims=True))


@dataclass(frozen=True)
class Discriminant:
    """``score`` is above 0 for frames that look like the first kind, and below for the second."""

    direction: NDArray[np.float64]  # (BINS^3,)
    threshold: float

    @classmethod
    def between(cls, first: Frames, second: Frames) -> Discriminant:
        """Fisher's linear discriminant with a shrunk covariance, from frames (N, H, W, 3) of both kinds."""
        a, b = colour_histograms(first), colour_histograms(second)
        centred = np.concatenate([a - a.mean(0), b - b.mean(0)])
        scatter = centred.T @ centred / len(centred)
        scale = np.trace(scatter) / len(scatter)
        shrunk = (1 - SHRINKAGE) * scatter + (SHRINKAGE * scale + 1e-9) * np.eye(len(scatter))
        direction = np.linalg.solve(shrunk, a.mean(0) - b.mean(0))
        return cls(direction, float(direction @ (a.mean(0) + b.mean(0)) / 2))

    def score(self, frames: Frames) -> float:
        """The mean over the frames of a clip (T, H, W, 3)."""
        return float((colour_histograms(frames) @ self.direction - self.threshold).mean())
