"""Noise of a frame: a function of the seed and of the frame's number alone, whatever else is in the batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def frame_noise(seed: int, frame: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Standard normal numbers of ``shape`` for frame number ``frame`` of the stream ``seed``.

    The frame is in the counter's third word: neighbouring counters would give the same numbers, shifted.
    """
    bits = np.random.Philox(key=seed & (2**64 - 1), counter=frame << 128)
    return np.random.Generator(bits).standard_normal(shape, np.float32)
