"""Strokes on a canvas: dabs of colour on the cells of the canvas under the crosshair."""

from __future__ import annotations

import numpy as np
from numba import njit

from envs.voxel.events import tell
from envs.voxel.state import PAINT_SIZE, PAINTED, SELECTED

DAB_M = 0.16  # radius


@njit(cache=True)
def paint(world, hit, point):
    """Lay a dab of the selected colour around ``point`` (world x, y, z and axis of the face) on the canvas ``hit``."""
    ny, nz = world.blocks.shape[1], world.blocks.shape[2]
    colour = world.hotbar[world.counters[SELECTED]]
    axis = int(point[3])
    cell = np.zeros(3, np.int64)
    place = np.zeros(3)
    texels = 0
    for slot in range(world.canvas_cells.shape[0]):
        flat = world.canvas_cells[slot]
        cell[0], cell[1], cell[2] = flat // (ny * nz), flat // nz % ny, flat % nz
        same = world.ids[cell[0], cell[1], cell[2]] == world.ids[hit[0], hit[1], hit[2]]
        if not same or cell[axis] != hit[axis]:
            continue
        for row in range(PAINT_SIZE):
            for column in range(PAINT_SIZE):
                p, q = (column + 0.5) / PAINT_SIZE, (row + 0.5) / PAINT_SIZE
                # As the renderer looks textures up.
                place[0] = cell[0] + p
                place[1] = cell[1] + 1 - q
                place[2] = cell[2] + (q if axis == 1 else p)
                place[axis] = point[axis]
                off_x, off_y, off_z = place[0] - point[0], place[1] - point[1], place[2] - point[2]
                inside = off_x * off_x + off_y * off_y + off_z * off_z <= DAB_M * DAB_M
                if inside and world.paint[slot, row, column] != colour:
                    world.paint[slot, row, column] = colour
                    texels += 1
    if texels:
        number = world.ids[hit[0], hit[1], hit[2]]
        tell(world, PAINTED, number, colour, hit[0], hit[1], hit[2], texels)
