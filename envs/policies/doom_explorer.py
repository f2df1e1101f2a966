"""Explores a Doom scenario for recording: sees every room, uses every action, and ends its episodes in every way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.doom.env import MAX_YAW_DEG, DoomEnv
from envs.doom.floor import Floor
from envs.doom.level import read_level
from worldsim.core.actions import ActionCodec
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

# How to walk: where the view points relative to the way (degrees to the left) and the keys that then lead along it.
GAITS: tuple[tuple[float, tuple[str, ...]], ...] = (
    (0.0, ("forward",)),
    (45.0, ("forward", "right")),
    (-45.0, ("forward", "left")),
    (90.0, ("right",)),
    (-90.0, ("left",)),
    (180.0, ("back",)),
)
GAIT_SHARES = (0.50, 0.09, 0.09, 0.08, 0.08, 0.16)
# What the next moments are for, how often it is chosen and how many steps it lasts (from, to).
MODES = ("walk", "fumble", "look", "stand")
MODE_SHARES = (0.70, 0.15, 0.09, 0.06)
MODE_STEPS = {"walk": (12, 45), "fumble": (4, 16), "look": (3, 10), "stand": (3, 10)}
# Walking: how far off the way the view may be while the keys are pressed, and the error that is left uncorrected.
WALK_WITHIN_DEG = 60.0
TOLERATED_DEG = 4.0
KEYS = ("forward", "back", "left", "right")


class DoomExplorer:
    """Walks to places it has seen least, forwards, sideways and backwards, and now and then fumbles, looks or stands.

    In ``my_way_home`` three episodes of five make for the vest sooner or later, the others keep away from it. In
    ``health_gathering`` three of five pick up the medikits that keep them alive. It knows the level and its own
    position (privileged); ``fumble`` presses random keys, so that actions are not a function of what is seen.
    """

    def __init__(self, env: DoomEnv):
        self.env = env
        self.codec = ActionCodec.from_space(env.action_space)
        self._walls = read_level(env.scenario).walls
        self._floor: Floor | None = None
        self.reset(0)

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "doom_explorer")
        self._purposeful = self._rng.random() < 0.6
        self._steps = 0
        self._mode, self._mode_left = "walk", 0
        self._goal_left = 0
        self._path = np.zeros((0, 2))
        self._visits: NDArray[np.float64] | None = None
        self._last_place = np.zeros(2)
        self._blocked = 0

    def act(self, obs: Frames) -> NDArray[np.float32]:
        x, y, angle_deg = self.env.pose
        self._remember((x, y))
        if self._mode_left <= 0:
            self._choose_mode()
        self._mode_left -= 1
        self._steps += 1
        if self._mode == "walk":
            keys, yaw = self._walk((x, y), angle_deg)
        elif self._mode == "fumble":
            keys, yaw = self._fumble()
        else:
            keys, yaw = (), self._turn_deg if self._mode == "look" else 0.0
        yaw = float(np.clip(yaw, -MAX_YAW_DEG, MAX_YAW_DEG))
        return self.codec.vector(camera_yaw_right_deg=yaw, **dict.fromkeys(keys, 1.0))

    def _choose_mode(self) -> None:
        self._mode = str(self._rng.choice(MODES, p=MODE_SHARES))
        self._mode_left = int(self._rng.integers(*MODE_STEPS[self._mode]))
        self._view_offset_deg, self._gait_keys = GAITS[int(self._rng.choice(len(GAITS), p=GAIT_SHARES))]
        self._turn_limit_deg = self._rng.uniform(6, MAX_YAW_DEG)
        self._turn_deg = self._rng.uniform(3, MAX_YAW_DEG) * self._rng.choice((-1, 1))
        self._fumble_left = 0

    def _walk(self, place: tuple[float, float], angle_deg: float) -> tuple[tuple[str, ...], float]:
        if self._goal_left <= 0 or np.hypot(*(self._path[-1] - place)) < 24:
            self._path = self._floor_at(place).path(place, self._choose_goal(place))
            self._goal_left = 60
        self._goal_left -= 1
        dx, dy = self._next_waypoint(place) - np.array(place)
        wanted_deg = np.rad2deg(np.arctan2(dy, dx)) + self._view_offset_deg
        left_deg = (wanted_deg - angle_deg + 180) % 360 - 180
        yaw = 0.0
        if abs(left_deg) > TOLERATED_DEG:
            yaw = float(np.clip(-left_deg, -self._turn_limit_deg, self._turn_limit_deg) + self._rng.normal(0, 1.5))
        # Stop to turn, else the momentum leads into the wall beside a door.
        return (self._gait_keys if abs(left_deg) < WALK_WITHIN_DEG else ()), yaw

    def _fumble(self) -> tuple[tuple[str, ...], float]:
        if self._fumble_left <= 0:
            self._fumble_left = int(self._rng.integers(1, 6))
            self._fumble_keys = tuple(key for key in KEYS if self._rng.random() < 0.4)
            still = self._rng.random() < 0.3
            self._fumble_yaw = 0.0 if still else float(self._rng.uniform(-MAX_YAW_DEG, MAX_YAW_DEG))
        self._fumble_left -= 1
        return self._fumble_keys, self._fumble_yaw

    def _next_waypoint(self, place: tuple[float, float]) -> NDArray[np.float64]:
        """The farthest place on the path to which nothing is in the way."""
        nearest = int(((self._path - place) ** 2).sum(axis=1).argmin())
        floor = self._floor_at(place)
        for index in range(min(nearest + 24, len(self._path) - 1), nearest, -1):
            if floor.is_straight(place, self._path[index]):
                return self._path[index]
        return self._path[min(nearest + 1, len(self._path) - 1)]

    def _choose_goal(self, place: tuple[float, float]) -> tuple[float, float]:
        floor = self._floor_at(place)
        health_kits = self._things("Medikit")
        if self._purposeful and len(health_kits) and (self.env.health < 80 or self._rng.random() < 0.5):
            return tuple(health_kits[((health_kits - place) ** 2).sum(axis=1).argmin()])
        vest = self._things("GreenArmor")
        if self._purposeful and len(vest) and self._steps > 100 and self._rng.random() < 0.3:
            return tuple(vest[0])
        assert self._visits is not None
        visits = np.array([self._visits[self._room(spot)] for spot in floor.places])
        weights = 1 / (1 + visits) ** 2
        if len(vest) and not self._purposeful:
            weights *= np.hypot(*(floor.places - vest[0]).T) > 120
        spot = floor.places[self._rng.choice(len(floor.places), p=weights / weights.sum())]
        return float(spot[0]), float(spot[1])

    def _remember(self, place: tuple[float, float]) -> None:
        """Count the visit, and give up walking a way that does not move."""
        floor = self._floor_at(place)
        if self._visits is None:
            self._visits = np.zeros(np.array(floor.shape) // 8 + 1)
        self._visits[self._room(np.array(place))] += 0.1
        moved = np.hypot(*(self._last_place - place)) > 3
        self._blocked = 0 if moved or self._mode != "walk" else self._blocked + 1
        self._last_place = np.array(place)
        if self._blocked > 10:
            self._blocked, self._goal_left = 0, 0
            self._choose_mode()
            self._mode, self._mode_left = "fumble", 6

    def _room(self, place: NDArray[np.float64]) -> tuple[int, int]:
        i, j = self._floor_at(place).cell(place)
        return i // 8, j // 8

    def _things(self, name: str) -> NDArray[np.float64]:
        things = [(o.position_x, o.position_y) for o in self.env.state.objects if o.name == name]
        return np.array(things).reshape(-1, 2)

    def _floor_at(self, place: tuple[float, float] | NDArray[np.float64]) -> Floor:
        if self._floor is None:
            self._floor = Floor(self._walls, inside=(float(place[0]), float(place[1])))
        return self._floor
