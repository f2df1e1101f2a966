"""Do matches agree with the camera that was commanded? Sampson distances that a still video cannot pass.

An epipolar line leaves a point's depth open, and so a still video is consistent with any sideways camera: every point
may be infinitely far away. Here a match has to lie on that part of its epipolar line where the depth is that of the
scene, and only those points are asked about which no such depth lets stand still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.instruments.matches import Points, unit_px
from worldsim.core.types import Camera

THRESHOLDS_PX = (1, 2, 4, 8)
NEIGHBOURHOOD_PX = 3  # of a point, whose least and greatest depth bound its own
Depths = tuple[NDArray[np.float64], NDArray[np.float64]]  # least and greatest (N,), in metres along the optical axis


def sampson_distance(a: Points, b: Points, camera_a: Camera, camera_b: Camera) -> NDArray[np.float64]:
    """First-order distance (N,) in pixels of matches to their epipolar lines, whatever the depth (Sampson 1982)."""
    T = np.linalg.inv(camera_b.T_world_camera) @ camera_a.T_world_camera
    x, y, z = T[:3, 3]
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    F = np.linalg.inv(camera_b.K).T @ cross @ T[:3, :3] @ np.linalg.inv(camera_a.K)
    lines_b, lines_a = _homogeneous(a) @ F.T, _homogeneous(b) @ F
    error = np.abs((_homogeneous(b) * lines_b).sum(-1))
    size = np.sqrt((lines_a[:, :2] ** 2).sum(-1) + (lines_b[:, :2] ** 2).sum(-1))
    return np.divide(error, size, out=np.zeros_like(error), where=size > 0)


def scene_distance(
    a: Points, b: Points, camera_a: Camera, camera_b: Camera, depths_a: Depths, depths_b: Depths
) -> NDArray[np.float64]:
    """Distance (N,) in pixels of matches to the part of their epipolar lines that shows the scene's depths.

    It is the Sampson distance where the nearest point of both lines has a depth between the bounds, and more elsewhere;
    inf where every depth between the bounds is behind the other camera. Bounds may be infinite.
    """
    to_b: NDArray[np.float64] = np.linalg.inv(camera_b.T_world_camera) @ camera_a.T_world_camera
    to_a = np.linalg.inv(to_b).astype(np.float64)
    one = _distance_to_segment(a, b, camera_a.K, camera_b.K, to_b, depths_a)
    two = _distance_to_segment(b, a, camera_b.K, camera_a.K, to_a, depths_b)
    worst, both = np.maximum(one, two), np.hypot(one, two)
    finite = np.isfinite(worst)
    product = np.where(finite, one, 0.0) * np.where(finite, two, 0.0)
    # For two lines this is Sampson's error, |b F a| / sqrt(|F a|^2 + |b F|^2), in terms of the two distances.
    return np.where(finite, np.divide(product, both, out=np.zeros_like(both), where=finite & (both > 0)), np.inf)


def _distance_to_segment(
    a: Points, b: Points, K_a: NDArray[np.float64], K_b: NDArray[np.float64], T: NDArray[np.float64], depths: Depths
) -> NDArray[np.float64]:
    """How far ``b`` is from where ``a`` may be seen, (N,) pixels."""
    rays = _homogeneous(a) @ np.linalg.inv(K_a).T @ T[:3, :3].T
    # By inverse depth w the point is (rays + w t) / w: infinity is no special case.
    nearest, farthest = 1 / depths[0], 1 / depths[1]
    t = T[:3, 3]
    # It stays in front of the other camera where rays_z + w t_z is above a small share of what it was.
    least = 1e-2
    with np.errstate(divide="ignore"):
        limit = (least - rays[:, 2]) / t[2] if t[2] else np.full(len(a), np.inf)
    if t[2] < 0:
        nearest = np.minimum(nearest, limit)
    elif t[2] > 0:
        farthest = np.maximum(farthest, limit)
    visible = (nearest >= farthest) & (rays[:, 2] + farthest * t[2] >= least - 1e-9)
    ends = []
    for w in (farthest, nearest):
        seen = (rays + np.where(visible, w, 0)[:, None] * t) @ K_b.T
        ends.append(seen[:, :2] / np.where(visible, seen[:, 2], 1.0)[:, None])
    along = ends[1] - ends[0]
    length = (along**2).sum(-1)
    share = ((b - ends[0]) * along).sum(-1)
    share = np.clip(np.divide(share, length, out=np.zeros_like(share), where=length > 0), 0, 1)
    distance = np.linalg.norm(ends[0] + share[:, None] * along - b, axis=-1)
    return np.where(visible, distance, np.inf)


def depth_bounds(depth_m: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Least and greatest depth (H, W) around each pixel of a depth map."""
    around = np.ones((NEIGHBOURHOOD_PX, NEIGHBOURHOOD_PX), np.uint8)
    return np.asarray(cv2.erode(depth_m, around), np.float32), np.asarray(cv2.dilate(depth_m, around), np.float32)


@dataclass(frozen=True)
class View:
    """A commanded camera and the depths (H, W) that the game has there, in metres."""

    camera: Camera
    nearest_m: NDArray[np.float32]
    farthest_m: NDArray[np.float32]

    @classmethod
    def of(cls, camera: Camera, depth_m: NDArray[np.float32]) -> View:
        return cls(camera, *depth_bounds(depth_m))

    def depths(self, points: Points, factor: float) -> Depths:
        """Bounds (N,) at ``points``, ``factor`` times nearer and farther than what is there."""
        height, width = self.nearest_m.shape
        column, row = np.clip(np.round(points), 0, (width - 1, height - 1)).astype(int).T
        near, far = self.nearest_m[row, column].astype(np.float64), self.farthest_m[row, column].astype(np.float64)
        return near / factor, far * factor


@dataclass(frozen=True)
class Agreement:
    """How many matches tell something, and how many of them agree with the commanded cameras at each threshold."""

    telling: int
    agreeing: NDArray[np.int64]  # (len(THRESHOLDS_PX),)


def agreement(a: Points, b: Points, view_a: View, view_b: View, factor: float) -> Agreement:
    """Count the matches ``a``, ``b`` (N, 2); a point tells something if a still picture would fail every threshold.

    ``factor`` is by how much the depth of what is seen may differ from the game's.
    """
    unit = unit_px(view_a.nearest_m.shape[0])
    depths_a = view_a.depths(a, factor)
    still = scene_distance(a, a, view_a.camera, view_b.camera, depths_a, view_b.depths(a, factor))
    telling = unit * still > max(THRESHOLDS_PX)
    a, b, depths_a = a[telling], b[telling], (depths_a[0][telling], depths_a[1][telling])
    distance = unit * scene_distance(a, b, view_a.camera, view_b.camera, depths_a, view_b.depths(b, factor))
    return Agreement(len(a), np.array([(distance <= threshold).sum() for threshold in THRESHOLDS_PX]))


def commanded_fraction(dream: Sequence[Agreement], real: Sequence[Agreement]) -> tuple[NDArray[np.float64], float]:
    """The share of matches that agree, relative to the game's own, at each threshold, at most 1; and the coverage.

    Where a pair of dreamt frames has fewer telling matches than the game's the missing ones count as failures, so that
    neither a blank video nor one good match wins. Coverage is the mean share of matches that were there.
    """
    expected = np.array([one.telling for one in real])
    found = np.array([one.telling for one in dream])
    share = np.sum([one.agreeing for one in dream], axis=0) / np.maximum(expected, found).sum()
    own = np.sum([one.agreeing for one in real], axis=0) / expected.sum()
    coverage = float(np.minimum(1, found / expected).mean())
    return np.minimum(1, np.divide(share, own, out=np.zeros_like(share), where=own > 0)), coverage


def _homogeneous(points: Points) -> NDArray[np.float64]:
    return np.concatenate([points, np.ones((len(points), 1))], -1)
