"""Finds a thing in frames by its colours, which it learns from real frames in which the game says where the thing is.

It has no idea of places or sizes, so that a thing in the wrong place is found there, and one that is there twice is
found twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from worldsim.core.types import Frames

BINS = 32  # a colour channel
SMOOTHING_BINS = 1.0  # colours that were not seen are taken for their neighbours
PRIOR_ODDS = 0.1  # of a pixel to be the thing's rather than anything else's
MIN_BLOB_PX = 4


class Blob(NamedTuple):
    """A connected patch of the thing's colours."""

    pixels: int
    row: float
    column: float


@dataclass(frozen=True)
class ColourTracker:
    """``table`` says of each colour, by its bins, whether it is the thing's rather than anything else's."""

    table: NDArray[np.bool_]  # (BINS, BINS, BINS)

    @classmethod
    def learn(cls, frames: Frames, masks: NDArray[np.bool_]) -> ColourTracker:
        """From frames (N, H, W, 3) and where the thing is in them (N, H, W): the likelier of the two for each colour.

        A naive Bayes classifier on smoothed colour histograms (Swain and Ballard 1991; Jones and Rehg 2002).
        """
        thing, rest = _histogram(frames[masks]), _histogram(frames[~masks])
        return cls(PRIOR_ODDS * thing > rest)

    def mask(self, frames: Frames) -> NDArray[np.bool_]:
        """Which pixels (..., H, W) of frames (..., H, W, 3) have the thing's colours."""
        r, g, b = np.moveaxis(_bins(frames), -1, 0)
        return self.table[r, g, b]

    def blobs(self, frame: Frames, min_pixels: float = MIN_BLOB_PX) -> list[Blob]:
        """The patches of a frame (H, W, 3) that have at least so many pixels, the largest first."""
        labels, count = ndimage.label(self.mask(frame))
        if not count:
            return []
        numbers = np.arange(1, count + 1)
        pixels = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        centres = ndimage.center_of_mass(labels > 0, labels, numbers)
        found = [Blob(int(n), *centre) for n, centre in zip(pixels, centres, strict=True) if n >= min_pixels]
        return sorted(found, key=lambda blob: -blob.pixels)

    def iou(self, frames: Frames, masks: NDArray[np.bool_]) -> float:
        """Intersection over union with the truth (N, H, W) over all frames; NaN where the thing is in none."""
        found = self.mask(frames)
        return float((found & masks).sum() / (found | masks).sum()) if masks.any() else float("nan")


def _bins(frames: Frames) -> NDArray[np.intp]:
    return (frames // (256 // BINS)).astype(np.intp)


def _histogram(colours: Frames) -> NDArray[np.float64]:
    """The share of each colour (BINS, BINS, BINS) among colours (N, 3), smoothed."""
    flat = np.ravel_multi_index(tuple(_bins(colours).T), (BINS,) * 3)
    counts = np.bincount(flat, minlength=BINS**3).reshape((BINS,) * 3).astype(np.float64)
    return ndimage.gaussian_filter(counts, SMOOTHING_BINS, mode="nearest") / max(len(colours), 1)
