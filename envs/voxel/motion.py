"""How bodies move through blocks: the player, creatures and items alike.

All functions are kernels on a body's row: position of the feet's middle and velocity in its first six numbers.
"""

from __future__ import annotations

import math

from numba import njit

from envs.voxel.kinds import AIR
from envs.voxel.state import VX, VY, VZ, X, Y, Z

GRAVITY_M = 0.08  # metres a step, every step
DRAG = 0.98
MAX_FALL_M = 0.9  # below one block a step, so that nothing is passed through
_GAP_M = 1e-4


@njit(cache=True)
def axes(yaw_deg, pitch_deg):
    """Right, down and forward of the camera in world coordinates, nine numbers."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    sy, cy, sp, cp = math.sin(yaw), math.cos(yaw), math.sin(pitch), math.cos(pitch)
    return -cy, 0.0, -sy, sy * sp, -cp, -cy * sp, -sy * cp, -sp, cy * cp


@njit(cache=True)
def solid(blocks, solids, x, y, z):
    """Whether a cell stops bodies; the outermost columns do, and go up without end."""
    if x < 1 or z < 1 or x >= blocks.shape[0] - 1 or z >= blocks.shape[2] - 1 or y < 0:
        return True
    return y < blocks.shape[1] and blocks[x, y, z] != AIR and solids[blocks[x, y, z]]


@njit(cache=True)
def blocked(blocks, solids, x, y, z, half_m, height_m):
    """Whether a body standing at x, y, z would be in a solid cell."""
    for i in range(math.floor(x - half_m), math.floor(x + half_m) + 1):
        for j in range(math.floor(y), math.floor(y + height_m) + 1):
            for k in range(math.floor(z - half_m), math.floor(z + half_m) + 1):
                if solid(blocks, solids, i, j, k):
                    return True
    return False


@njit(cache=True)
def move(blocks, solids, body, half_m, height_m):
    """One axis after the other; a blocked axis stops at the block's face. Returns whether the body stands."""
    if blocked(blocks, solids, body[X] + body[VX], body[Y], body[Z], half_m, height_m):
        if body[VX] > 0:
            body[X] = max(body[X], math.floor(body[X] + body[VX] + half_m) - half_m - _GAP_M)
        else:
            body[X] = min(body[X], math.floor(body[X] + body[VX] - half_m) + 1 + half_m + _GAP_M)
        body[VX] = 0.0
    else:
        body[X] += body[VX]
    if blocked(blocks, solids, body[X], body[Y], body[Z] + body[VZ], half_m, height_m):
        if body[VZ] > 0:
            body[Z] = max(body[Z], math.floor(body[Z] + body[VZ] + half_m) - half_m - _GAP_M)
        else:
            body[Z] = min(body[Z], math.floor(body[Z] + body[VZ] - half_m) + 1 + half_m + _GAP_M)
        body[VZ] = 0.0
    else:
        body[Z] += body[VZ]
    stands = False
    if blocked(blocks, solids, body[X], body[Y] + body[VY], body[Z], half_m, height_m):
        if body[VY] > 0:
            body[Y] = max(body[Y], math.floor(body[Y] + body[VY] + height_m) - height_m - _GAP_M)
        else:
            body[Y] = min(body[Y], math.floor(body[Y] + body[VY]) + 1.0)
            stands = True
        body[VY] = 0.0
    else:
        body[Y] += body[VY]
    return stands
