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

from evals.metrics.trajectory import middle, shape_of
from worldsim.core.types import Frames

DARKEST_SHADOW = 0.4  # of the light that falls on the stage
LEEWAY = 8.0  # 8-bit steps (root of the sum of squares) by which a colour is off what it should be, without any noise
UNLIKE = 60.0  # farther from all of a body's colours it is none of it
BLOT = 0.5 / 64  # frame heights: standard deviation of the neighbourhood that has a say in what a pixel is
SMALLEST = (2.5 / 64) ** 2  # of the squared frame height; what has fewer pixels is not seen
PIECE = 0.25  # of a whole body's main piece: a smaller one is no part of it
NEAR = 0.1  # frame heights a frame: a piece so far from where the body was counts for half of its size
REACH = 0.25  # frame heights: pieces farther from the main one are no parts of the body
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

    ``many`` (C,) says which are more than one thing: of those every piece counts. Of the others the main piece counts,
    and what is near it; which one that is depends on where the body was, at first at its ``start`` (C, 4, 8).
    """

    def __init__(
        self, stage: Frames, colours: NDArray[np.uint8], many: NDArray[np.bool_], start: NDArray[np.float32]
    ):  # fmt: skip
        self.stage, self.many, self.start = stage, many, start
        labels = range(1, len(many) + 1)
        self._trees = {k: cKDTree(colours[colours[:, 3] == k, :3].astype(np.float64)) for k in labels}

    def find(self, frames: Frames) -> Sighting:
        """What is seen in frames (T, H, W, 3); the stage has as many, or one."""
        return sight(self.label(frames), self.many, self.start)

    def label(self, frames: Frames) -> NDArray[np.uint8]:
        """Which body each pixel is of (T, H, W), 0 for the stage and its shadows: the likeliest, neighbours heard."""
        x = frames.astype(np.float32)
        stage = np.broadcast_to(self.stage, frames.shape).astype(np.float32)
        light = (x * stage).sum(-1) / np.maximum((stage * stage).sum(-1), 1.0)
        shaded = np.clip(light, DARKEST_SHADOW, 1.0)[..., None] * stage
        off_stage = np.sqrt(((x - shaded) ** 2).sum(-1))
        # Most pixels are the stage: how far they are off is how noisy the clip is.
        width = np.hypot(LEEWAY, np.median(off_stage))
        asked = off_stage > width
        away = np.full((len(self.many) + 1, *off_stage.shape), UNLIKE, np.float32)
        away[0] = np.minimum(off_stage, UNLIKE)
        for label, tree in self._trees.items():
            if tree.n:
                away[label][asked] = tree.query(x[asked], distance_upper_bound=UNLIKE)[0].clip(max=UNLIKE)
        likely = np.exp(-0.5 * (away / width) ** 2)
        likely[0] += np.exp(-0.5 * (UNLIKE / width / 2) ** 2)  # what is like nothing is taken for the stage
        likely /= likely.sum(0)
        blot = BLOT * frames.shape[1]
        heard = [[cv2.GaussianBlur(one, (0, 0), blot) for one in images] for images in likely]
        return np.argmax(np.array(heard), axis=0).astype(np.uint8)


def sight(
    labels: NDArray[np.integer], many: NDArray[np.bool_], start: NDArray[np.float32] | None = None
) -> Sighting:  # fmt: skip
    """Shapes, areas and pieces of the bodies in label images (T, H, W); the largest piece is the main one at first.

    With a ``start`` (C, 4, 8), nearness to it counts too.
    """
    steps, height, _ = labels.shape
    shapes = np.full((steps, len(many), 4, 8), np.nan, np.float32)
    areas, pieces = np.zeros((steps, len(many))), np.zeros((steps, len(many)), np.int64)
    smallest = max(1.0, SMALLEST * height**2)
    for body in range(len(many)):
        was = np.full(2, np.nan) if start is None else middle(start[body]) * height
        unseen = 1
        for t in range(steps):
            count, parts, stats, middles = cv2.connectedComponentsWithStats((labels[t] == body + 1).astype(np.uint8))
            sizes, middles = stats[1:count, cv2.CC_STAT_AREA].astype(np.float64), middles[1:count]
            if many[body]:
                kept = sizes >= smallest / 2
            else:
                kept = _whole(sizes, middles, was, NEAR * height * unseen, REACH * height)
            if sizes[kept].sum() < smallest:
                unseen += 1
                continue
            unseen = 1
            if start is not None:
                was = np.average(middles[kept], axis=0, weights=sizes[kept])
            mask = np.concatenate([[False], kept])[parts]
            shapes[t, body] = shape_of(mask)
            areas[t, body], pieces[t, body] = mask.sum() / height**2, kept.sum()
    return Sighting(shapes, areas, pieces)


def _whole(
    sizes: NDArray[np.float64], middles: NDArray[np.float64], was: NDArray[np.float64], near: float, reach: float
) -> NDArray[np.bool_]:
    """Which pieces are of one body: the main one, large and not far from where the body ``was``, and what is by it."""
    if not len(sizes):
        return np.zeros(0, np.bool_)
    far = np.linalg.norm(middles - was, axis=1) if np.isfinite(was).all() else np.zeros(len(sizes))
    main = int((sizes / (1 + (far / near) ** 2)).argmax())
    return (np.linalg.norm(middles - middles[main], axis=1) < reach) & (sizes >= PIECE * sizes[main])
