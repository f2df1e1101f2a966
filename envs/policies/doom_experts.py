"""Plays the Doom tasks well, or as well as it is asked to: policies of spread skill."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from envs.doom.env import MAX_YAW_DEG, DoomEnv
from envs.policies.doom_walker import Place, Walker, keys_towards, wrapped
from envs.policies.random import StickyRandomPolicy
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

MONSTERS = ("Cacodemon", "Demon", "MarineChainsawVzd", "Zombieman", "ShotgunGuy", "ChaingunGuy", "DoomImp")
BONUSES = ("HealthBonus", "ArmorBonus")
FIREBALL = "DoomImpBall"
ROCKET_UNITS_PER_TIC = 20.0
TARGET_UNITS = 20.0  # half the width of a monster
SEGMENT_STEPS = (4, 13)  # how long one is of one mind, from and below

Move = tuple[tuple[str, ...], float]  # keys, and how far to turn to the right in degrees


class DoomExpert:
    """The task of its scenario, done on purpose a share ``skill`` of the time and by random keys for the rest of it.

    ``skill`` is from 0, a random player, to 1. The expert knows the level and where everything is (privileged): it
    walks to vests, medikits and bonuses, shoots monsters, leads a moving one and steps out of the way of fireballs.
    Raises WorldsimError for a skill outside of that range.
    """

    def __init__(self, env: DoomEnv, skill: float = 1.0):
        if not 0.0 <= skill <= 1.0:
            raise WorldsimError(f"skill={skill}: the skill of a Doom expert is from 0 (random) to 1.")
        self.env, self.skill = env, skill
        self.codec = ActionCodec.from_space(env.action_space)
        self._random = StickyRandomPolicy(env)
        self._walker = Walker(env)
        plans: dict[str, Callable[[Place, float], Move]] = {
            "basic": self._shoot,
            "deadly_corridor": self._fight_and_walk,
            "defend_the_center": self._shoot,
            "predict_position": self._shoot_once,
            "take_cover": self._dodge,
        }
        self._plan = plans.get(env.scenario.name, self._fetch)
        self.reset(0)

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "doom_expert")
        self._random.reset(seed)
        self._walker.reset()
        self._segment_left = self._steps = self._path_left = 0
        self._last_place: Place = (0.0, 0.0)

    def act(self, obs: Frames) -> NDArray[np.float32]:
        x, y, angle_deg = self.env.pose
        if self._segment_left <= 0:
            self._segment_left = int(self._rng.integers(*SEGMENT_STEPS))
            self._on_purpose = bool(self._rng.random() < self.skill)
        self._segment_left -= 1
        self._steps += 1
        aimless = self._random.act(obs)
        if not self._on_purpose:
            return aimless
        keys, yaw = self._plan((x, y), angle_deg)
        yaw = float(np.clip(yaw, -MAX_YAW_DEG, MAX_YAW_DEG))
        return self.codec.vector(camera_yaw_right_deg=yaw, **dict.fromkeys(keys, 1.0))

    def _fetch(self, place: Place, angle_deg: float) -> Move:
        """Walk to the nearest thing worth having, the vest last."""
        wanted = self._things("Medikit") or self._things(*BONUSES) or self._things("GreenArmor")
        if not wanted:
            return (), 0.0
        if self._steps % 8 == 0:
            if np.hypot(*np.subtract(place, self._last_place)) < 24:
                self._segment_left, self._on_purpose = 6, False  # stuck: anything else is better
            self._last_place = place
        self._path_left -= 1
        if self._path_left <= 0 or np.hypot(*(self._walker.path[-1] - place)) < 24:
            distances = [np.hypot(*np.subtract(thing, place)) for thing in wanted]
            self._walker.plan(place, wanted[int(np.argmin(distances))])
            self._path_left = 10
        opening = self._walker.open_door(place, angle_deg, self._steps)
        if opening:
            return opening
        left_deg = wrapped(self._walker.way_left_deg(place, angle_deg))
        return keys_towards(left_deg), -left_deg

    def _shoot(self, place: Place, angle_deg: float) -> Move:
        """Turn to the nearest monster and fire when the aim is good."""
        target = self._nearest_monster(place)
        if target is None:
            return (), 0.0
        left_deg, good_deg = self._aim(place, angle_deg, target)
        # The shot falls in the first tics of a step, before most of the turn is made.
        return (("attack",) if abs(left_deg) < good_deg else ()), -left_deg

    def _fight_and_walk(self, place: Place, angle_deg: float) -> Move:
        target = self._nearest_monster(place)
        if target is not None and np.hypot(*np.subtract(target, place)) < 600:
            keys, yaw = self._shoot(place, angle_deg)
            return (*keys, "forward") if keys and self._steps % 3 == 0 else keys, yaw
        vest = self._things("GreenArmor")
        if not vest:
            return ("forward",), 0.0
        left_deg, _ = self._aim(place, angle_deg, vest[0])
        return ("forward",), -left_deg

    def _shoot_once(self, place: Place, angle_deg: float) -> Move:
        """Aim at where the monster will be when the rocket is there, and fire."""
        monster = next((thing for thing in self.env.state.objects if thing.name in MONSTERS), None)
        if monster is None:
            return (), 0.0
        x, y = monster.position_x, monster.position_y
        tics = np.hypot(x - place[0], y - place[1]) / ROCKET_UNITS_PER_TIC + 8  # until the launcher lets go of it
        ahead = (x + monster.velocity_x * tics, y + monster.velocity_y * tics)
        left_deg, good_deg = self._aim(place, angle_deg, ahead)
        return (("attack",) if abs(left_deg) < good_deg / 2 and self._steps > 3 else ()), -left_deg

    def _dodge(self, place: Place, angle_deg: float) -> Move:
        """Step away from the fireball that comes nearest, towards the side with more room."""
        threat, nearest = 0.0, 60.0
        for thing in self.env.state.objects:
            if thing.name != FIREBALL:
                continue
            velocity = np.array([thing.velocity_x, thing.velocity_y])
            offset = np.array(place) - (thing.position_x, thing.position_y)
            speed = np.hypot(*velocity)
            if speed == 0 or offset @ velocity <= 0:
                continue
            # Where the player is beside the fireball's line, positive to the left of its flight.
            beside = (velocity[0] * offset[1] - velocity[1] * offset[0]) / speed
            if abs(beside) < nearest and offset @ velocity / speed**2 < 40:
                threat, nearest = (beside or 1.0) * (velocity[0] or 1.0), abs(beside)
        if nearest == 60.0:
            return (), 0.0
        walls = self.env.level.walls.reshape(-1, 2)
        north, south = walls[:, 1].max() - place[1], place[1] - walls[:, 1].min()
        to_north = threat > 0 if min(north, south) > 64 else north > south
        direction = 90.0 if to_north else -90.0
        return keys_towards(wrapped(direction - angle_deg)), 0.0

    def _aim(self, place: Place, angle_deg: float, target: Place) -> tuple[float, float]:
        """How far ``target`` is to the left of the view, and how far off a shot may be, in degrees."""
        dx, dy = np.subtract(target, place)
        left_deg = wrapped(np.rad2deg(np.arctan2(dy, dx)) - angle_deg)
        return left_deg, float(np.rad2deg(np.arctan2(TARGET_UNITS, np.hypot(dx, dy))))

    def _nearest_monster(self, place: Place) -> Place | None:
        monsters = self._things(*MONSTERS)
        return min(monsters, key=lambda there: np.hypot(*np.subtract(there, place))) if monsters else None

    def _things(self, *names: str) -> list[Place]:
        return [(thing.position_x, thing.position_y) for thing in self.env.state.objects if thing.name in names]
