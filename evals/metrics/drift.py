"""What goes wrong in a long dream: growing error, freezing, wandering colours, rewards and ends that never were."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames


def horizon_frames(error: NDArray[np.float64], independent: float, smoothing_frames: int) -> tuple[int, bool]:
    """Frames before the trailing mean of ``error`` (H,) reaches ``independent``, and whether it never did (then H).

    The trailing mean over ``smoothing_frames`` keeps one bad frame from ending the count. A blurred average of all
    frames has half the squared error of an independent episode and never reaches it: read the motion energy with it.
    """
    sums = np.cumsum(np.concatenate([[0.0], error]))
    ends = np.arange(1, len(error) + 1)
    starts = np.maximum(0, ends - smoothing_frames)
    reached = np.flatnonzero((sums[ends] - sums[starts]) / (ends - starts) >= independent)
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
    return frames.reshape(len(frames), -1, 3).sum(axis=1, dtype=np.int64) / float(frames[0].size // 3)
