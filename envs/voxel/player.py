"""The player's body: turning, walking, jumping, gravity, collisions, and breaking and placing blocks.

Speeds, jump and gravity are those of Minecraft at 20 steps a second. Yaw 0 looks south (+z), yaw 90 west (-x),
pitch 90 straight down. All state is in two small arrays, so that a snapshot is a copy of them.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.voxel.world import AIR, BEACON, BUILD_LIMIT_Y

# body (float64): position of the feet's middle in m, velocity in m/step, angles in degrees.
X, Y, Z, VX, VY, VZ, YAW, PITCH = range(8)
BODY_SIZE = 8
# counters (int64)
ON_GROUND, SELECTED, ATTACK_WAIT, USE_WAIT, NEXT_ID, SNEAKING = range(6)
COUNTERS_SIZE = 6
# buttons (order of envs.voxel.arena.BUTTONS)
ATTACK, BACK, FORWARD, HOTBAR_1, HOTBAR_2, HOTBAR_3, JUMP, LEFT, RIGHT, SNEAK, SPRINT, USE = range(12)
# edit (int64): what the last step did to the world
BROKEN_KIND, BROKEN_ID, PLACED_KIND, EDIT_X, EDIT_Y, EDIT_Z = range(6)
EDIT_SIZE = 6

HALF_WIDTH_M = 0.3
HEIGHT_M = 1.8
EYE_M = 1.62
SNEAK_EYE_M = 1.42
REACH_M = 4.5
PITCH_LIMIT_DEG = 85.0
WALK_M = 4.3 / 20  # metres a step
SPRINT_M = 5.6 / 20
SNEAK_M = 1.3 / 20
JUMP_M = 0.42
GRAVITY_M = 0.08
DRAG = 0.98
REST_FALL_M = -GRAVITY_M * DRAG  # the vertical velocity of a body that stands: it presses on the floor
MAX_FALL_M = 0.9  # below one block a step, so that nothing is passed through
GROUND_GRIP = 0.6  # share of the way to the wished velocity taken in one step
AIR_GRIP = 0.25
BREAK_WAIT_STEPS = 5
PLACE_WAIT_STEPS = 4
TOUCH_M = 0.1
_GAP_M = 1e-4


@njit(cache=True)
def axes(yaw_deg, pitch_deg):
    """Right, down and forward of the camera in world coordinates, nine numbers."""
    yaw, pitch = math.radians(yaw_deg), math.radians(pitch_deg)
    sy, cy, sp, cp = math.sin(yaw), math.cos(yaw), math.sin(pitch), math.cos(pitch)
    return -cy, 0.0, -sy, sy * sp, -cp, -cy * sp, -sy * cp, -sp, cy * cp


@njit(cache=True)
def eye_height(counters):
    return SNEAK_EYE_M if counters[SNEAKING] else EYE_M


@njit(cache=True)
def solid(blocks, x, y, z):
    """Whether a cell stops the player; the walls go up without end."""
    if x < 1 or z < 1 or x >= blocks.shape[0] - 1 or z >= blocks.shape[2] - 1 or y < 0:
        return True
    return y < blocks.shape[1] and blocks[x, y, z] != AIR


@njit(cache=True)
def _blocked(blocks, x, y, z):
    for i in range(math.floor(x - HALF_WIDTH_M), math.floor(x + HALF_WIDTH_M) + 1):
        for j in range(math.floor(y), math.floor(y + HEIGHT_M) + 1):
            for k in range(math.floor(z - HALF_WIDTH_M), math.floor(z + HALF_WIDTH_M) + 1):
                if solid(blocks, i, j, k):
                    return True
    return False


@njit(cache=True)
def _move(blocks, body, counters):
    """One axis after the other; a blocked axis stops at the block's face."""
    if _blocked(blocks, body[X] + body[VX], body[Y], body[Z]):
        if body[VX] > 0:
            body[X] = max(body[X], math.floor(body[X] + body[VX] + HALF_WIDTH_M) - HALF_WIDTH_M - _GAP_M)
        else:
            body[X] = min(body[X], math.floor(body[X] + body[VX] - HALF_WIDTH_M) + 1 + HALF_WIDTH_M + _GAP_M)
        body[VX] = 0.0
    else:
        body[X] += body[VX]
    if _blocked(blocks, body[X], body[Y], body[Z] + body[VZ]):
        if body[VZ] > 0:
            body[Z] = max(body[Z], math.floor(body[Z] + body[VZ] + HALF_WIDTH_M) - HALF_WIDTH_M - _GAP_M)
        else:
            body[Z] = min(body[Z], math.floor(body[Z] + body[VZ] - HALF_WIDTH_M) + 1 + HALF_WIDTH_M + _GAP_M)
        body[VZ] = 0.0
    else:
        body[Z] += body[VZ]
    counters[ON_GROUND] = 0
    if _blocked(blocks, body[X], body[Y] + body[VY], body[Z]):
        if body[VY] > 0:
            body[Y] = max(body[Y], math.floor(body[Y] + body[VY] + HEIGHT_M) - HEIGHT_M - _GAP_M)
        else:
            body[Y] = min(body[Y], math.floor(body[Y] + body[VY]) + 1.0)
            counters[ON_GROUND] = 1
        body[VY] = 0.0
    else:
        body[Y] += body[VY]


@njit(cache=True, error_model="numpy")
def target(blocks, body, counters, hit):
    """The block under the crosshair within reach: True, and ``hit`` = its cell and the free cell before it."""
    _, _, _, _, _, _, dx, dy, dz = axes(body[YAW], body[PITCH])
    px, py, pz = body[X], body[Y] + eye_height(counters), body[Z]
    x, y, z = math.floor(px), math.floor(py), math.floor(pz)
    sx, sy, sz = (1 if dx > 0 else -1), (1 if dy > 0 else -1), (1 if dz > 0 else -1)
    ddx, ddy, ddz = abs(1 / dx), abs(1 / dy), abs(1 / dz)
    tx = (x + 1 - px if dx > 0 else px - x) * ddx if dx != 0 else np.inf
    ty = (y + 1 - py if dy > 0 else py - y) * ddy if dy != 0 else np.inf
    tz = (z + 1 - pz if dz > 0 else pz - z) * ddz if dz != 0 else np.inf
    while True:
        hit[3], hit[4], hit[5] = x, y, z
        if tx <= ty and tx <= tz:
            t, tx, x = tx, tx + ddx, x + sx
        elif ty <= tz:
            t, ty, y = ty, ty + ddy, y + sy
        else:
            t, tz, z = tz, tz + ddz, z + sz
        if t > REACH_M or x < 0 or y < 0 or z < 0:
            return False
        if x >= blocks.shape[0] or y >= blocks.shape[1] or z >= blocks.shape[2]:
            return False
        if blocks[x, y, z] != AIR:
            hit[0], hit[1], hit[2] = x, y, z
            return True


@njit(cache=True)
def _overlaps(body, x, y, z, margin):
    return (
        abs(x + 0.5 - body[X]) < 0.5 + HALF_WIDTH_M + margin
        and abs(z + 0.5 - body[Z]) < 0.5 + HALF_WIDTH_M + margin
        and body[Y] < y + 1 + margin
        and body[Y] + HEIGHT_M > y - margin
    )


@njit(cache=True)
def _edit(blocks, ids, breakable, hotbar, body, counters, buttons, edit):
    edit[:] = 0
    hit = np.zeros(6, np.int64)
    if not buttons[ATTACK]:
        counters[ATTACK_WAIT] = 0
    elif counters[ATTACK_WAIT] > 0:
        counters[ATTACK_WAIT] -= 1
    elif target(blocks, body, counters, hit) and breakable[blocks[hit[0], hit[1], hit[2]]]:
        edit[BROKEN_KIND] = blocks[hit[0], hit[1], hit[2]]
        edit[BROKEN_ID] = ids[hit[0], hit[1], hit[2]]
        blocks[hit[0], hit[1], hit[2]] = AIR
        ids[hit[0], hit[1], hit[2]] = 0
        counters[ATTACK_WAIT] = BREAK_WAIT_STEPS
    if not buttons[USE]:
        counters[USE_WAIT] = 0
    elif counters[USE_WAIT] > 0:
        counters[USE_WAIT] -= 1
    elif target(blocks, body, counters, hit):
        x, y, z = hit[3], hit[4], hit[5]
        inside = 1 <= x < blocks.shape[0] - 1 and 1 <= z < blocks.shape[2] - 1 and 0 < y < BUILD_LIMIT_Y
        if inside and blocks[x, y, z] == AIR and not _overlaps(body, x, y, z, 0.0):
            blocks[x, y, z] = hotbar[counters[SELECTED]]
            ids[x, y, z] = counters[NEXT_ID]
            counters[NEXT_ID] += 1
            counters[USE_WAIT] = PLACE_WAIT_STEPS
            edit[PLACED_KIND] = blocks[x, y, z]
            edit[EDIT_X], edit[EDIT_Y], edit[EDIT_Z] = x, y, z


@njit(cache=True)
def advance(blocks, ids, breakable, hotbar, body, counters, buttons, pitch_down_deg, yaw_right_deg, edit):
    """One step: turn, select, break and place, walk. Fills ``edit``; returns whether the beacon is touched."""
    body[YAW] = (body[YAW] + yaw_right_deg + 180.0) % 360.0 - 180.0
    body[PITCH] = min(max(body[PITCH] + pitch_down_deg, -PITCH_LIMIT_DEG), PITCH_LIMIT_DEG)
    for k in range(3):
        if buttons[HOTBAR_1 + k]:
            counters[SELECTED] = k
    counters[SNEAKING] = buttons[SNEAK]
    _edit(blocks, ids, breakable, hotbar, body, counters, buttons, edit)

    ahead, aside = buttons[FORWARD] - buttons[BACK], buttons[RIGHT] - buttons[LEFT]
    speed = SNEAK_M if buttons[SNEAK] else (SPRINT_M if buttons[SPRINT] and ahead > 0 else WALK_M)
    if ahead != 0 and aside != 0:
        speed *= math.sqrt(0.5)
    rx, _, rz, _, _, _, fx, _, fz = axes(body[YAW], 0.0)
    grip = GROUND_GRIP if counters[ON_GROUND] else AIR_GRIP
    body[VX] += grip * (speed * (ahead * fx + aside * rx) - body[VX])
    body[VZ] += grip * (speed * (ahead * fz + aside * rz) - body[VZ])
    if abs(body[VX]) < 1e-3:
        body[VX] = 0.0
    if abs(body[VZ]) < 1e-3:
        body[VZ] = 0.0
    if buttons[JUMP] and counters[ON_GROUND]:
        body[VY] = JUMP_M
    _move(blocks, body, counters)
    body[VY] = max((body[VY] - GRAVITY_M) * DRAG, -MAX_FALL_M)
    return _touches_beacon(blocks, body)


@njit(cache=True)
def _touches_beacon(blocks, body):
    for i in range(math.floor(body[X] - 0.5), math.floor(body[X] + 0.5) + 1):
        for k in range(math.floor(body[Z] - 0.5), math.floor(body[Z] + 0.5) + 1):
            for j in range(math.floor(body[Y] - TOUCH_M), math.floor(body[Y] + HEIGHT_M + TOUCH_M) + 1):
                inside = 0 <= i < blocks.shape[0] and 0 <= j < blocks.shape[1] and 0 <= k < blocks.shape[2]
                if inside and blocks[i, j, k] == BEACON and _overlaps(body, i, j, k, TOUCH_M):
                    return True
    return False
