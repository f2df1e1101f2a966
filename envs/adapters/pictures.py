"""Where a game's picture is: in its observation, or in what it renders; and how it gets its size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from gymnasium import spaces

from worldsim.core.types import Frames

# Smaller arrays of three channels are codes, not pictures: MiniGrid's "image" is 7 x 7 cells of what is there.
LEAST_SIDE = 32
NAMES = ("pixels", "rgb", "pov", "image", "screen", "frame")  # of the entry to take where several could be it

Picture = Callable[[Any], Frames]


def find_picture(space: Any) -> Picture | None:
    """A function from an observation of ``space`` to its RGB picture (h, w, 3) uint8; None where it has none.

    Channels may come first. A Dict is searched, entries named like a picture before others.
    """
    if isinstance(space, spaces.Dict):
        for key in sorted(space.spaces, key=lambda key: NAMES.index(key) if key in NAMES else len(NAMES)):
            inner = find_picture(space.spaces[key])
            if inner is not None:
                return partial(_of_entry, key, inner)
        return None
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8 or len(space.shape) != 3:
        return None
    if space.shape[2] == 3 and min(space.shape[:2]) >= LEAST_SIDE:
        return lambda obs: obs
    if space.shape[0] == 3 and min(space.shape[1:]) >= LEAST_SIDE:
        return lambda obs: np.ascontiguousarray(np.moveaxis(obs, 0, 2))
    return None


def _of_entry(key: str, inner: Picture, obs: Any) -> Frames:
    return inner(obs[key])


def is_picture(value: Any) -> bool:
    """Whether what a game rendered is an RGB picture (h, w, 3) uint8."""
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 3 and value.shape[2] == 3


def fit(picture: Frames, height: int, width: int) -> Frames:
    """``picture`` (h, w, 3) as a frame (height, width, 3) of its own memory, a pixel being the mean of its area."""
    if picture.shape[:2] == (height, width):
        return picture.copy()
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
