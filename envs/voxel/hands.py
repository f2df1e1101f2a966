"""The player's hands: what is under the crosshair, and what attack and use do to it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.voxel.creatures import strike
from envs.voxel.events import set_cell, tell
from envs.voxel.falling import drop_item, release
from envs.voxel.kinds import AIR, BITE, OPEN, PAINT, PLACE, SWITCH
from envs.voxel.motion import axes
from envs.voxel.painting import paint
from envs.voxel.rays import enter_box
from envs.voxel.state import (
    ATTACK_WAIT,
    BITTEN,
    BROKEN,
    BUILD_LIMIT_Y,
    CREATURE,
    DROPS,
    FALLING,
    HALF_X,
    HEIGHT_Y,
    NEXT_ID,
    OPENED,
    PITCH,
    PLACED,
    SELECTED,
    SNEAKING,
    SORT,
    SWITCHED,
    USE_WAIT,
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
NOTHING, BLOCK, CREATURE_ROW = range(3)


@njit(cache=True)
def eye_height(counters):
    return SNEAK_EYE_M if counters[SNEAKING] else EYE_M


@njit(cache=True, error_model="numpy")
def target(world, tables, hit, point):
    """What is under the crosshair within reach: NOTHING, BLOCK or CREATURE_ROW.

    For a block ``hit`` gets its cell and the one before it, and ``point`` the world point and the axis of the face;
    for a creature ``hit[0]`` is its row.
    """
    blocks, body = world.blocks, world.body
    _, _, _, _, _, _, dx, dy, dz = axes(body[YAW], body[PITCH])
    px, py, pz = body[X], body[Y] + eye_height(world.counters), body[Z]
    x, y, z = math.floor(px), math.floor(py), math.floor(pz)
    sx, sy, sz = (1 if dx > 0 else -1), (1 if dy > 0 else -1), (1 if dz > 0 else -1)
    ddx, ddy, ddz = abs(1 / dx), abs(1 / dy), abs(1 / dz)
    tx = (x + 1 - px if dx > 0 else px - x) * ddx if dx != 0 else np.inf
    ty = (y + 1 - py if dy > 0 else py - y) * ddy if dy != 0 else np.inf
    tz = (z + 1 - pz if dz > 0 else pz - z) * ddz if dz != 0 else np.inf
    t, axis, what = 0.0, 0, NOTHING
    hit[3], hit[4], hit[5] = x, y, z
    while t <= REACH_M and 0 <= x < blocks.shape[0] and 0 <= y < blocks.shape[1] and 0 <= z < blocks.shape[2]:
        kind = blocks[x, y, z]
        if kind != AIR and not tables.liquid[kind]:
            if not tables.whole[kind]:
                box = tables.box[kind]
                t_box, axis_box = enter_box(
                    px, py, pz, dx, dy, dz, x + box[0], y + box[1], z + box[2], x + box[3], y + box[4], z + box[5]
                )
                if t_box <= REACH_M:
                    t, axis, what = t_box, axis_box, BLOCK
            elif t > 0:
                what = BLOCK
            if what == BLOCK:
                hit[0], hit[1], hit[2] = x, y, z
                break
        hit[3], hit[4], hit[5] = x, y, z
        if tx <= ty and tx <= tz:
            t, axis, tx, x = tx, 0, tx + ddx, x + sx
        elif ty <= tz:
            t, axis, ty, y = ty, 1, ty + ddy, y + sy
        else:
            t, axis, tz, z = tz, 2, tz + ddz, z + sz
    nearest = t if what == BLOCK else REACH_M
    for i in range(world.entities.shape[0]):
        row = world.entities[i]
        if row[SORT] == CREATURE:
            half = row[HALF_X]
            x0, z0, top = row[X] - half, row[Z] - half, row[Y] + row[HEIGHT_Y]
            t_row, _ = enter_box(px, py, pz, dx, dy, dz, x0, row[Y], z0, x0 + 2 * half, top, z0 + 2 * half)
            if t_row < nearest:
                nearest, what, hit[0] = t_row, CREATURE_ROW, i
    point[0], point[1], point[2], point[3] = px + nearest * dx, py + nearest * dy, pz + nearest * dz, axis
    return what


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
    """What both hands do; a hand that did something rests for some steps while its button is held."""
    counters = world.counters
    hit, point = np.zeros(6, np.int64), np.zeros(4)
    if not attack:
        counters[ATTACK_WAIT] = 0
    elif counters[ATTACK_WAIT] > 0:
        counters[ATTACK_WAIT] -= 1
    else:
        what = target(world, tables, hit, point)
        if what == CREATURE_ROW:
            strike(world, world.entities[hit[0]])
            counters[ATTACK_WAIT] = BREAK_WAIT_STEPS
        elif what == BLOCK and tables.breakable[world.blocks[hit[0], hit[1], hit[2]]]:
            _break(world, tables, hit[0], hit[1], hit[2])
            counters[ATTACK_WAIT] = BREAK_WAIT_STEPS
    if not use:
        counters[USE_WAIT] = 0
    elif counters[USE_WAIT] > 0:
        counters[USE_WAIT] -= 1
    elif target(world, tables, hit, point) == BLOCK:
        kind = world.blocks[hit[0], hit[1], hit[2]]
        way = tables.use[kind]
        if way == PAINT:
            paint(world, hit, point)  # a held brush paints in every step
        elif way == PLACE:
            if _place(world, tables, hit[3], hit[4], hit[5]):
                counters[USE_WAIT] = PLACE_WAIT_STEPS
        elif _work(world, tables, hit[0], hit[1], hit[2], way):
            counters[USE_WAIT] = PLACE_WAIT_STEPS


@njit(cache=True)
def _break(world, tables, x, y, z):
    kind, number = world.blocks[x, y, z], world.ids[x, y, z]
    tell(world, BROKEN, number, kind, x, y, z, 0)
    set_cell(world, x, y, z, AIR, 0)
    if world.rules[DROPS]:
        drop_item(world, kind, x, y, z)
    release(world, tables, x, y + 1, z)


@njit(cache=True)
def _place(world, tables, x, y, z):
    """Put a block of the selected slot into the cell; it has to be free of the player and of creatures."""
    blocks, body, counters = world.blocks, world.body, world.counters
    inside = 1 <= x < blocks.shape[0] - 1 and 1 <= z < blocks.shape[2] - 1 and 0 < y < world.rules[BUILD_LIMIT_Y]
    if not inside or not (blocks[x, y, z] == AIR or tables.liquid[blocks[x, y, z]]) or overlaps(body, x, y, z, 0.0):
        return False
    for i in range(world.entities.shape[0]):
        row = world.entities[i]
        if row[SORT] == CREATURE or row[SORT] == FALLING:
            near = 0.5 + row[HALF_X]
            beside = abs(x + 0.5 - row[X]) < near and abs(z + 0.5 - row[Z]) < near
            if beside and row[Y] < y + 1 and row[Y] + row[HEIGHT_Y] > y:
                return False
    kind = world.hotbar[counters[SELECTED]]
    tell(world, PLACED, counters[NEXT_ID], kind, x, y, z, 0)
    set_cell(world, x, y, z, kind, counters[NEXT_ID])
    counters[NEXT_ID] += 1
    release(world, tables, x, y, z)
    return True


@njit(cache=True)
def _work(world, tables, x, y, z, way):
    """Open or shut a door, bite a cake, turn a switch; False where it cannot be done."""
    blocks, ids = world.blocks, world.ids
    kind, number = blocks[x, y, z], ids[x, y, z]
    after = tables.becomes[kind]
    if way == BITE:
        left = 0
        cake = after
        while cake != AIR:
            left, cake = left + 1, tables.becomes[cake]
        set_cell(world, x, y, z, after, number if after != AIR else 0)
        tell(world, BITTEN, number, kind, x, y, z, left)
    elif way == SWITCH:
        set_cell(world, x, y, z, after, number)
        for i in range(world.lamps.shape[0]):
            if world.lamps[i, 0] == number:
                a, b, c = world.lamps[i, 1], world.lamps[i, 2], world.lamps[i, 3]
                if tables.use[blocks[a, b, c]] == PLACE and tables.becomes[blocks[a, b, c]] != AIR:  # a lamp still
                    set_cell(world, a, b, c, tables.becomes[blocks[a, b, c]], ids[a, b, c])
        tell(world, SWITCHED, number, kind, x, y, z, after > kind)
    else:  # a door: all of its cells above one another
        low, high = y, y
        while low > 0 and ids[x, low - 1, z] == number and tables.use[blocks[x, low - 1, z]] == OPEN:
            low -= 1
        while (
            high + 1 < blocks.shape[1] and ids[x, high + 1, z] == number and tables.use[blocks[x, high + 1, z]] == OPEN
        ):
            high += 1
        if tables.solid[after] and not _free(world, x, low, z, high):
            return False
        for j in range(low, high + 1):
            set_cell(world, x, j, z, tables.becomes[blocks[x, j, z]], number)
        tell(world, OPENED, number, kind, x, low, z, not tables.solid[after])
    return True


@njit(cache=True)
def _free(world, x, low, z, high):
    """Whether neither the player nor a creature stands in the cells, so that a door can shut there."""
    for j in range(low, high + 1):
        if overlaps(world.body, x, j, z, 0.0):
            return False
    for i in range(world.entities.shape[0]):
        row = world.entities[i]
        near = 0.5 + row[HALF_X]
        beside = abs(x + 0.5 - row[X]) < near and abs(z + 0.5 - row[Z]) < near
        if row[SORT] == CREATURE and beside and row[Y] < high + 1 and row[Y] + row[HEIGHT_Y] > low:
            return False
    return True
