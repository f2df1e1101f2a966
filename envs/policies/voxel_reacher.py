"""Walks up to something in a voxel world until the crosshair is on it, so that something can be done to it there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.policies.voxel_experts import VoxelExpert
from envs.policies.voxel_walker import YAW, heading_deg, wrapped
from envs.voxel import state
from envs.voxel.kinds import AIR, BITE, CANVAS, OPEN, SWITCH, TABLES
from envs.voxel.paths import Cell

FAR_M = 12.0


class VoxelReacher(VoxelExpert):
    """An expert that is told where to go; ``env`` is a VoxelEnv."""

    def __init__(self, env: Any):
        super().__init__(env, 1.0)

    def reach(self, cell: Cell, point: NDArray[np.float64]) -> tuple[NDArray[np.float32], bool]:
        """The next action (A,) towards where ``point`` of ``cell`` is under the crosshair, and whether it is now."""
        self.walker.tick()
        wish, seen = self._face(cell, point)
        return self.codec.vector(**wish), seen is not None and seen[0] == cell

    def turn_to(self, point: NDArray[np.float64]) -> float:
        """By how many degrees to the right one has to turn to have ``point`` (x, y, z) straight ahead."""
        body = self.env.body
        return wrapped(heading_deg(point[0] - body[state.X], point[2] - body[state.Z]) - body[state.YAW])

    def targets(self, act: str) -> list[tuple[Cell, NDArray[np.float64]]]:
        """The things that are not far and can be walked up to."""
        eye = np.array(self.env.eye())
        near = [(cell, point) for cell, point in self.things(act) if np.linalg.norm(point - eye) < FAR_M]
        return [(cell, point) for cell, point in near if self.walker.beside(cell, 3.3, 1.4)]

    def things(self, act: str) -> list[tuple[Cell, NDArray[np.float64]]]:
        """What the act, one of ``ACTS``, can be done to: cells, and the point of each to aim at."""
        self.walker.forget()
        self.walker.tick()
        blocks, ids = self.env.blocks, self.env.ids
        middle, on_top = np.array([0.5, 0.5, 0.5]), np.array([0.5, 1.0, 0.5])
        if act == "place":
            floor = self.walker.around(FAR_M / 2) - np.array([0, 1, 0])
            usable = floor[(TABLES.use[blocks[tuple(floor.T)]] == 0) & TABLES.whole[blocks[tuple(floor.T)]]]
            return [_at(cell, on_top) for cell in usable.tolist()]
        if act == "pick_up":
            return [_at((x, y - 1, z), on_top) for (x, y, z), _, _ in self._all_items()]
        if act == "break":
            return [_at(cell, middle) for cell in np.argwhere((ids > 0) & TABLES.breakable[blocks]).tolist()]
        if act == "paint":
            return [_at(cell, middle) for cell in np.argwhere(blocks == CANVAS).tolist()]
        used_as = {"bite": BITE, "door": OPEN, "switch": SWITCH}[act]
        cells = np.argwhere((TABLES.use[blocks] == used_as) & (blocks != AIR)).tolist()
        boxes = [TABLES.box[blocks[tuple(cell)]] for cell in cells]
        return [_at(cell, (box[:3] + box[3:]) / 2) for cell, box in zip(cells, boxes, strict=True)]


# What can be done to a world: the buttons of each step; a turn in degrees to the right goes with a stroke.
ACTS: dict[str, list[dict[str, float]]] = {
    "place": [{"use": 1}],
    "break": [{"attack": 1}],
    "paint": [{"use": 1, YAW: 2.5}] * 5,
    "bite": [{"use": 1}] * 11,  # three bites: a hand rests for four steps after each
    "door": [{"use": 1}],
    "switch": [{"use": 1}],
    "pick_up": [],  # there and back, see envs.policies.voxel_reacher
}


def _at(cell: Any, offset: NDArray[np.float64]) -> tuple[Cell, NDArray[np.float64]]:
    x, y, z = cell
    return (x, y, z), np.array([x, y, z]) + offset
