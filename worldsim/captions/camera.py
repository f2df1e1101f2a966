"""How a camera moved, as who holds it would say: turned right, looked up, went forward; in any world's axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Camera


@dataclass(frozen=True)
class CameraPath:
    """A camera over T frames; a walk's forward and right are level, however the camera is tilted."""

    yaw_right_deg: NDArray[np.float64]  # (T,), turned since the first frame, not wrapped
    pitch_up_deg: NDArray[np.float64]  # (T,), over the horizon
    forward_m: NDArray[np.float64]  # (T-1,), in each step
    right_m: NDArray[np.float64]  # (T-1,)
    up_m: NDArray[np.float64]  # (T-1,)


def world_up(cameras: Sequence[Camera]) -> NDArray[np.float64]:
    """The world axis (3,) that is up for cameras that are not rolled: the right axis is level in all of them."""
    axes = np.concatenate([np.eye(3), -np.eye(3)])
    rotations = np.stack([camera.T_world_camera[:3, :3] for camera in cameras])  # columns right, down, forward
    tilt = np.abs(rotations[:, :, 0] @ axes.T).max(axis=0)
    upright = -(rotations[:, :, 1] @ axes.T).mean(axis=0)
    return axes[np.argmax(upright - 10 * (tilt > 1e-3))]


def camera_path(cameras: Sequence[Camera], up: NDArray[np.float64]) -> CameraPath:
    """The path of T cameras under the world's up axis."""
    poses = np.stack([camera.T_world_camera for camera in cameras])
    right, forward = poses[:, :3, 0], poses[:, :3, 2]
    right = _unit(right - np.outer(right @ up, up))
    pitch = np.degrees(np.arcsin(np.clip(forward @ up, -1, 1)))
    # Ahead is level and square to the right axis, which also holds where the camera looks straight up or down.
    down = poses[:, :3, 1]
    ahead = _unit(
        np.where((np.abs(pitch) < 80)[:, None], forward, np.sign(pitch)[:, None] * down)
        @ (np.eye(3) - np.outer(up, up))
    )
    turn = np.degrees(np.arctan2((ahead[1:] * right[:-1]).sum(1), (ahead[1:] * ahead[:-1]).sum(1)))
    step = np.diff(poses[:, :3, 3], axis=0)
    # A step is seen half way between the frames it joins, so that walking while turning goes ahead and not aside.
    middle_ahead, middle_right = _unit(ahead[1:] + ahead[:-1]), _unit(right[1:] + right[:-1])
    return CameraPath(
        yaw_right_deg=np.concatenate([[0.0], np.cumsum(turn)]),
        pitch_up_deg=pitch,
        forward_m=(step * middle_ahead).sum(1),
        right_m=(step * middle_right).sum(1),
        up_m=step @ up,
    )


def to_image(camera: Camera, point: Sequence[float]) -> tuple[float, float, float]:
    """Where a world point is seen: (u, v) in pixels and its depth in metres, negative behind the camera."""
    local = camera.T_world_camera[:3, :3].T @ (np.asarray(point) - camera.T_world_camera[:3, 3])
    if abs(local[2]) < 1e-9:
        return np.inf, np.inf, 0.0
    u, v, _ = camera.K @ (local / local[2])
    return float(u), float(v), float(local[2])


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
