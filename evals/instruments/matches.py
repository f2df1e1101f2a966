"""The same point in two frames: tracks through a video, and features matched between any two pictures.

On real 64x64 frames of four games, strafing and orbiting, the chained tracks put 68 % of 5-frame and 55 % of 10-frame
pairs within 4 px (of 256) of where depth and camera say they belong; SIFT on frames enlarged four times 50 % and 40 %,
at over ten times the cost. Between unordered photographs there is nothing to chain, so there SIFT it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Frames

Points = NDArray[np.float64]  # (N, 2) as (column, row); pixel (0, 0) has its centre at (0, 0)

REFERENCE_HEIGHT_PX = 256  # thresholds are in pixels of a picture this high; higher ones are taken as they are
TRACK_HEIGHT_PX = 128  # lower frames are enlarged to about this for tracking
CORNERS = 300
CORNER_QUALITY = 0.01  # of the best corner
CORNERS_APART_PX = 1.5
WINDOW_PX = 11
THERE_AND_BACK_PX = 0.2  # a point tracked to the next frame and back must return this near
WORST_DIFFERENCE = 20.0  # mean absolute difference of the two windows, 8-bit steps
SIFT_FEATURES = 2000
SIFT_CONTRAST = 0.01
SIFT_RATIO = 0.8  # Lowe's test


def unit_px(height: int) -> float:
    """By how much a distance in pixels of a frame of ``height`` is larger in pixels of the reference picture."""
    return max(1.0, REFERENCE_HEIGHT_PX / height)


def track(frames: Frames, starts: Sequence[int], length: int, hidden: NDArray[np.bool_]) -> list[Points]:
    """Corners of the frames ``starts`` followed frame by frame: for each start (length + 1, N, 2), NaN once lost.

    ``frames`` (T, H, W, 3); ``hidden`` (H, W) is where something is drawn over the world: no corner is taken there and
    a track that comes there is lost. Lucas-Kanade in pyramids (Bouguet 2001), checked there and back
    (Kalal et al. 2010), on the corners of Shi & Tomasi (1994).
    """
    scale = max(1, round(TRACK_HEIGHT_PX / frames.shape[1]))
    grey = [_grey(_enlarged(frame, scale)) for frame in frames]
    # Beside what is drawn over the world the window sees some of it.
    covered = cv2.dilate(hidden.astype(np.uint8), np.ones((3, 3), np.uint8))
    seen = (1 - np.asarray(covered, np.uint8)).repeat(scale, 0).repeat(scale, 1)
    return [_follow(grey[start : start + length + 1], seen, scale) for start in starts]


def _follow(grey: list[NDArray[np.uint8]], seen: NDArray[np.uint8], scale: int) -> Points:
    found = cv2.goodFeaturesToTrack(grey[0], CORNERS, CORNER_QUALITY, CORNERS_APART_PX * scale, mask=seen * 255)
    if found is None:
        return np.zeros((len(grey), 0, 2))
    points = np.asarray(found, np.float32).reshape(-1, 2)
    path = [points]
    alive = np.ones(len(points), np.bool_)
    for here, there in pairwise(grey):
        moved, ok, difference = _flow(here, there, points)
        back, ok_back, _ = _flow(there, here, moved)
        alive &= ok & ok_back & (np.abs(back - points).max(-1) < THERE_AND_BACK_PX * scale)
        alive &= difference < WORST_DIFFERENCE
        place = np.round(np.nan_to_num(moved)).astype(int)
        inside = ((place >= 0) & (place < (seen.shape[1], seen.shape[0]))).all(-1)
        place[~inside] = 0
        alive &= inside & (seen[place[:, 1], place[:, 0]] > 0)
        points = moved
        path.append(np.where(alive[:, None], points, np.nan))
    return (np.stack(path).astype(np.float64) + 0.5) / scale - 0.5


def _flow(
    here: NDArray[np.uint8], there: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]]:
    """Where points (N, 2) are in the next picture, which were found, and how different their windows are."""
    lucas_kanade: Any = cv2.calcOpticalFlowPyrLK  # its stub knows no points to start without
    moved, ok, difference = lucas_kanade(here, there, points[:, None], None, winSize=(WINDOW_PX, WINDOW_PX), maxLevel=3)
    return moved.reshape(-1, 2), ok.ravel() > 0, difference.ravel()


def sift_features(frame: Frames, enlarge: bool = True) -> tuple[Points, NDArray[np.float32]]:
    """Places (N, 2) and descriptors (N, 128) of a picture (H, W, 3), a low one enlarged to 256 px."""
    scale = max(1, round(REFERENCE_HEIGHT_PX / frame.shape[0])) if enlarge else 1
    sift = cv2.SIFT.create(nfeatures=SIFT_FEATURES, contrastThreshold=SIFT_CONTRAST)
    found, descriptors = sift.detectAndCompute(_grey(_enlarged(frame, scale)), None)
    if descriptors is None:
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    places = np.array([one.pt for one in found], np.float64)
    return (places + 0.5) / scale - 0.5, np.asarray(descriptors, np.float32)


def sift_matches(a: tuple[Points, NDArray[np.float32]], b: tuple[Points, NDArray[np.float32]]) -> tuple[Points, Points]:
    """The features of two pictures that are each other's nearest, and clearly nearer than the second nearest."""
    if min(len(a[0]), len(b[0])) < 2:
        return np.zeros((0, 2)), np.zeros((0, 2))
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    best = {(pair[0].queryIdx, pair[0].trainIdx) for pair in matcher.knnMatch(a[1], b[1], k=2) if _clear(pair)}
    both = [(one.trainIdx, one.queryIdx) for one in matcher.match(b[1], a[1])]
    pairs = np.array(sorted(best.intersection(both)), np.int64).reshape(-1, 2)
    return a[0][pairs[:, 0]], b[0][pairs[:, 1]]


def _clear(pair: Sequence[cv2.DMatch]) -> bool:
    return len(pair) == 2 and pair[0].distance < SIFT_RATIO * pair[1].distance


def _grey(frame: Frames) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)


def _enlarged(frame: Frames, scale: int) -> Frames:
    return np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
