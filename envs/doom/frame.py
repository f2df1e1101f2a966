"""From the engine's screen to the frame: area resize, and a bar that shows the health."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FULL_RGB = np.array([220, 40, 40], np.float32)
EMPTY_RGB = np.array([40, 0, 0], np.float32)


def resize_screen(screen: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """``screen`` (h, w, 3) as a frame (height, width, 3), every pixel the mean of the area it covers."""
    if screen.shape[:2] == (height, width):
        return screen.copy()
    return np.asarray(cv2.resize(screen, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def bar_rows(height: int) -> int:
    """How many rows at the bottom of a frame the health bar takes: 2 of 48."""
    return max(1, round(height / 24))


def draw_health(frame: NDArray[np.uint8], health: float) -> None:
    """Draw the bar into ``frame`` in place: its lit width is ``health`` of 100, to a fraction of a pixel.

    Doom's own status bar takes a sixth of the frame and its digits cannot be read at 64x48.
    """
    height, width = frame.shape[:2]
    lit = np.clip(health / 100 * width - np.arange(width), 0, 1)[:, None]
    frame[height - bar_rows(height) :] = np.rint(lit * FULL_RGB + (1 - lit) * EMPTY_RGB).astype(np.uint8)
