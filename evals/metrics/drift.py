"""What goes wrong in a long dream: growing error, freezing, wandering colours, rewards and ends that never were."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames


def mismatch(dream: Frames, real: Frames, mean_frame: NDArray[np.float32]) -> NDArray[np.float64]:
    """One minus the correlation of what two frames have beyond the game's mean frame: (..., H, W, 3) to (...).

    0 for equal frames, about 1 for unrelated ones, 1 for a frame that has nothing beyond the mean. Squared error would
    do for sharp dreams only: a grey average of everything has half the squared error of an unrelated episode, so
    whatever fades never gets lost by it. Both frames are brought to the same contrast here, so fading wins nothing.
    """
    a, b = dream.astype(np.float32) - mean_frame, real.astype(np.float32) - mean_frame
    axes = (-3, -2, -1)
    product = (a * b).sum(axis=axes, dtype=np.float64)
    energy = (a * a).sum(axis=axes, dtype=np.float64) * (b * b).sum(axis=axes, dtype=np.float64)
    correlation = np.divide(product, np.sqrt(energy), out=np.zeros_like(product), where=energy > 0)
    return np.where((dream == real).all(axis=axes), 0.0, 1.0 - correlation)


def horizon_frames(error: NDArray[np.float64], lost: float, smoothing_frames: int) -> tuple[int, bool]:
    """Frames before the trailing mean of ``error`` (H,) reaches ``lost``, and whether it never did (then H, censored).

    The trailing mean over ``smoothing_frames`` keeps one bad frame from ending the count.
    """
    sums = np.cumsum(np.concatenate([[0.0], error]))
    ends = np.arange(1, len(error) + 1)
    starts = np.maximum(0, ends - smoothing_frames)
    reached = np.flatnonzero((sums[ends] - sums[starts]) / (ends - starts) >= lost)
    return (int(reached[0]), False) if reached.size else (len(error), True)


def motion_energy(start: Frames, frames: Frames) -> float:
    """Mean absolute change from frame to frame, in 8-bit steps; ``start`` (h, w, 3) precedes ``frames`` (H, ...)."""
    whole = np.concatenate([start[None], frames]).astype(np.int16)
    return float(np.abs(np.diff(whole, axis=0)).mean())


def motion_energy_ratio(start: Frames, dream: Frames, real: Frames) -> float:
    """The dream's motion energy over the game's; NaN where nothing moves in the game."""
    moving = motion_energy(start, real)
    return motion_energy(start, dream) / moving if moving > 0 else float("nan")


def colour_drift(dream: Frames, real: Frames) -> NDArray[np.float64]:
    """Absolute difference of the mean colour of each frame, averaged over R, G and B: (H, h, w, 3) to (H,)."""
    return np.abs(_mean_colour(dream) - _mean_colour(real)).mean(axis=-1)


def reward_mae(dream: NDArray[np.float32], real: NDArray[np.float32]) -> float:
    """Mean absolute error of the reward over the steps (H,)."""
    return float(np.abs(dream.astype(np.float64) - real).mean())


def termination_false_alarm(termination_prob: NDArray[np.float32], ended: NDArray[np.bool_]) -> float:
    """Mean termination probability over the steps (H,) that do not end the episode; NaN where all do."""
    alive = ~ended
    return float(termination_prob[alive].mean()) if alive.any() else float("nan")


def _mean_colour(frames: Frames) -> NDArray[np.float64]:
    return np.array([cv2.mean(frame)[:3] for frame in frames])
