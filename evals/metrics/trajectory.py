"""Where bodies are in a clip, and how well a forecast follows them: skill over forecasts that know no physics.

A body, or everything of one colour where things break and pour, is what its pixels are: their quantiles along a few
directions. Places, sizes and spread are all in them, and shards need not be told apart.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ANGLES = np.pi * np.arange(4) / 4
DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])  # (2, 4): right, and so on, down
LEVELS = (np.arange(8) + 0.5) / 8
LOST = 0.25  # frame heights; no error counts for more, and a body that is not found for so much
FITTED = 4  # frames at the end of the context that a velocity is taken from


def shape_of(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The quantiles (4, 8) of where the pixels of a mask (H, W) are, in frame heights; NaN of an empty one."""
    y, x = np.nonzero(mask)
    if not len(y):
        return np.full((DIRECTIONS.shape[1], len(LEVELS)), np.nan, np.float32)
    along = np.sort(np.stack([x, y], 1) @ DIRECTIONS, axis=0)
    ranks = LEVELS * len(y) - 0.5
    low = np.clip(np.floor(ranks).astype(int), 0, len(y) - 1)
    high, part = np.minimum(low + 1, len(y) - 1), np.clip(ranks - low, 0, 1)[:, None]
    return (((1 - part) * along[low] + part * along[high]).T / mask.shape[0]).astype(np.float32)


def distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """The sliced Wasserstein-2 distance of shapes (..., 4, 8), in frame heights: how far a body is that only moved.

    Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures"; NaN where either is.
    """
    return np.sqrt(2 * ((a.astype(np.float64) - b) ** 2).mean((-2, -1)))


def middle(shapes: NDArray[np.floating]) -> NDArray[np.float64]:
    """The middles (..., 2) of shapes (..., 4, 8): right and down, in frame heights."""
    return shapes[..., [0, 2], :].mean(-1).astype(np.float64)


def persistence(context: NDArray[np.float32], horizon: int, width: float) -> NDArray[np.float64]:
    """Forecasts (2, horizon, C, 4, 8) from shapes (T, C, 4, 8): every body as last seen, and at constant velocity.

    ``width`` is the frame's in frame heights: at its border bodies stop. A body never seen is NaN.
    """
    steps = np.arange(1, horizon + 1)[:, None, None]
    corners = np.array([[0, 0], [width, 0], [0, 1], [width, 1]]) @ DIRECTIONS
    forecasts = np.full((2, horizon, *context.shape[1:]), np.nan)
    for body in range(context.shape[1]):
        seen = np.flatnonzero(np.isfinite(context[:, body, 0, 0]))
        if not len(seen):
            continue
        last = context[seen[-1], body]
        used = seen[seen > seen[-1] - FITTED]
        velocity = np.zeros_like(last)
        if len(used) > 1:
            velocity = np.polyfit(used, context[used, body].reshape(len(used), -1), 1)[0].reshape(last.shape)
        moved = last + velocity * (steps + len(context) - 1 - seen[-1])
        forecasts[0, :, body] = last
        forecasts[1, :, body] = np.clip(moved, corners.min(0)[:, None], corners.max(0)[:, None])
    return forecasts


def lost_at_most(error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Errors, none above LOST, which is also what one of a body that was not found counts."""
    return np.minimum(np.where(np.isnan(error), LOST, error), LOST)


def skill(error: float, reference: float) -> float:
    """1 - error / reference, and not below -1: 1 is perfect, 0 no better than the reference."""
    return max(-1.0, 1.0 - error / reference)
