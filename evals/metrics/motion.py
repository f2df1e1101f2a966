"""How the picture of a clip moves as a whole: aside, up and down, larger and smaller; by matching frames.

For each pair of frames a few frames apart every shift (or zoom) is tried and the one with the least squared error on
the common pixels is taken; what is drawn over the picture, such as a crosshair, is left out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

HEIGHT = 64  # larger frames are made so small first
APART = 2  # frames; slow motion shows better in frames that are further apart
LARGEST_SHARE = 0.25  # of the side, for a shift
ZOOMS = np.linspace(0.84, 1.16, 33)


def right_shift(frames: Frames, hidden: NDArray[np.bool_]) -> float:
    """How far the content of a clip (T, H, W, 3) goes to the right, in shares of the width, all in all.

    Turning or stepping to the left moves the content to the right.
    """
    grey, seen = _prepared(frames, hidden)
    limit = int(LARGEST_SHARE * grey.shape[2])
    return sum(_shift(a, b, seen, limit, 1) for a, b in _pairs(grey)) / grey.shape[2]


def down_shift(frames: Frames, hidden: NDArray[np.bool_]) -> float:
    """How far the content goes down, in shares of the height, all in all: looking up moves it down."""
    grey, seen = _prepared(frames, hidden)
    limit = int(LARGEST_SHARE * grey.shape[1])
    return sum(_shift(a, b, seen, limit, 0) for a, b in _pairs(grey)) / grey.shape[1]


def growth(frames: Frames, hidden: NDArray[np.bool_]) -> float:
    """The sum of the logarithms of zoom: above 0 where the content grows, as in walking forward."""
    grey, seen = _prepared(frames, hidden)
    return sum(_log_zoom(a, b, seen) for a, b in _pairs(grey))


def _prepared(frames: Frames, hidden: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Grey pictures (T, h, w) and which pixels show the world (h, w)."""
    width = round(frames.shape[2] * HEIGHT / frames.shape[1])
    if frames.shape[1] > HEIGHT:
        frames = np.stack([cv2.resize(one, (width, HEIGHT), interpolation=cv2.INTER_AREA) for one in frames])
        hidden = cv2.resize(hidden.astype(np.float32), (width, HEIGHT), interpolation=cv2.INTER_AREA) > 0
    return frames.astype(np.float32).mean(-1), ~hidden


def _pairs(grey: NDArray[np.float32]) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    apart = min(APART, len(grey) - 1)
    return [(grey[t], grey[t + apart]) for t in range(0, len(grey) - apart, apart)]


def _shift(a: NDArray[np.float32], b: NDArray[np.float32], seen: NDArray[np.bool_], limit: int, axis: int) -> float:
    """By how many pixels ``b`` is ``a`` moved along ``axis``, between pixels by a parabola."""
    shifts = np.arange(-limit, limit + 1)
    errors = []
    for shift in shifts.tolist():
        here, there = _overlap(a.shape[axis], shift)
        first, second = ((here,), (there,)) if axis == 0 else ((slice(None), here), (slice(None), there))
        both = seen[first] & seen[second]
        errors.append(float(((a[first] - b[second])[both] ** 2).mean()))
    return _least(shifts.astype(np.float64), np.array(errors))


def _overlap(size: int, shift: int) -> tuple[slice, slice]:
    return slice(max(0, -shift), size - max(0, shift)), slice(max(0, shift), size - max(0, -shift))


def _log_zoom(a: NDArray[np.float32], b: NDArray[np.float32], seen: NDArray[np.bool_]) -> float:
    height, width = a.shape
    errors = []
    for zoom in ZOOMS:
        warp = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0, float(zoom))
        grown = cv2.warpAffine(a, warp, (width, height))
        inside = cv2.warpAffine(seen.astype(np.float32), warp, (width, height)) > 0.99
        errors.append(float(((grown - b)[inside & seen] ** 2).mean()))
    return _least(np.log(ZOOMS), np.array(errors))


def _least(places: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    """Where the errors are least, refined by the parabola through the least one and its neighbours."""
    i = int(errors.argmin())
    if errors.max() - errors.min() < 1e-6:
        return 0.0
    if i in (0, len(errors) - 1):
        return float(places[i])
    before, least, after = errors[i - 1 : i + 2]
    bend = before - 2 * least + after
    offset = 0.5 * (before - after) / bend if bend > 0 else 0.0
    return float(places[i] + offset * (places[i + 1] - places[i]))
