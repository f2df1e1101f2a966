"""Walking and aiming in the voxel game with a look at its state: the skills that its experts are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.voxel import hands, paths, state
from envs.voxel.kinds import BEDROCK, TABLES
from envs.voxel.paths import Cell

PITCH, YAW = "camera_pitch_down_deg", "camera_yaw_right_deg"
Wish = dict[str, float]
SEARCH_AGAIN_STEPS = 12
LOOK_AHEAD = 8  # cells of a way that are tried for a straight line


class Walker:
    """Makes wishes (channel name to value) that bring the player of ``env`` somewhere or its crosshair onto something.

    ``turn_deg`` is the fastest it turns in a step.
    """

    def __init__(self, env: Any, turn_deg: float):
        self.env = env
        self.turn_deg = turn_deg
        self.forget()

    def forget(self) -> None:
        """Search for ways anew: the world or the player is another one."""
        self._searched_at = -SEARCH_AGAIN_STEPS
        self._step = 0
        self._stuck = 0

    def search_soon(self) -> None:
        """Look for ways anew at the next tick."""
        self._searched_at = self._step - SEARCH_AGAIN_STEPS

    def tick(self, avoid: Sequence[Cell] = ()) -> None:
        """To be called once a step, before any wish; no way leads through the cells to ``avoid``."""
        self._step += 1
        if self._step - self._searched_at >= SEARCH_AGAIN_STEPS:
            self._searched_at = self._step
            self._blocks = self.env.blocks.copy() if avoid else self.env.blocks
            for x, y, z in avoid:
                if (x, y, z) != self.cell():
                    self._blocks[x, y : y + 3, z] = BEDROCK  # too high to climb
            self._came_from = paths.search(self._blocks, paths.BLOCKING, *self.cell())
        speed = float(np.hypot(self.env.body[state.VX], self.env.body[state.VZ]))
        self._stuck = self._stuck + 1 if speed < 0.03 else 0

    def cell(self) -> Cell:
        """The cell that the player's feet are in."""
        return paths.cell_of(self.env.body[:3])

    def steps_to(self, goal: Cell) -> float:
        """How many cells away ``goal`` is on foot; infinite where no way leads to it."""
        if self._came_from[goal] == paths.UNREACHED:
            return np.inf
        return len(paths.way(self._came_from, goal))

    def nearest(self, goals: list[Cell]) -> Cell | None:
        """The goal with the shortest way, or None where no way leads to any."""
        best = min(goals, key=self.steps_to, default=None)
        return best if best is not None and np.isfinite(self.steps_to(best)) else None

    def within_reach(self, cells: list[Cell]) -> list[Cell]:
        """Those of the cells that one can walk up to."""
        return [cell for cell in cells if self.beside(cell, 3.0)]

    def around(self, radius_m: float) -> NDArray[np.int64]:
        """All cells (N, 3) one can walk to that are not farther away, as the crow flies."""
        cells = np.argwhere(self._came_from != paths.UNREACHED)
        near = np.linalg.norm(cells + np.array([0.5, 0.0, 0.5]) - self.env.body[:3], axis=1) <= radius_m
        found: NDArray[np.int64] = cells[near]
        return found

    def beside(self, cell: Cell, reach_m: float = 1.0, at_least_m: float = 0.5) -> list[Cell]:
        """Cells one can walk to within ``reach_m`` (flat, middle to middle) of ``cell`` and its height."""
        x, y, z = cell
        r = int(np.ceil(reach_m))
        found = []
        for a in range(max(x - r, 1), min(x + r + 1, self._came_from.shape[0] - 1)):
            for c in range(max(z - r, 1), min(z + r + 1, self._came_from.shape[2] - 1)):
                if at_least_m <= np.hypot(a - x, c - z) <= reach_m:
                    heights = range(max(y - 3, 0), min(y + 2, self._came_from.shape[1]))
                    found += [(a, b, c) for b in heights if self._came_from[a, b, c] != paths.UNREACHED]
        return found

    def way_to(self, goal: Cell) -> list[Cell]:
        """The cells that are still ahead on the way to ``goal``; empty at the goal and where there is no way."""
        way, here = paths.way(self._came_from, goal), self.cell()
        return way[way.index(here) + 1 :] if here in way else way

    def waypoint(self, way: list[Cell]) -> Cell:
        """The farthest of the next cells of a way to which a level straight line leads; the next one at least."""
        x, y, z = self.env.body[:3].tolist()
        chosen = way[0]
        for ahead in way[1:LOOK_AHEAD]:
            goal = (ahead[0] + 0.5, ahead[2] + 0.5)
            level = ahead[1] == self.cell()[1]
            if not level or not paths.straight(self._blocks, paths.BLOCKING, x, int(y), z, *goal, hands.HALF_WIDTH_M):
                break
            chosen = ahead
        return chosen

    def walk_to(self, goal: Cell) -> Wish:
        """A step on the way to ``goal``; the wish to stand still where there is none."""
        way, here = self.way_to(goal), self.cell()
        if not way:
            return self.walk_straight((goal[0] + 0.5, goal[2] + 0.5))
        ahead = self.waypoint(way)
        wish = self.walk_straight((ahead[0] + 0.5, ahead[2] + 0.5))
        if wish.get("forward") and (ahead[1] > here[1] or self._stuck > 4):
            wish["jump"] = 1
        if self._stuck > 6 and self._closed_door_ahead():
            wish["use"] = float(self._step % 2)
        return wish

    def walk_straight(self, place: tuple[float, float], pitch_down_deg: float = 8.0) -> Wish:
        """A step towards ``place`` (x, z), once one faces it."""
        body = self.env.body
        dx, dz = place[0] - body[state.X], place[1] - body[state.Z]
        turn = wrapped(heading_deg(dx, dz) - body[state.YAW])
        wish = {YAW: self._turn(turn), PITCH: self._turn(pitch_down_deg - body[state.PITCH])}
        if abs(turn) < 40 and np.hypot(dx, dz) > 0.1:
            wish["forward"] = 1
        return wish

    def aim_at(self, point: NDArray[np.float64]) -> tuple[Wish, bool]:
        """A turn of the view towards a point (x, y, z), and whether the crosshair is on it within two degrees."""
        body = self.env.body
        dx, dy, dz = point - np.array(self.env.eye())
        yaw = wrapped(heading_deg(dx, dz) - body[state.YAW])
        pitch = float(np.degrees(np.arctan2(-dy, np.hypot(dx, dz)))) - body[state.PITCH]
        return {YAW: self._turn(yaw), PITCH: self._turn(pitch)}, bool(abs(yaw) < 2 and abs(pitch) < 2)

    def under_crosshair(self) -> tuple[Cell, Cell] | None:
        """The block under the crosshair within reach and the free cell before it."""
        hit, point = np.zeros(6, np.int64), np.zeros(4)
        if hands.target(self.env.world, TABLES, hit, point) != hands.BLOCK:
            return None
        x, y, z, a, b, c = hit.tolist()
        return (x, y, z), (a, b, c)

    def sees(self, eye: NDArray[np.float64], cell: Cell, point: NDArray[np.float64]) -> bool:
        """Whether a hand at ``eye`` reaches ``point`` in ``cell`` with nothing before it."""
        far = float(np.linalg.norm(point - eye))
        if far > hands.REACH_M - 0.3:
            return False
        along = np.arange(0, far, 0.05)[:, None] / far
        on_the_way = np.floor(eye + along * (point - eye)).astype(int)
        before = on_the_way[(on_the_way != cell).any(1)]
        shape = self.env.blocks.shape
        before = before[(before >= 0).all(1) & (before < shape).all(1)]
        return not self.env.blocks[tuple(before.T)].any()

    def sees_from(self, stand: Cell, cell: Cell, point: NDArray[np.float64]) -> bool:
        """The same from the middle of a cell that one can stand in."""
        return self.sees(np.array(stand) + np.array([0.5, hands.EYE_M, 0.5]), cell, point)

    def _closed_door_ahead(self) -> bool:
        seen = self.under_crosshair()
        return seen is not None and paths.is_closed_door(self.env.blocks[seen[0]])

    def _turn(self, angle_deg: float) -> float:
        return float(np.clip(0.6 * angle_deg, -self.turn_deg, self.turn_deg))


def heading_deg(dx: float, dz: float) -> float:
    """The yaw that faces the direction."""
    return float(np.degrees(np.arctan2(-dx, dz)))


def wrapped(angle_deg: float) -> float:
    return float((angle_deg + 180) % 360 - 180)
