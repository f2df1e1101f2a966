"""Finds bodies in frames by their colours, before an empty stage that is known.

The colours of each body are learnt from frames of the real game in which the truth is known; the instrument is tried on
other ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from evals.metrics.trajectory import shape_of
from worldsim.core.types import Frames

DARKEST_SHADOW = 0.4  # of the light that falls on the stage
NEARER = 8.0  # 8-bit steps (root of the sum of squares): by so much a pixel must look more like a body than the stage
UNLIKE = 60.0  # farther from all of a body's colours it is none of it
SMALLEST = (2.5 / 64) ** 2  # of the squared frame height; what has fewer pixels is not seen
PIECE = 0.25  # of a whole body's largest piece: a smaller one is no part of it
CELL = 8  # 8-bit steps: colours nearer than this are one


@dataclass(frozen=True)
class Sighting:
    """What was found of C bodies in T frames."""

    shapes: NDArray[np.float32]  # (T, C, 4, 8), see evals.metrics.trajectory; NaN where a body is not seen
    areas: NDArray[np.float64]  # (T, C), shares of the squared frame height
    pieces: NDArray[np.int64]  # (T, C), connected ones

    @property
    def seen(self) -> NDArray[np.bool_]:
        return np.isfinite(self.shapes[..., 0, 0])


def learn_colours(frames: Frames, labels: NDArray[np.integer], bodies: int) -> NDArray[np.uint8]:
    """Colours of bodies in frames (T, H, W, 3) with labels (T, H, W), 0 the stage: rows (red, green, blue, label)."""
    found = []
    for label in range(1, bodies + 1):
        pixels = frames[labels == label]
        _, first = np.unique(pixels // CELL, axis=0, return_index=True)
        found.append(np.column_stack([pixels[first], np.full(len(first), label, np.uint8)]))
    return np.concatenate(found).astype(np.uint8)


class BodyFinder:
    """Finds C bodies by ``colours`` (see ``learn_colours``) before the empty ``stage`` (T or 1, H, W, 3).

    ``many`` (C,) says which are more than one thing: of those every piece counts.
    """

    def __init__(self, stage: Frames, colours: NDArray[np.uint8], many: NDArray[np.bool_]):
        self.stage, self.many = stage, many
        self._labels = colours[:, 3]
        self._tree = cKDTree(colours[:, :3].astype(np.float64))

    def find(self, frames: Frames) -> Sighting:
        """What is seen in frames (T, H, W, 3); the stage has as many, or one."""
        return sight(self.label(frames), self.many)

    def label(self, frames: Frames) -> NDArray[np.uint8]:
        """Which body each pixel is of (T, H, W), 0 for the stage and its shadows."""
        labels = np.zeros(frames.shape[:3], np.uint8)
        x = frames.astype(np.float32)
        stage = np.broadcast_to(self.stage, frames.shape).astype(np.float32)
        light = (x * stage).sum(-1) / np.maximum((stage * stage).sum(-1), 1.0)
        shaded = np.clip(light, DARKEST_SHADOW, 1.0)[..., None] * stage
        off_stage = np.sqrt(((x - shaded) ** 2).sum(-1))
        asked = off_stage > NEARER
        away, nearest = self._tree.query(x[asked])
        is_body = (away + NEARER < off_stage[asked]) & (away < UNLIKE)
        labels[asked] = np.where(is_body, self._labels[nearest], 0)
        return labels


def sight(labels: NDArray[np.integer], many: NDArray[np.bool_]) -> Sighting:
    """Shapes, areas and pieces of the bodies in label images (T, H, W)."""
    steps, height, _ = labels.shape
    shapes = np.full((steps, len(many), 4, 8), np.nan, np.float32)
    areas, pieces = np.zeros((steps, len(many))), np.zeros((steps, len(many)), np.int64)
    smallest = max(1.0, SMALLEST * height**2)
    for t in range(steps):
        for body in np.unique(labels[t]):
            if body == 0:
                continue
            count, parts, stats, _ = cv2.connectedComponentsWithStats((labels[t] == body).astype(np.uint8))
            sizes = stats[1:count, cv2.CC_STAT_AREA]
            kept = sizes >= (smallest / 2 if many[body - 1] else PIECE * sizes.max())
            if sizes[kept].sum() < smallest:
                continue
            mask = np.concatenate([[False], kept])[parts]
            shapes[t, body - 1] = shape_of(mask)
            areas[t, body - 1], pieces[t, body - 1] = mask.sum() / height**2, kept.sum()
    return Sighting(shapes, areas, pieces)
