"""Where a body can walk to, and by which way: a breadth-first search over the cells it can stand in.

A step leads to one of the four neighbouring columns: level, one block up by a jump, or up to three blocks down.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel.kinds import OPEN, TABLES

Cell = tuple[int, int, int]
UNREACHED = -1
DEEPEST_FALL = 3
# What a walker cannot get through; it opens doors.
BLOCKING = TABLES.solid & (TABLES.use != OPEN)


@njit(cache=True)
def _free(blocks, blocking, x, y, z):
    return y >= blocks.shape[1] or not blocking[blocks[x, y, z]]


@njit(cache=True)
def _stands(blocks, blocking, x, y, z):
    """Whether a body of two blocks has its feet in this cell: ground below, room for it and its head."""
    ground = y > 0 and blocking[blocks[x, y - 1, z]]
    return ground and _free(blocks, blocking, x, y, z) and _free(blocks, blocking, x, y + 1, z)


@njit(cache=True)
def search(blocks, blocking, x, y, z):
    """From where each cell (X, Y, Z) is first entered, as a flat index, on the shortest ways from one cell; int32.

    UNREACHED for cells that no way leads to; the first cell leads to itself. Border columns are never entered.
    """
    nx, ny, nz = blocks.shape
    came_from = np.full(blocks.shape, UNREACHED, np.int32)
    queue = np.empty(blocks.size, np.int32)
    queue[0] = (x * ny + y) * nz + z
    came_from[x, y, z] = queue[0]
    first, last = 0, 1
    while first < last:
        here = queue[first]
        first += 1
        x, y, z = here // (ny * nz), here // nz % ny, here % nz
        for side in range(4):
            a = x + (1, -1, 0, 0)[side]
            c = z + (0, 0, 1, -1)[side]
            if a < 1 or c < 1 or a >= nx - 1 or c >= nz - 1:
                continue
            for b in range(y + 1, y - DEEPEST_FALL - 1, -1):
                if b < 0 or not _free(blocks, blocking, a, b, c):
                    break
                if b >= ny or (b > y and not _free(blocks, blocking, x, y + 2, z)):
                    continue
                if came_from[a, b, c] == UNREACHED and _stands(blocks, blocking, a, b, c):
                    came_from[a, b, c] = here
                    queue[last] = (a * ny + b) * nz + c
                    last += 1
                    break
    return came_from


@njit(cache=True)
def straight(blocks, blocking, x, y, z, to_x, to_z, half_m):
    """Whether a body of that half width can walk on level ground from (x, z) straight to (to_x, to_z), in m."""
    far = math.hypot(to_x - x, to_z - z)
    count = int(far / 0.2) + 1
    for n in range(count + 1):
        for side_x in (-half_m, half_m):
            for side_z in (-half_m, half_m):
                a = math.floor(x + (to_x - x) * n / count + side_x)
                c = math.floor(z + (to_z - z) * n / count + side_z)
                if not (0 <= a < blocks.shape[0] and 0 <= c < blocks.shape[2] and _stands(blocks, blocking, a, y, c)):
                    return False
    return True


def is_closed_door(kind: int) -> bool:
    return bool(TABLES.solid[kind] and TABLES.use[kind] == OPEN)


def cell_of(place_m: NDArray[np.float64] | tuple[float, float, float]) -> Cell:
    """The cell that a place (x, y, z) in m lies in; a place on the ground counts as above it."""
    x, y, z = np.floor(np.asarray(place_m) + np.array([0, 1e-6, 0])).astype(int).tolist()
    return x, y, z


def reachable(blocks: NDArray[np.uint8], start: Cell) -> NDArray[np.int64]:
    """The cells (N, 3) that can be walked to from ``start``, in the order of their coordinates."""
    return np.argwhere(search(blocks, BLOCKING, *start) != UNREACHED)


def way(came_from: NDArray[np.int32], goal: Cell) -> list[Cell]:
    """The cells from the start of the search (not included) to ``goal``; empty where there is no way."""
    cells: list[Cell] = []
    here = int(np.ravel_multi_index(goal, came_from.shape))
    while came_from.flat[here] not in (UNREACHED, here):
        x, y, z = np.unravel_index(here, came_from.shape)
        cells.append((int(x), int(y), int(z)))
        here = int(came_from.flat[here])
    return cells[::-1]
