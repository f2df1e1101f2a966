"""Explores voxel maps that have walls, hills and doors: it walks by ways that exist, and touches what can be touched.

The arena keeps :class:`VoxelExplorer` itself, whose episodes the shipped weights were trained on.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from envs.policies.voxel_explorer import GAITS, VoxelExplorer, Wish, _heading, _wrap
from envs.policies.voxel_walker import PITCH, YAW, Walker
from envs.voxel import paths, state
from envs.voxel.env import VoxelEnv
from envs.voxel.kinds import BEACON, PLACE, TABLES
from envs.voxel.paths import Cell
from worldsim.core.types import Frames

BEHAVIOURS = {"walk": 0.30, "touch": 0.26, "mine": 0.08, "build": 0.16, "look": 0.06, "sticky": 0.11, "still": 0.03}
REGION_M = 4  # the map is covered in squares of this size


def make_voxel_explorer(env: VoxelEnv) -> VoxelExplorer:
    """The explorer for the map of ``env``."""
    return VoxelExplorer(env) if env.map == "arena" else VoxelRoamer(env)


class VoxelRoamer(VoxelExplorer):
    """Explores ``env``; it goes to where it has been least, by the shortest way, in any gait."""

    def reset(self, seed: int) -> None:
        super().reset(seed)
        self.walker = Walker(self.env, 8.0)
        shape = self.env.blocks.shape
        self._visits = np.zeros((shape[0] // REGION_M + 1, shape[2] // REGION_M + 1), np.int64)

    def act(self, obs: Frames):
        self.walker.tick()
        x, _, z = self.walker.cell()
        self._visits[x // REGION_M, z // REGION_M] += 1
        return super().act(obs)

    def _choose(self) -> Iterator[Wish]:
        name = str(self.rng.choice(list(BEHAVIOURS), p=list(BEHAVIOURS.values())))
        behaviour: Iterator[Wish] = getattr(self, "_" + name)()
        return behaviour

    def _walk(self) -> Iterator[Wish]:
        """To the least visited of some places, in a random gait."""
        rng = self.rng
        cells = self.walker.around(rng.uniform(6, 22))
        if len(cells) < 2:
            yield from self._look()
            return
        goals = cells[rng.integers(0, len(cells), 12)]
        visits = self._visits[goals[:, 0] // REGION_M, goals[:, 2] // REGION_M] + rng.random(len(goals))
        goal = tuple(goals[visits.argmin()].tolist())
        yield {f"hotbar.{int(rng.integers(1, 4))}": 1}
        extras: Wish = {"sprint": 1} if rng.random() < 0.35 else {"sneak": 1} if rng.random() < 0.1 else {}
        yield from self._follow(goal, self._gait_to(goal), extras, int(rng.integers(40, 120)))

    def _gait_to(self, goal: Cell) -> str:
        """A random gait of those that need no long turn first."""
        way = self.walker.way_to(goal)
        if not way:
            return "forward"
        x, _, z = self.walker.waypoint(way)
        heading = _heading(*(np.array([x + 0.5, z + 0.5]) - self._place()))
        turns = {gait: abs(_wrap(heading + facing - self.env.body[state.YAW])) for gait, facing in GAITS.items()}
        near = [gait for gait, turn in turns.items() if turn < 100]
        return str(self.rng.choice(near))

    def _follow(self, goal: Cell, gait: str, extras: Wish, steps: int) -> Iterator[Wish]:
        """The way to ``goal``, for so many steps at most, facing as the gait wants it; doors are opened."""
        rng, walker = self.rng, self.walker
        rate, pitch, stuck = rng.uniform(6, 12), self._usual_pitch(), 0
        for _ in range(steps):
            way = walker.way_to(goal)
            if not way:
                return
            x, y, z = walker.waypoint(way)
            through_door = any(paths.is_closed_door(self.env.blocks[x, y + n, z]) for n in (0, 1))
            facing = 0.0 if through_door else GAITS[gait]
            offset = np.array([x + 0.5, z + 0.5]) - self._place()
            turn = _wrap(_heading(*offset) + facing - self.env.body[state.YAW])
            wish: Wish = {**extras, YAW: self._towards(turn, rate) + 0.5 * rng.normal(), PITCH: self._pitch_to(pitch)}
            if abs(turn) < 40:
                wish["forward" if through_door else gait] = 1
                stuck = stuck + 1 if self._speed() < 0.03 else 0
                wish["jump"] = float(y > walker.cell()[1] or stuck > 3)
                if through_door:
                    wish["use"] = 1
            if stuck > 12:
                return
            yield wish

    def _touch(self) -> Iterator[Wish]:
        """Paints, bites, opens and switches what is near, or hits a creature."""
        rng, body, blocks = self.rng, self.env.body, self.env.blocks
        cells = np.argwhere((TABLES.use[blocks] != PLACE) & (blocks != BEACON))
        living = self.env.world.entities[self.env.world.entities[:, state.SORT] == state.CREATURE]
        near = living[np.linalg.norm(living[:, :3] - body[:3], axis=1) < 9]
        if len(near) and (not len(cells) or rng.random() < 0.4):
            yield from self._hit(int(near[rng.integers(len(near)), state.ID]))
            return
        if not len(cells):
            yield from self._walk()
            return
        uses = TABLES.use[blocks[tuple(cells.T)]]
        cells = cells[uses == rng.choice(np.unique(uses))]
        cells = cells[np.argsort(np.linalg.norm(cells + 0.5 - body[:3], axis=1))]
        _, nearest = np.unique(self.env.ids[tuple(cells.T)], return_index=True)  # one cell for each thing
        x, y, z = cells[rng.choice(np.sort(nearest)[:3])].tolist()
        cell = (x, y, z)
        box = TABLES.box[blocks[cell]]
        point = np.array(cell) + (box[:3] + box[3:]) / 2
        places = [place for place in self.walker.beside(cell, 3.3, 1.0) if self.walker.sees_from(place, cell, point)]
        stand = self.walker.nearest(places)
        if stand is None:
            return
        yield from self._follow(stand, "forward", {}, 70)
        if rng.random() < 0.5:
            yield {f"hotbar.{int(rng.integers(1, 4))}": 1, "aims": 1}
        for _ in range(20):
            wish, aimed = self.walker.aim_at(point)
            if aimed:
                break
            yield {**wish, "aims": 1}
        for _ in range(int(rng.integers(3, 22))):
            yield {"use": 1, "aims": 1, YAW: rng.normal() * 1.5, PITCH: rng.normal()}

    def _hit(self, number: int) -> Iterator[Wish]:
        entities = self.env.world.entities
        for step in range(int(self.rng.integers(15, 45))):
            rows = entities[(entities[:, state.ID] == number) & (entities[:, state.SORT] == state.CREATURE)]
            if not len(rows):
                return
            place = rows[0, :3] + np.array([0, 0.6 * rows[0, state.HEIGHT_Y], 0])
            wish, aimed = self.walker.aim_at(place)
            far = float(np.linalg.norm(place - np.array(self.env.eye())))
            yield {**wish, "aims": 1, "forward": float(aimed and far > 2.5), "attack": float(far < 4 and step % 3 == 0)}

    def _to_beacon(self) -> Iterator[Wish]:
        cells = np.argwhere(self.env.blocks == BEACON).tolist()
        if not cells:
            return
        x, y, z = cells[0]
        stand = self.walker.nearest(self.walker.beside((x, y, z), 1.0))
        if stand is None:
            return
        yield from self._follow(stand, "forward", {}, 200)
        for _ in range(10):
            yield self.walker.walk_straight((x + 0.5, z + 0.5))
