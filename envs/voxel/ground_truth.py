"""What the arena knows about its present frame, from the buffers the ray-caster filled together with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.voxel import player
from worldsim.core.types import Camera, GroundTruth, ObjectState


def camera(eye: tuple[float, float, float], yaw_deg: float, pitch_deg: float, focal_px: float, shape: tuple[int, int]):
    """The pinhole camera; pixel (row v, column u) has its centre at the image point (u, v)."""
    height, width = shape
    K = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]])
    T = np.eye(4)
    T[:3, :3] = np.array(player.axes(yaw_deg, pitch_deg)).reshape(3, 3).T  # columns: right, down, forward
    T[:3, 3] = eye
    return Camera(K, T)


def collect(
    depth: NDArray[np.float32],
    instance: NDArray[np.int32],
    eye: tuple[float, float, float],
    yaw_deg: float,
    pitch_deg: float,
    focal_px: float,
    ids: NDArray[np.int32],
    objects: list[tuple[int, str, float, float, float]],
) -> GroundTruth:
    """Copies of the buffers, the camera, and the table of all objects; an object lives while a block of it is left."""
    size = len(objects) + 1
    visible = np.bincount(instance.ravel(), minlength=size)
    left = np.bincount(ids.ravel(), minlength=size)
    table = tuple(
        ObjectState(number, cls, (x, y, z), (0.0, 0.0, 0.0), bool(left[number]), int(visible[number]))
        for number, cls, x, y, z in objects
    )
    return GroundTruth(depth.copy(), instance.copy(), camera(eye, yaw_deg, pitch_deg, focal_px, depth.shape), table)
