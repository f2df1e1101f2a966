"""Walks, looks, builds and breaks in the voxel arena, for recordings that cover places and actions alike.

A behaviour is a generator of wishes (channel name to value); the explorer plays one after another at random, and adds
turns, jumps and taps that depend on nothing seen, so that actions do not follow from the place.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from envs.voxel import state
from envs.voxel.env import VoxelEnv
from envs.voxel.kinds import GEM, TABLES
from envs.voxel.player import BUTTONS
from worldsim.core.actions import ActionCodec
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

PITCH, YAW = "camera_pitch_down_deg", "camera_yaw_right_deg"
GAITS = {"forward": 0.0, "back": 180.0, "left": 90.0, "right": -90.0}  # facing, relative to the way one wants to go
Wish = dict[str, float]


class VoxelExplorer:
    """Explores ``env``; one episode in four or so it goes to the beacon within 200 steps."""

    def __init__(self, env: VoxelEnv):
        self.env = env
        self.codec = ActionCodec.from_space(env.action_space)
        self.reset(0)

    def reset(self, seed: int) -> None:
        self.rng = stream(seed, "voxel", "explorer")
        self.steps = 0
        self.beacon_at_step = int(self.rng.integers(5, 110)) if self.rng.random() < 0.15 else None
        self._behaviour: Iterator[Wish] = iter(())
        self._impulse: Wish = {}
        self._impulse_left = 0

    def act(self, obs: Frames) -> NDArray[np.float32]:
        """The next action (A,); reads the player's pose and the blocks from the game, not the frame."""
        del obs
        if self.steps == self.beacon_at_step:
            self._behaviour = self._to_beacon()
        self.steps += 1
        wish = next(self._behaviour, None)
        while wish is None:
            self._behaviour = self._choose()
            wish = next(self._behaviour, None)
        wish = self._with_impulse(wish)
        wish[PITCH] = self._comfortable(wish.get(PITCH, 0.0), aims=bool(wish.pop("aims", 0)))
        wish[YAW] = float(np.clip(wish.get(YAW, 0.0), -20, 20))
        return self.codec.vector(**wish)

    # What to do next

    def _choose(self) -> Iterator[Wish]:
        names = ["walk", "mine", "build", "dig", "look", "sticky", "still"]
        chances = [0.36, 0.11, 0.17, 0.06, 0.09, 0.12, 0.09]
        behaviour: Iterator[Wish] = getattr(self, "_" + str(self.rng.choice(names, p=chances)))()
        return behaviour

    def _walk(self) -> Iterator[Wish]:
        """To a random place, in a random gait."""
        rng = self.rng
        gait = str(rng.choice(list(GAITS), p=[0.25, 0.27, 0.25, 0.23]))
        goal = self._goal(GAITS[gait])
        rate, sway = rng.uniform(3, 10), rng.choice([0.0, 1.0, 3.0])
        extras: Wish = {}
        if rng.random() < 0.35 and gait == "forward":
            extras["sprint"] = 1
        elif rng.random() < 0.15:
            extras["sneak"] = 1
        pitch = self._usual_pitch()
        stuck = 0
        for _ in range(int(rng.integers(12, 50))):
            offset = goal - self._place()
            if np.hypot(*offset) < 0.7:
                return
            turn = _wrap(_heading(*offset) + GAITS[gait] - self.env.body[state.YAW])
            wish = {**extras, YAW: self._towards(turn, rate) + sway * rng.normal(), PITCH: self._pitch_to(pitch)}
            if abs(turn) < 50:
                wish[gait] = 1
                stuck = stuck + 1 if self._speed() < 0.03 else 0
            if stuck > 3:
                stuck = 0
                yield from self._unstick(gait)
                if rng.random() < 0.4:
                    return
            yield wish

    def _goal(self, facing_deg: float) -> NDArray[np.float64]:
        """A random place (x, z), where one is found on no way through the beacon and without a long turn first."""
        here, beacon = self._place(), self._beacon()
        for _ in range(8):
            goal = self.rng.uniform(2, self.env.blocks.shape[0] - 2, 2)
            way = goal - here
            along = np.clip((beacon - here) @ way / max(float(way @ way), 1e-6), 0, 1)
            turn = _wrap(_heading(*way) + facing_deg - self.env.body[state.YAW])
            if np.hypot(*(here + along * way - beacon)) > 1.6 and abs(turn) < 110:
                break
        return goal

    def _unstick(self, gait: str) -> Iterator[Wish]:
        way = self.rng.random()
        for _ in range(int(self.rng.integers(4, 10))):
            if way < 0.55:
                yield {gait: 1, "jump": 1}
            elif way < 0.75:
                yield {gait: 1, "attack": 1, PITCH: self._pitch_to(25)}
            else:
                yield {"back" if gait == "forward" else "forward": 1, YAW: self.rng.uniform(2, 9)}

    def _to_beacon(self) -> Iterator[Wish]:
        x, z = self._beacon()
        stuck, rate = 0, self.rng.uniform(4, 10)
        for _ in range(140):
            turn = _wrap(_heading(x - self.env.body[state.X], z - self.env.body[state.Z]) - self.env.body[state.YAW])
            stuck = stuck + 1 if self._speed() < 0.03 else max(stuck - 1, 0)
            wish = {YAW: self._towards(turn, rate) + self.rng.normal(), PITCH: self._pitch_to(5)}
            if abs(turn) < 60:
                wish.update(forward=1, jump=float(stuck > 2))
            if stuck > 8:
                side = "left" if self.rng.random() < 0.5 else "right"
                for _ in range(int(self.rng.integers(6, 14))):
                    yield {**wish, side: 1}
                stuck = 0
            yield wish

    def _mine(self) -> Iterator[Wish]:
        """To one of the nearest blocks that are not terrain, and break it."""
        cells = np.argwhere((self.env.ids > 0) & TABLES.breakable[self.env.blocks]) + 0.5
        if not len(cells):
            return
        distance = np.linalg.norm(cells - np.array(self.env.eye()), axis=1)
        gems = np.flatnonzero(self.env.blocks[tuple(np.floor(cells).astype(int).T)] == GEM)
        near = gems if len(gems) and self.rng.random() < 0.4 else np.arange(len(cells))
        near = near[np.argsort(distance[near])[:12]]
        cell = cells[self.rng.choice(near)]
        reach, rate = self.rng.uniform(2.0, 4.0), self.rng.uniform(4, 10)
        for _ in range(int(self.rng.integers(25, 70))):
            aim, far = self._aim(cell, rate)
            if far < reach and abs(aim[YAW]) < 2 and abs(aim[PITCH]) < 3:
                break
            yield {**aim, "forward": float(far > reach), "jump": float(far > reach and self._speed() < 0.02)}
        for _ in range(int(self.rng.integers(3, 20))):
            yield {"attack": 1, "aims": 1, YAW: self.rng.normal() * 0.7, PITCH: self.rng.normal() * 0.5}

    def _build(self) -> Iterator[Wish]:
        """Places blocks on the floor or on what is near, sometimes breaks them again."""
        rng = self.rng
        pitch, turning = rng.uniform(22, 50), rng.choice([0.0, 0.0, 2.0, 6.0]) * rng.choice([-1, 1])
        yield {f"hotbar.{int(rng.integers(1, 4))}": 1, PITCH: self._pitch_to(pitch), "aims": 1}
        for _ in range(10):
            if abs(pitch - self.env.body[state.PITCH]) < 3:
                break
            yield {PITCH: self._pitch_to(pitch), "aims": 1}
        for _ in range(int(rng.integers(2, 6))):
            for _ in range(int(rng.integers(1, 4))):
                yield {"use": 1, "aims": 1}
            for _ in range(int(rng.integers(2, 7))):
                yield {YAW: turning + rng.normal(), PITCH: 0.5 * rng.normal(), "aims": 1}
            if rng.random() < 0.3:
                yield {f"hotbar.{int(rng.integers(1, 4))}": 1, "aims": 1}
        if rng.random() < 0.4:
            for _ in range(int(rng.integers(2, 10))):
                yield {"attack": 1, "aims": 1}
        elif rng.random() < 0.6:
            # Look away and back: the blocks have to be there still.
            swing = rng.choice([-1, 1]) * rng.uniform(5, 10)
            steps = int(rng.integers(5, 12))
            for sign in (1, -1):
                for _ in range(steps):
                    yield {YAW: sign * swing, "aims": 1}

    def _dig(self) -> Iterator[Wish]:
        pitch = self.rng.uniform(28, 60)
        for _ in range(10):
            yield {PITCH: self._pitch_to(pitch), "aims": 1}
        for _ in range(int(self.rng.integers(2, 10))):
            yield {"attack": 1, "aims": 1, YAW: self.rng.normal() * 1.5}

    def _look(self) -> Iterator[Wish]:
        """Stands or drifts and turns at a steady rate of any size."""
        rng = self.rng
        yaw_rate = rng.choice([-1, 1]) * rng.choice([rng.uniform(0, 3), rng.uniform(2, 7), rng.uniform(6, 12)])
        pitch = rng.choice([self._usual_pitch(), rng.uniform(-30, 50)])
        drift = {str(rng.choice(list(GAITS))): 1.0} if rng.random() < 0.4 else {}
        for _ in range(int(rng.integers(6, 26))):
            yield {**drift, YAW: yaw_rate, PITCH: self._pitch_to(pitch), "aims": 1}

    def _sticky(self) -> Iterator[Wish]:
        """Buttons and turns by pure chance, held for some steps."""
        rng = self.rng
        for _ in range(int(rng.integers(2, 6))):
            held: Wish = {name: 1.0 for name in BUTTONS if rng.random() < 0.16}
            held[YAW], held[PITCH] = rng.laplace(0, 4), rng.normal(0, 1.5)
            for _ in range(int(rng.integers(2, 11))):
                yield dict(held)

    def _still(self) -> Iterator[Wish]:
        for _ in range(int(self.rng.integers(3, 15))):
            yield {}

    # Parts of actions

    def _with_impulse(self, wish: Wish) -> Wish:
        """Now and then lays a turn, a step, a jump or a tap over the behaviour."""
        rng = self.rng
        if self._impulse_left == 0 and rng.random() < 0.05:
            self._impulse_left = int(rng.integers(2, 11))
            kind = rng.random()
            if kind < 0.3:
                self._impulse = {YAW: rng.uniform(-10, 10)}
            elif kind < 0.65:
                self._impulse = {str(rng.choice(list(GAITS))): 1}
            elif kind < 0.82:
                self._impulse = {str(rng.choice(["jump", "sneak", "sprint"])): 1}
            else:
                self._impulse = {
                    str(rng.choice(["attack", "attack", "use", "use", "hotbar.1", "hotbar.2", "hotbar.3"])): 1
                }
        if self._impulse_left:
            self._impulse_left -= 1
            return {**wish, **self._impulse}
        return dict(wish)

    def _comfortable(self, pitch_down_deg: float, aims: bool) -> float:
        """The wished pitch change, or one that leads back to where the arena is seen."""
        pitch = float(self.env.body[state.PITCH])
        if not aims and pitch > 35:
            return min(pitch_down_deg, -0.2 * (pitch - 30))
        if not aims and pitch < -15:
            return max(pitch_down_deg, -0.2 * (pitch + 12))
        return float(np.clip(pitch_down_deg, -12, 12))

    def _usual_pitch(self) -> float:
        return float(np.clip(self.rng.normal(9, 9), -15, 35))

    def _pitch_to(self, pitch: float) -> float:
        return self._towards(pitch - float(self.env.body[state.PITCH]), 7.0)

    def _towards(self, angle: float, rate: float) -> float:
        """A smooth turn: a share of what is left, at most ``rate`` degrees."""
        return float(np.clip(0.4 * angle, -rate, rate)) if abs(angle) > 0.3 else 0.0

    def _aim(self, cell: NDArray[np.float64], rate: float) -> tuple[Wish, float]:
        offset = cell - np.array(self.env.eye())
        flat = float(np.hypot(offset[0], offset[2]))
        turn = _wrap(_heading(offset[0], offset[2]) - self.env.body[state.YAW])
        pitch = float(np.degrees(np.arctan2(-offset[1], flat)))
        return {YAW: self._towards(turn, rate), PITCH: self._pitch_to(pitch), "aims": 1}, float(np.linalg.norm(offset))

    def _beacon(self) -> NDArray[np.float64]:
        return np.array(next((x, z) for _, cls, x, _, z in self.env.objects if cls == "beacon"))

    def _place(self) -> NDArray[np.float64]:
        return self.env.body[[state.X, state.Z]]

    def _speed(self) -> float:
        return float(np.hypot(self.env.body[state.VX], self.env.body[state.VZ]))


def _heading(dx: float, dz: float) -> float:
    """The yaw in degrees that faces the direction."""
    return float(np.degrees(np.arctan2(-dx, dz)))


def _wrap(angle_deg: float) -> float:
    return float((angle_deg + 180) % 360 - 180)
