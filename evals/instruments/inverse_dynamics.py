"""Which of two action sequences was played? Told from the motion in one clip alone, without a real branch beside it.

Inverse dynamics as in VPT (Baker et al. 2022) and as generated games are judged (Matrix-Game, Zhang et al. 2025), but
small: dense optical flow (DIS, Kroeger et al. 2016) and frame differences on a coarse grid, and a linear regression
fitted to clips of the real game. It is tried on real clips that it was not fitted to.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

HEIGHT = 64  # frames are made so high first
CELLS = 4  # of the grid, in each direction
PARTS = 4  # of a clip, each with features of its own: a jump goes up and then down
SHRINKAGE = 1.0  # weight of squared coefficients, in the clips' mean energy: there are more of them than clips
FOLDS = 6
THREADS = 2  # a clip each; OpenCV's own cost more than they bring on pictures this small

Features = NDArray[np.float64]


def motion_features(clip: Frames) -> Features:
    """Of a clip (T, H, W, 3), T at least 2: flow and root of the frame difference in each cell and part, (F,).

    Flow is in pixels a frame of the picture as it is looked at here.
    """
    width = round(clip.shape[2] * HEIGHT / clip.shape[1])
    grey = [cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (width, HEIGHT)) for frame in clip]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    steps = []
    for here, there in pairwise(grey):
        moved = np.zeros((HEIGHT, width, 2), np.float32)
        if not np.array_equal(here, there):  # a picture that holds still is common, and its flow is exactly 0
            moved = np.asarray(flow.calc(here, there, moved), np.float32)
        changed = cv2.absdiff(here, there).astype(np.float32)
        steps.append(np.concatenate([_cells(moved).ravel(), np.sqrt(_cells(changed)).ravel()]))
    parts = np.array_split(np.array(steps, np.float64), min(PARTS, len(steps)))
    return np.concatenate([part.mean(0) for part in parts])


def motion_features_of(clips: Sequence[Frames]) -> list[Features]:
    """``motion_features`` of each clip, side by side."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(motion_features, clips))


def _cells(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(picture, (CELLS, CELLS), interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True)
class SideTeller:
    """Linear in the motion features; ``says_a`` is how sure it is that a clip shows side a."""

    weights: Features  # (F,)
    bias: float

    @classmethod
    def between(cls, a: Features, b: Features) -> SideTeller:
        """Ridge regression to 1 and -1, from features (N, F) of clips of both sides."""
        both = np.concatenate([a, b])
        middle, spread = both.mean(0), both.std(0) + 1e-6
        x = (both - middle) / spread
        sign = np.where(np.arange(len(both)) < len(a), 1.0, -1.0)
        # There are fewer clips than features: solved in the space of the clips.
        weights = x.T @ np.linalg.solve(x @ x.T + SHRINKAGE * x.shape[1] * np.eye(len(x)), sign) / spread
        return cls(weights, float(sign.mean() - weights @ middle))

    def says_a(self, features: Features) -> Features:
        """Above 0 for side a and below for side b: of features (..., F) one number each."""
        return features @ self.weights + self.bias

    def accuracy(self, a: Features, b: Features) -> float:
        """Share of clips told rightly, both sides weighing the same; features (N, F) or (F,)."""
        return float((np.mean(self.says_a(a) > 0) + np.mean(self.says_a(b) < 0)) / 2)


def held_out_accuracy(a: Features, b: Features) -> float:
    """How often it is right about pairs of clips (features (N, F) of each side) that it was not fitted to.

    By cross-validation: each pair is told by one made of the others.
    """
    fold = np.arange(len(a)) % FOLDS
    right = []
    for k in np.unique(fold):
        out = fold == k
        right.append(SideTeller.between(a[~out], b[~out]).accuracy(a[out], b[out]) * out.sum())
    return float(np.sum(right) / len(a))
