"""Distances between frames, pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

PSNR_CAP_DB = 100.0  # equal frames have no noise; one 8-bit step in one of 64x64x3 numbers would be 89 dB


def squared_error_sum(a: Frames, b: Frames) -> NDArray[np.int64]:
    """Sum of squared differences of each frame: (..., H, W, 3) against the same, to (...); exact, in integers."""
    a, b = np.broadcast_arrays(a, b)
    pairs = zip(a.reshape(-1, *a.shape[-3:]), b.reshape(-1, *b.shape[-3:]), strict=True)
    sums = [round(cv2.norm(x, y, cv2.NORM_L2SQR)) for x, y in pairs]
    return np.array(sums, np.int64).reshape(a.shape[:-3])


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


def ssim(a: Frames, b: Frames) -> NDArray[np.float64]:
    """Structural similarity of each frame (Wang et al. 2004): (T, H, W, 3) to (T,), the mean of the colour channels.

    A Gaussian window of 11 pixels and 1.5 standard deviation; the border of 5 pixels is left out.
    """
    return np.array([_ssim(x.astype(np.float64), y.astype(np.float64)) for x, y in zip(a, b, strict=True)])


def _ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    def smooth(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return cv2.GaussianBlur(x, (11, 11), 1.5)[5:-5, 5:-5].astype(np.float64)

    mean_a, mean_b = smooth(a), smooth(b)
    within = smooth(a * a) + smooth(b * b) - mean_a**2 - mean_b**2
    between = smooth(a * b) - mean_a * mean_b
    small, smaller = (0.03 * 255) ** 2, (0.01 * 255) ** 2
    means = (2 * mean_a * mean_b + smaller) / (mean_a**2 + mean_b**2 + smaller)
    return float((means * (2 * between + small) / (within + small)).mean())
