"""Physics-IQ's four terms: where, when and how much moves, and how it looks, against what two real takes differ by.

Motamed et al. 2025, "Do generative video models understand physical principles?", arXiv 2501.09038, and
github.com/google-deepmind/physics-IQ-benchmark. Two things are otherwise here: frames in which nothing moves in either
clip are left out, where the original counts them as perfect; and masks are not opened, which at 64 pixels would take
small bodies away.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

MOVED = 10  # 8-bit steps off the running mean
NEWEST = 0.3  # weight of the newest frame in the running mean
TERMS = ("spatial_iou", "spatiotemporal_iou", "weighted_spatial_iou")


def motion_masks(start: Frames, frames: Frames) -> NDArray[np.bool_]:
    """Which pixels move (T, H, W): those off the running mean of the blurred grey frames since ``start``."""
    mean = _grey(start)
    masks = []
    for frame in frames:
        grey = _grey(frame)
        mean = (1 - NEWEST) * mean + NEWEST * grey
        masks.append(np.abs(grey - mean) > MOVED)
    return np.stack(masks)


def terms(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> dict[str, float]:
    """The three overlaps of motion masks (T, H, W), each in [0, 1]; NaN where nothing moves in either."""
    both, either = (a & b).sum((1, 2)), (a | b).sum((1, 2))
    share_a, share_b = a.mean(0), b.mean(0)
    return {
        "spatial_iou": _ratio((a.any(0) & b.any(0)).sum(), (a.any(0) | b.any(0)).sum()),
        "spatiotemporal_iou": float((both[either > 0] / either[either > 0]).mean()) if either.any() else float("nan"),
        "weighted_spatial_iou": _ratio(np.minimum(share_a, share_b).sum(), np.maximum(share_a, share_b).sum()),
    }


def unit_mse(a: Frames, b: Frames) -> float:
    """Mean squared error of frames whose colours run from 0 to 1."""
    return float(((a.astype(np.float64) - b) ** 2).mean() / 255**2)


def score(found: dict[str, float], mse: float, ceiling: dict[str, float], ceiling_mse: float) -> float:
    """The three overlaps as shares of those of two real takes, less what the error is above theirs; at most 1.

    No share counts for more than 1. The published number takes ratios of means over all scenarios, times 100.
    """
    shares = [min(1.0, found[term] / ceiling[term]) for term in TERMS]
    return float(np.mean(shares) - max(0.0, mse - ceiling_mse))


def _grey(frame: Frames) -> NDArray[np.float32]:
    return cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (3, 3), 0).astype(np.float32)


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
