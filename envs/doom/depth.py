"""Depth of a level by casting one ray a column through its lines, as Doom itself draws: walls, steps, doors, planes."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.doom.level import Level

MOST_LINES = 128  # that one column crosses


def level_view(
    level: Level,
    heights: NDArray[np.float64],
    eye: NDArray[np.float64],
    axes: NDArray[np.float64],
    K: NDArray[np.float64],
    height: int,
    width: int,
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The level without objects at the pixel centres: planar depth (H, W) in map units, and doors (H, W).

    A door is named by its sector, -1 is everything else. ``heights`` (S, 2) are the floors and ceilings of the moment,
    ``eye`` (3,) and ``axes`` (3, 3: right, down, forward as columns) are the camera's, which looks level; ``K`` is its
    pinhole matrix.
    """
    across = (np.arange(width) - K[0, 2]) / K[0, 0]
    down = (np.arange(height) - K[1, 2]) / K[1, 1]
    rays = axes[:2, 2] + across[:, None] * axes[:2, 0]
    return _cast(eye, rays, down, level.lines, level.front, level.back, heights, level.is_door)


@njit(cache=True)
def _cast(eye, rays, down, lines, front, back, heights, is_door):
    height, width = len(down), len(rays)
    depth = np.full((height, width), np.inf)
    doors = np.full((height, width), -1, np.int32)
    times = np.empty(MOST_LINES)
    crossed = np.empty(MOST_LINES, np.int64)
    for column in range(width):
        dx, dy = rays[column]
        count = 0
        for n in range(len(lines)):
            sx, sy = lines[n, 0] - eye[0], lines[n, 1] - eye[1]
            ax, ay = lines[n, 2] - lines[n, 0], lines[n, 3] - lines[n, 1]
            cross = dx * ay - dy * ax
            if cross == 0.0 or count == MOST_LINES:
                continue
            time, share = (sx * ay - sy * ax) / cross, (sx * dy - sy * dx) / cross
            if time <= 0.0 or share < 0.0 or share > 1.0:
                continue
            place = count  # the nearest first
            while place > 0 and times[place - 1] > time:
                times[place], crossed[place] = times[place - 1], crossed[place - 1]
                place -= 1
            times[place], crossed[place] = time, n
            count += 1
        for k in range(count):
            n, time = crossed[k], times[k]
            ax, ay = lines[n, 2] - lines[n, 0], lines[n, 3] - lines[n, 1]
            from_front = dx * ay - dy * ax < 0.0  # the ray leaves the right side of the line
            near, far = (front[n], back[n]) if from_front else (back[n], front[n])
            open_rows = False
            for row in range(height):
                if depth[row, column] < np.inf:
                    continue
                slope = down[row]
                if near >= 0:
                    if slope > 0.0:
                        plane = (eye[2] - heights[near, 0]) / slope
                    elif slope < 0.0:
                        plane = (eye[2] - heights[near, 1]) / slope
                    else:
                        plane = np.inf
                    if 0.0 < plane <= time:
                        depth[row, column] = plane
                        if slope < 0.0 and is_door[near]:
                            doors[row, column] = near
                        continue
                z = eye[2] - slope * time
                if far < 0 or z < heights[far, 0] or z > heights[far, 1]:
                    depth[row, column] = time
                    if far >= 0 and is_door[far] and z > heights[far, 1]:
                        doors[row, column] = far
                else:
                    open_rows = True
            if not open_rows:
                break
    return depth, doors
