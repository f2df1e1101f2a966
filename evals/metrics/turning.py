"""How far the camera turned between two branches of a dream, beside how far it did in the game; one tracker for both.

From each frame to the next the shift aside is taken at which the middle halves of both correlate best. The difference
of two branches that turn against each other is twice the turn, less what both do alike, such as falling.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

HEIGHT = 64  # larger frames are made so small first; and rows are then pooled, for shifts aside need few
ROWS = 16
LARGEST_SHARE = 0.35  # of the width, for a shift
TRACKED = 0.5  # correlation, or above
MOST = 3.0  # times the game's turn; a step that seems to be larger is a wrong match
STEADY = 0.3  # steps of a held action that differ more from their median, as a share of it, were not tracked


class Steps(NamedTuple):
    """Of each step of a clip: how far its content went to the left, in widths, and how well that correlates."""

    turn: NDArray[np.float64]  # (H,)
    correlation: NDArray[np.float64]  # (H,)


class Turn(NamedTuple):
    """How far two branches turned apart, halved, in widths of the picture; NaN where the real ones are not tracked."""

    dream: float
    real: float


NOT_TRACKED = Turn(float("nan"), float("nan"))


def turn_steps(start: Frames, frames: Frames, hidden: NDArray[np.bool_]) -> Steps:
    """Of frames (H, h, w, 3) that follow ``start``; ``hidden`` (h, w) is where something is drawn over the world."""
    grey, seen = _rows(np.concatenate([start[None], frames]), hidden)
    width = grey.shape[2]
    largest, half = int(LARGEST_SHARE * width), width // 2
    shifts = np.arange(-largest, largest + 1)
    # Columns of the first frame (S, w/2) for which the same content lies around the middle of both frames.
    here = (width // 4 - shifts // 2)[:, None] + np.arange(half)
    there = here + shifts[:, None]
    weight = (seen[:, here] * seen[:, there]).swapaxes(0, 1)
    found = [_best(a[:, here].swapaxes(0, 1), b[:, there].swapaxes(0, 1), weight) for a, b in pairwise(grey)]
    places = np.array([largest - place for place, _ in found])
    return Steps(places / width, np.array([correlation for _, correlation in found]))


def compare_turns(real: tuple[Steps, Steps], dream: tuple[Steps, Steps]) -> Turn:
    """Both over those steps in which the real game was tracked: where its turn is about what it is in most steps.

    A dream's step that cannot be tracked, or seems to be ``MOST`` times the game's, counts as no turn: it has not
    answered.
    """
    apart = (real[0].turn - real[1].turn) / 2
    median = float(np.median(apart))
    steady = np.abs(apart - median) <= STEADY * abs(median)
    kept = steady & (np.minimum(real[0].correlation, real[1].correlation) >= TRACKED)
    if median <= 0 or kept.sum() < len(kept) / 2:
        return NOT_TRACKED
    a, b = (
        np.where((steps.correlation >= TRACKED) & (np.abs(steps.turn) <= MOST * median), steps.turn, 0.0)
        for steps in dream
    )
    return Turn(float((a - b)[kept].sum() / 2), float(apart[kept].sum()))


def _rows(frames: Frames, hidden: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Grey pictures (T, ROWS, w) and the share of each pixel's that shows the world (ROWS, w), 0 unless all does."""
    size = (round(frames.shape[2] * min(1.0, HEIGHT / frames.shape[1])), ROWS)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32) for frame in frames]
    pooled = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in grey])
    covered = cv2.resize(hidden.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return pooled.astype(np.float32), (np.asarray(covered) == 0).astype(np.float32)


def _best(a: NDArray[np.float32], b: NDArray[np.float32], weight: NDArray[np.float32]) -> tuple[float, float]:
    """At which of S shifts pictures (S, h, w) correlate best, between them by a parabola, and how well; 0 if flat."""
    total = weight.sum((1, 2), keepdims=True)
    a, b = ((one - (one * weight).sum((1, 2), keepdims=True) / total) * weight for one in (a, b))
    energy = (a * a).sum((1, 2)) * (b * b).sum((1, 2))
    correlation = np.where(energy > 1e-6, (a * b).sum((1, 2)) / np.sqrt(np.maximum(energy, 1e-6)), 0.0)
    i, middle = int(correlation.argmax()), len(correlation) // 2
    if correlation[i] <= 0:
        return float(middle), 0.0
    if i in (0, len(correlation) - 1):
        return float(i), float(correlation[i])
    before, top, after = correlation[i - 1 : i + 2]
    bend = before - 2 * top + after
    return float(i + (0.5 * (before - after) / bend if bend < 0 else 0.0)), float(top)
