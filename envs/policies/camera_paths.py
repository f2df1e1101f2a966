"""Scripted camera paths for any game whose player turns and walks: look away and back, orbit, strafe, loop.

Each comes back to where it began, so that what is seen there can be compared, and begins again. The seed chooses the
side and the pauses. A path is blind, and walls bend it; only ``Orbit`` looks, where the game says where its camera is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import HasGroundTruth
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

YAW = "camera_yaw_right_deg"
MAX_TURN_DEG = 15.0  # a step; faster turns than that are rare in recordings
OPEN_LOOP_ORBIT_DEG = 4.0  # a step, where the game does not say where its camera is
NEAREST_PIVOT_M, FARTHEST_PIVOT_M = 1.5, 6.0
Wish = dict[str, float]


class CameraPath(ABC):
    """A path that is walked again and again; a subclass says which channels it needs and what one round is."""

    channels: tuple[str, ...] = (YAW,)
    usual_size = 32.0
    size_means = "steps"

    def __init__(self, env: Any, size: float | None = None):
        """``env`` is the unwrapped game; WorldsimError where it lacks a channel, or ``size`` is not above zero."""
        self.env = env
        self.codec = ActionCodec.from_space(env.action_space)
        self.size = self.usual_size if size is None else size
        path = type(self).__name__
        if self.size <= 0:
            raise WorldsimError(f"{path} of {self.size:g} {self.size_means}: give a number above 0.")
        missing = [name for name in self.channels if name not in self.codec.names]
        if missing:
            raise WorldsimError(
                f"{path} needs the action channels {', '.join(self.channels)}; this game has no {missing[0]!r}, "
                f"only {', '.join(self.codec.names)}."
            )
        self.reset(0)

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "camera path", type(self).__name__)
        self._plan = self._rounds()

    def act(self, obs: Frames) -> NDArray[np.float32]:
        del obs
        return self.codec.vector(**next(self._plan))

    @abstractmethod
    def round(self, side: float) -> Iterator[Wish]:
        """One round, to the right for ``side`` 1 and to the left for -1."""

    @property
    def max_turn_deg(self) -> float:
        return min(MAX_TURN_DEG, self.codec.channels[self.codec.index(YAW)].high)

    @property
    def steps(self) -> int:
        return max(1, round(self.size))

    def steps_to_turn(self, angle_deg: float) -> int:
        return math.ceil(abs(angle_deg) / self.max_turn_deg)

    def turn(self, right_deg: float, steps: int | None = None) -> Iterator[Wish]:
        """Turn by an angle in equal parts, as fast as may be unless a number of ``steps`` is given."""
        count = steps or self.steps_to_turn(right_deg)
        return iter([{YAW: right_deg / count}] * count)

    def _rounds(self) -> Iterator[Wish]:
        while True:
            yield from rest(int(self._rng.integers(2, 9)))
            yield from self.round(float(self._rng.choice((-1, 1))))


class LookAway(CameraPath):
    """Turns half around, looks there for a number of steps, and turns back the other way."""

    def round(self, side: float) -> Iterator[Wish]:
        yield from self.turn(side * 180)
        yield from rest(self.steps)
        yield from self.turn(-side * 180)


class Strafe(CameraPath):
    """Walks sideways for a number of steps, and back, without turning."""

    channels = ("left", "right")

    def round(self, side: float) -> Iterator[Wish]:
        keys = ("right", "left") if side > 0 else ("left", "right")
        for key in keys:
            yield from held(key, self.steps)
            yield from rest(4)  # some games glide on for a moment


class Loop(CameraPath):
    """Walks a square of a number of steps a side and is back where it began, facing as it did."""

    channels = ("forward", YAW)
    usual_size = 12.0

    def round(self, side: float) -> Iterator[Wish]:
        for _ in range(4):
            yield from held("forward", self.steps)
            yield from rest(4)
            yield from self.turn(side * 90)


class Orbit(CameraPath):
    """Walks sideways around a point in front, facing it, for a number of degrees, and back."""

    channels = ("left", "right", YAW)
    usual_size = 90.0
    size_means = "degrees"

    def round(self, side: float) -> Iterator[Wish]:
        pivot = self._pivot()
        for way in (side, -side):
            turned_deg = 0.0
            key = "right" if way > 0 else "left"
            # An orbit to the right turns to the left. A wall in the way ends it.
            for _ in range(math.ceil(4 * self.size)):
                turn = -way * OPEN_LOOP_ORBIT_DEG if pivot is None else self._bearing_right_deg(pivot)
                turn = float(np.clip(turn, -self.max_turn_deg, self.max_turn_deg))
                turned_deg += turn
                yield {key: 1.0, YAW: turn}
                if abs(turned_deg) >= self.size:
                    break
            yield from rest(4)

    def _pivot(self) -> NDArray[np.float64] | None:
        """The point (3,) straight ahead on what is seen there, kept within a few metres."""
        truth = self.env.ground_truth() if isinstance(self.env, HasGroundTruth) else None
        if truth is None or truth.camera is None:
            return None
        far = FARTHEST_PIVOT_M
        if truth.depth_m is not None:
            height, width = truth.depth_m.shape
            far = float(truth.depth_m[height // 2, width // 2])
        T = truth.camera.T_world_camera
        return T[:3, 3] + np.clip(far, NEAREST_PIVOT_M, FARTHEST_PIVOT_M) * T[:3, 2]

    def _bearing_right_deg(self, point: NDArray[np.float64]) -> float:
        T = self.env.ground_truth().camera.T_world_camera
        x, _, z = T[:3, :3].T @ (point - T[:3, 3])
        return math.degrees(math.atan2(x, z))


def rest(steps: int) -> Iterator[Wish]:
    return iter([{}] * steps)


def held(key: str, steps: int) -> Iterator[Wish]:
    return iter([{key: 1.0}] * steps)
