"""The player's hands: what is under the crosshair, and what attack and use do to it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.voxel.kinds import AIR
from envs.voxel.motion import axes
from envs.voxel.state import (
    AT_X,
    AT_Y,
    AT_Z,
    ATTACK_WAIT,
    BROKEN,
    BUILD_LIMIT_Y,
    CHANGE_COUNT,
    EVENT_COUNT,
    KIND,
    NEXT_ID,
    PITCH,
    PLACED,
    SELECTED,
    SNEAKING,
    USE_WAIT,
    VALUE,
    WHAT,
    WHO,
    YAW,
    X,
    Y,
    Z,
)  # fmt: skip

HALF_WIDTH_M = 0.3
HEIGHT_M = 1.8
EYE_M = 1.62
SNEAK_EYE_M = 1.42
REACH_M = 4.5
BREAK_WAIT_STEPS = 5
PLACE_WAIT_STEPS = 4


@njit(cache=True)
def eye_height(counters):
    return SNEAK_EYE_M if counters[SNEAKING] else EYE_M


@njit(cache=True)
def tell(world, what, who, kind, x, y, z, value):
    """Write down that something happened in this step."""
    n = world.counters[EVENT_COUNT]
    if n < world.events.shape[0]:
        row = world.events[n]
        row[WHAT], row[WHO], row[KIND], row[AT_X], row[AT_Y], row[AT_Z], row[VALUE] = what, who, kind, x, y, z, value
        world.counters[EVENT_COUNT] = n + 1


@njit(cache=True)
def set_cell(world, x, y, z, kind, number):
    """Change a cell and remember what it was."""
    n = world.counters[CHANGE_COUNT]
    if n < world.changes.shape[0]:
        world.changes[n, 0] = (x * world.blocks.shape[1] + y) * world.blocks.shape[2] + z
        world.changes[n, 1], world.changes[n, 2] = world.blocks[x, y, z], world.ids[x, y, z]
    world.counters[CHANGE_COUNT] = n + 1
    world.blocks[x, y, z], world.ids[x, y, z] = kind, number


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
def overlaps(body, x, y, z, margin_m):
    """Whether the player comes nearer to the cell than ``margin_m``."""
    return (
        abs(x + 0.5 - body[X]) < 0.5 + HALF_WIDTH_M + margin_m
        and abs(z + 0.5 - body[Z]) < 0.5 + HALF_WIDTH_M + margin_m
        and body[Y] < y + 1 + margin_m
        and body[Y] + HEIGHT_M > y - margin_m
    )


@njit(cache=True)
def attack_and_use(world, tables, attack, use):
    """Break or place; a hand that did something rests for some steps while its button is held."""
    blocks, ids, body, counters = world.blocks, world.ids, world.body, world.counters
    hit = np.zeros(6, np.int64)
    if not attack:
        counters[ATTACK_WAIT] = 0
    elif counters[ATTACK_WAIT] > 0:
        counters[ATTACK_WAIT] -= 1
    elif target(blocks, body, counters, hit) and tables.breakable[blocks[hit[0], hit[1], hit[2]]]:
        x, y, z = hit[0], hit[1], hit[2]
        tell(world, BROKEN, ids[x, y, z], blocks[x, y, z], x, y, z, 0)
        set_cell(world, x, y, z, AIR, 0)
        counters[ATTACK_WAIT] = BREAK_WAIT_STEPS
    if not use:
        counters[USE_WAIT] = 0
    elif counters[USE_WAIT] > 0:
        counters[USE_WAIT] -= 1
    elif target(blocks, body, counters, hit):
        x, y, z = hit[3], hit[4], hit[5]
        inside = 1 <= x < blocks.shape[0] - 1 and 1 <= z < blocks.shape[2] - 1 and 0 < y < world.rules[BUILD_LIMIT_Y]
        if inside and blocks[x, y, z] == AIR and not overlaps(body, x, y, z, 0.0):
            kind = world.hotbar[counters[SELECTED]]
            tell(world, PLACED, counters[NEXT_ID], kind, x, y, z, 0)
            set_cell(world, x, y, z, kind, counters[NEXT_ID])
            counters[NEXT_ID] += 1
            counters[USE_WAIT] = PLACE_WAIT_STEPS
