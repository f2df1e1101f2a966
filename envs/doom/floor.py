"""Where a player can stand in a level and the shortest ways there, for policies that walk."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

CELL_UNITS = 16.0
ROOM_CELLS = 8
# The player is a square of 32 map units; the rest is for being carried on after the key is released.
CLEARANCE_UNITS = 22.0


class Floor:
    """A grid of the places where a player can stand, with shortest paths on it; positions are x, y in map units."""

    def __init__(self, walls: NDArray[np.float64], inside: tuple[float, float]):
        self.origin = walls.reshape(-1, 2).min(axis=0)
        extent = walls.reshape(-1, 2).max(axis=0) - self.origin
        self.shape = (int(extent[0] // CELL_UNITS) + 1, int(extent[1] // CELL_UNITS) + 1)
        cells = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), axis=-1).reshape(-1, 2)
        clear = distances_to_walls(self.origin + (cells + 0.5) * CELL_UNITS, walls) > CLEARANCE_UNITS
        self._free = clear.reshape(self.shape)
        start = self._nearest_free(self.cell(inside))
        reached = self._came_from(start)
        self._free = np.zeros(self.shape, bool)
        self._free[tuple(np.array(list(reached)).T)] = True
        self.places = self.origin + (np.argwhere(self._free) + 0.5) * CELL_UNITS  # (P, 2)
        self.rooms = np.argwhere(self._free) // ROOM_CELLS  # (P, 2): which square of the level each place is in

    def cell(self, place: tuple[float, float] | NDArray[np.float64]) -> tuple[int, int]:
        i, j = np.clip((np.asarray(place) - self.origin) // CELL_UNITS, 0, np.array(self.shape) - 1).astype(int)
        return int(i), int(j)

    def path(self, start: tuple[float, float], goal: tuple[float, float]) -> NDArray[np.float64]:
        """The cells from ``start`` to ``goal``, (N, 2) in map units; just the goal's cell when no way leads there."""
        first, last = self._nearest_free(self.cell(start)), self._nearest_free(self.cell(goal))
        came_from = self._came_from(first, last)
        cells = [last]
        while cells[-1] in came_from and cells[-1] != first:
            cells.append(came_from[cells[-1]])
        return self.origin + (np.array(cells[::-1]) + 0.5) * CELL_UNITS

    def is_straight(self, start: tuple[float, float], end: NDArray[np.float64]) -> bool:
        """Whether nothing is in the way on the line between the two places."""
        steps = int(np.hypot(*(end - np.array(start))) // (CELL_UNITS / 2)) + 2
        line = np.array(start) + np.linspace(0, 1, steps)[1:, None] * (end - np.array(start))
        return all(self._free[self.cell(place)] for place in line)

    def _nearest_free(self, cell: tuple[int, int]) -> tuple[int, int]:
        if self._free[cell]:
            return cell
        free = np.argwhere(self._free)
        i, j = free[((free - cell) ** 2).sum(axis=1).argmin()]
        return int(i), int(j)

    def _came_from(self, start: tuple[int, int], goal: tuple[int, int] | None = None) -> dict:
        """Breadth-first search: for every cell reached the one before it."""
        came_from = {start: start}
        queue = deque([start])
        while queue and goal not in came_from:
            i, j = queue.popleft()
            for near in ((i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)):
                inside = 0 <= near[0] < self.shape[0] and 0 <= near[1] < self.shape[1]
                if inside and near not in came_from and self._free[near]:
                    came_from[near] = (i, j)
                    queue.append(near)
        return came_from


def distances_to_walls(places: NDArray[np.float64], walls: NDArray[np.float64]) -> NDArray[np.float64]:
    """The distance of each place (P, 2) to the nearest wall, (P,)."""
    start, along = walls[:, :2], walls[:, 2:] - walls[:, :2]
    offset = places[:, None] - start
    share = np.clip((offset * along).sum(-1) / (along**2).sum(-1), 0, 1)
    return np.sqrt(((offset - share[..., None] * along) ** 2).sum(-1)).min(axis=1)
