"""Finds its way in a Doom level and opens the doors on it, for policies that know the level (privileged)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.doom.env import MAX_YAW_DEG, DoomEnv
from envs.doom.floor import Floor
from envs.doom.level import Level

Place = tuple[float, float]

# The keys that lead along a way so many eighths of a turn to the left of the view.
KEYS_TOWARDS = (
    ("forward",),
    ("forward", "left"),
    ("left",),
    ("back", "left"),
    ("back",),
    ("back", "right"),
    ("right",),
    ("forward", "right"),
)
AT_A_DOOR_UNITS = 60.0  # near enough to use it
DOOR_STEPS = 110  # a door that was used has shut again by then
FACING_DEG = 15.0


class Walker:
    """The paths of one level after the other: whichever the game is in."""

    def __init__(self, env: DoomEnv):
        self.env = env
        self._level: Level | None = None
        self._floor: Floor | None = None
        self.reset()

    def reset(self) -> None:
        self.path = np.zeros((0, 2))
        self._used: dict[int, int] = {}  # line of a door: the step at which it was used

    def floor(self, place: Place | NDArray[np.float64]) -> Floor:
        """Where one can walk to from ``place`` in the present level."""
        level = self.env.level
        if self._floor is None or self._level is not level:
            self._level = level
            self._floor = Floor(level.walls, inside=(float(place[0]), float(place[1])))
        return self._floor

    def plan(self, place: Place, goal: Place) -> None:
        self.path = self.floor(place).path(place, goal)

    def way_left_deg(self, place: Place, angle_deg: float) -> float:
        """How far the way goes to the left of the view."""
        dx, dy = self._next_waypoint(place) - np.array(place)
        return float(np.rad2deg(np.arctan2(dy, dx)) - angle_deg)

    def open_door(self, place: Place, angle_deg: float, step: int) -> tuple[tuple[str, ...], float] | None:
        """The keys and the turn that open a door in reach, None where there is none, or it has just been used."""
        doors = self.env.level.doors
        if not len(doors) or "use" not in self.env.scenario.keys:
            return None
        middles = (doors[:, :2] + doors[:, 2:]) / 2
        distances = np.hypot(*(middles - place).T)
        door = int(distances.argmin())
        if distances[door] > AT_A_DOOR_UNITS or step - self._used.get(door, -DOOR_STEPS) < DOOR_STEPS:
            return None
        dx, dy = middles[door] - place
        left_deg = wrapped(np.rad2deg(np.arctan2(dy, dx)) - angle_deg)
        if abs(left_deg) > FACING_DEG:
            return (), float(np.clip(-left_deg, -MAX_YAW_DEG, MAX_YAW_DEG))
        both_sides = np.flatnonzero(np.hypot(*(middles - middles[door]).T) < AT_A_DOOR_UNITS)
        self._used.update(dict.fromkeys(both_sides.tolist(), step))
        return ("use",), 0.0

    def _next_waypoint(self, place: Place) -> NDArray[np.float64]:
        """The farthest place on the path to which nothing is in the way."""
        nearest = int(((self.path - place) ** 2).sum(axis=1).argmin())
        floor = self.floor(place)
        for index in range(min(nearest + 24, len(self.path) - 1), nearest, -1):
            if floor.is_straight(place, self.path[index]):
                return self.path[index]
        return self.path[min(nearest + 1, len(self.path) - 1)]


def keys_towards(way_left_deg: float) -> tuple[str, ...]:
    """The keys that lead that far to the left of the view."""
    return KEYS_TOWARDS[round(way_left_deg / 45) % 8]


def wrapped(angle_deg: float) -> float:
    """The same direction, from -180 to 180 degrees."""
    return float((angle_deg + 180) % 360 - 180)
