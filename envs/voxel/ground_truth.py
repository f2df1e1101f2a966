"""What a voxel world knows about its present frame, from the buffers the ray-caster filled together with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.voxel import state
from envs.voxel.map import Placed
from envs.voxel.motion import axes
from envs.voxel.state import World
from worldsim.core.types import Camera, GroundTruth, ObjectState


def camera(eye: tuple[float, float, float], yaw_deg: float, pitch_deg: float, focal_px: float, shape: tuple[int, int]):
    """The pinhole camera; pixel (row v, column u) has its centre at the image point (u, v)."""
    height, width = shape
    K = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]])
    T = np.eye(4)
    T[:3, :3] = np.array(axes(yaw_deg, pitch_deg)).reshape(3, 3).T  # columns: right, down, forward
    T[:3, 3] = eye
    return Camera(K, T)


def collect(
    world: World,
    objects: list[Placed],
    cells_left: NDArray[np.intp],
    depth: NDArray[np.float32],
    instance: NDArray[np.int32],
    eye: tuple[float, float, float],
    focal_px: float,
    steps_per_s: int,
) -> GroundTruth:
    """Copies of the buffers, the camera, and the table of all objects; ``cells_left`` counts the cells of each id.

    An object lives while a block of it is left or an entity bears its id; the place of a moving one is its middle.
    """
    visible = np.bincount(instance.ravel(), minlength=len(objects) + 1).tolist()
    left = cells_left.tolist()
    table = [
        ObjectState(number, cls, (x, y, z), (0.0, 0.0, 0.0), left[number] > 0, visible[number])
        for number, cls, x, y, z in objects
    ]
    for row in world.entities[world.entities[:, state.SORT] > 0].tolist():
        number = int(row[state.ID])
        middle = (row[state.X], row[state.Y] + row[state.HEIGHT_Y] / 2, row[state.Z])
        velocity = (row[state.VX] * steps_per_s, row[state.VY] * steps_per_s, row[state.VZ] * steps_per_s)
        table[number - 1] = ObjectState(number, objects[number - 1][1], middle, velocity, True, visible[number])
    place = camera(eye, float(world.body[state.YAW]), float(world.body[state.PITCH]), focal_px, depth.shape)
    return GroundTruth(depth.copy(), instance.copy(), place, tuple(table))
