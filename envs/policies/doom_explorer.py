"""Explores a Doom scenario for recording: sees every room, uses every action, and ends its episodes in every way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.doom.env import MAX_YAW_DEG, DoomEnv
from envs.doom.floor import Floor
from envs.policies.doom_walker import Walker, keys_towards
from worldsim.core.actions import ActionCodec
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

FACING_THE_WAY = 0.6  # share of walks that look ahead; the others hold the view at some angle to the way
# What the next moments are for, how often it is chosen and how many steps it lasts (from, to).
MODES = ("walk", "fumble", "look", "stand")
MODE_SHARES = (0.70, 0.15, 0.09, 0.06)
MODE_STEPS = {"walk": (12, 45), "fumble": (4, 16), "look": (3, 10), "stand": (3, 10)}
TOLERATED_DEG = 4.0  # an error of the view that a walk leaves uncorrected
KEYS = ("forward", "back", "left", "right")


class DoomExplorer:
    """Walks to places it has seen least, looking ahead or aside, and now and then fumbles, looks around or stands.

    Where there is a vest about half of the episodes make for it sooner or later, the others keep away from it. In
    ``health_gathering`` half pick up the medikits that keep them alive, the others pass them by. It opens the doors on
    its way, and fires a few shots now and then where it has a weapon. It knows the level
    and where it and the things are (privileged); a fumble presses random keys, so that actions are not a function of
    what is seen.
    """

    def __init__(self, env: DoomEnv):
        self.env = env
        self.codec = ActionCodec.from_space(env.action_space)
        self._walker = Walker(env)
        self.reset(0)

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "doom_explorer")
        self._trigger_rng = stream(seed, "doom_explorer", "trigger")
        self._trigger_left = 0
        self._walker.reset()
        self._purposeful = self._rng.random() < 0.55
        self._hungry_below = self._rng.uniform(30, 100)  # points of health
        self._steps = 0
        self._mode, self._mode_left = "walk", 0
        self._goal_left = 0
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
        if "attack" in self.env.scenario.keys:
            keys = (*keys, *self._shoot())
        yaw = float(np.clip(yaw, -MAX_YAW_DEG, MAX_YAW_DEG))
        return self.codec.vector(camera_yaw_right_deg=yaw, **dict.fromkeys(keys, 1.0))

    def _choose_mode(self) -> None:
        self._mode = str(self._rng.choice(MODES, p=MODE_SHARES))
        self._mode_left = int(self._rng.integers(*MODE_STEPS[self._mode]))
        ahead = self._rng.random() < FACING_THE_WAY
        self._view_offset_deg = 0.0 if ahead else float(self._rng.uniform(-180, 180))
        self._turn_limit_deg = self._rng.uniform(5, MAX_YAW_DEG)
        self._turn_deg = self._rng.uniform(3, MAX_YAW_DEG) * self._rng.choice((-1, 1))
        self._fumble_left = 0

    def _walk(self, place: tuple[float, float], angle_deg: float) -> tuple[tuple[str, ...], float]:
        if self._goal_left <= 0 or np.hypot(*(self._walker.path[-1] - place)) < 24:
            self._walker.plan(place, self._choose_goal(place))
            self._goal_left = 60
        self._goal_left -= 1
        opening = self._walker.open_door(place, angle_deg, self._steps)
        if opening:
            return opening
        way_left_deg = self._walker.way_left_deg(place, angle_deg)
        keys = keys_towards(way_left_deg)
        left_deg = (way_left_deg + self._view_offset_deg + 180) % 360 - 180
        if abs(left_deg) < TOLERATED_DEG:
            return keys, 0.0
        return keys, float(np.clip(-left_deg, -self._turn_limit_deg, self._turn_limit_deg) + self._rng.normal(0, 1.5))

    def _fumble(self) -> tuple[tuple[str, ...], float]:
        if self._fumble_left <= 0:
            self._fumble_left = int(self._rng.integers(1, 6))
            self._fumble_keys = tuple(key for key in KEYS if self._rng.random() < 0.4)
            still = self._rng.random() < 0.3
            self._fumble_yaw = 0.0 if still else float(self._rng.uniform(-MAX_YAW_DEG, MAX_YAW_DEG))
        self._fumble_left -= 1
        return self._fumble_keys, self._fumble_yaw

    def _shoot(self) -> tuple[str, ...]:
        """Bursts: an attack held for some steps in every thirty or so."""
        if self._trigger_left <= 0 and self._trigger_rng.random() < 0.05:
            self._trigger_left = int(self._trigger_rng.integers(1, 8))
        self._trigger_left -= 1
        return ("attack",) if self._trigger_left >= 0 else ()

    def _choose_goal(self, place: tuple[float, float]) -> tuple[float, float]:
        floor = self._floor_at(place)
        medikits, vest = self._things("Medikit"), self._things("GreenArmor")
        if self._purposeful and len(medikits) and self.env.health < self._hungry_below:
            return tuple(medikits[((medikits - place) ** 2).sum(axis=1).argmin()])
        if self._purposeful and len(vest) and self._steps > 60 and self._rng.random() < 0.3:
            return tuple(vest[0])
        assert self._visits is not None
        weights = 1 / (1 + self._visits[floor.rooms[:, 0], floor.rooms[:, 1]]) ** 2
        if len(vest) and not self._purposeful:
            weights *= np.hypot(*(floor.places - vest[0]).T) > 120
        # Without the wish to live: of some places nearby the one whose way is the clearest of medikits.
        spots = floor.places[self._rng.choice(len(floor.places), 12, p=weights / weights.sum())]
        if self._purposeful or not len(medikits):
            return tuple(spots[0])
        near = np.array(place) + np.clip(spots - place, -240, 240)
        return tuple(near[int(np.argmax([_clearance(np.array(place), spot, medikits) for spot in near]))])

    def _remember(self, place: tuple[float, float]) -> None:
        """Count the visit, and give up walking a way that does not move."""
        floor = self._floor_at(place)
        if self._visits is None:
            self._visits = np.zeros(floor.rooms.max(axis=0) + 1)
        room = floor.rooms[((floor.places - place) ** 2).sum(axis=1).argmin()]
        self._visits[room[0], room[1]] += 0.1
        moved = np.hypot(*(self._last_place - place)) > 3
        self._blocked = 0 if moved or self._mode != "walk" else self._blocked + 1
        self._last_place = np.array(place)
        if self._blocked > 10:
            self._blocked, self._goal_left = 0, 0
            self._choose_mode()
            self._mode, self._mode_left = "fumble", 6

    def _things(self, name: str) -> NDArray[np.float64]:
        things = [(o.position_x, o.position_y) for o in self.env.state.objects if o.name == name]
        return np.array(things).reshape(-1, 2)

    def _floor_at(self, place: tuple[float, float] | NDArray[np.float64]) -> Floor:
        return self._walker.floor(place)


def _clearance(start: NDArray[np.float64], end: NDArray[np.float64], things: NDArray[np.float64]) -> float:
    """How near the line from ``start`` to ``end`` comes to any of ``things``, beyond those one stands in."""
    line = start + np.linspace(0.3, 1, 8)[:, None] * (end - start)
    return float(np.hypot(*(line[:, None] - things).transpose(2, 0, 1)).min())
