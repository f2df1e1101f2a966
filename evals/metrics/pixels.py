"""Distances between frames, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

PSNR_CAP_DB = 100.0  # equal frames have no noise; one 8-bit step in one of 64x64x3 numbers would be 89 dB


def squared_error_sum(a: Frames, b: Frames) -> NDArray[np.int64]:
    """Sum of squared differences of each frame: (..., H, W, 3) against the same, to (...); exact, in integers."""
    difference = a.astype(np.int32) - b.astype(np.int32)
    return (difference * difference).sum(axis=(-3, -2, -1), dtype=np.int64)


def mse(a: Frames, b: Frames) -> NDArray[np.float64]:
    """Mean squared error of each frame in squared 8-bit steps: (..., H, W, 3) to (...)."""
    return squared_error_sum(a, b) / float(np.prod(np.broadcast_shapes(a.shape, b.shape)[-3:]))


def psnr(a: Frames, b: Frames) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each frame in dB, 100 where the frames are equal: (..., H, W, 3) to (...).

    It is 10 log10(255^2 / MSE), so the mean of several futures scores better than any one of them: blur games it.
    """
    error = mse(a, b)
    with np.errstate(divide="ignore"):
        return np.minimum(PSNR_CAP_DB, 10 * np.log10(255.0**2 / error))


def mean_absolute_difference(a: Frames, b: Frames) -> float:
    """Mean absolute difference over everything, in 8-bit steps."""
    return float(np.abs(a.astype(np.int16) - b.astype(np.int16)).mean())
