"""Items that lie about and sand that falls: things that obey gravity and decide nothing."""

from __future__ import annotations

import math

from numba import njit

from envs.voxel.events import new_entity, set_cell, tell
from envs.voxel.kinds import AIR
from envs.voxel.motion import DRAG, GRAVITY_M, MAX_FALL_M, move
from envs.voxel.state import (
    DROPPED,
    FALLING,
    FELL,
    HALF_X,
    HALF_Z,
    HEIGHT_Y,
    ID,
    ITEM,
    ITEMS,
    LANDED,
    LOOK,
    PICKED_UP,
    SORT,
    STANDS,
    VX,
    VY,
    VZ,
    WAIT,
    X,
    Y,
    Z,
)  # fmt: skip

ITEM_HALF_M = 0.15
FALLING_HALF_M = 0.49  # a hair slimmer than its shaft
PICK_UP_AFTER_STEPS = 10
PICK_UP_M = 0.9


@njit(cache=True)
def drop_item(world, look, x, y, z):
    """Leave an item where a block was."""
    i = new_entity(world, ITEM, 0, look, x + 0.5, y + 0.3, z + 0.5)
    if i >= 0:
        row = world.entities[i]
        row[HALF_X], row[HEIGHT_Y], row[HALF_Z], row[WAIT] = (
            ITEM_HALF_M,
            2 * ITEM_HALF_M,
            ITEM_HALF_M,
            PICK_UP_AFTER_STEPS,
        )
        tell(world, DROPPED, int(row[ID]), look, x, y, z, 0)


@njit(cache=True)
def release(world, tables, x, y, z):
    """Let the blocks from the cell upwards fall that do so when nothing is under them."""
    blocks = world.blocks
    while 0 < y < blocks.shape[1] and tables.falls[blocks[x, y, z]]:
        below = blocks[x, y - 1, z]
        if below != AIR and not tables.liquid[below]:
            return
        kind, number = blocks[x, y, z], world.ids[x, y, z]
        i = new_entity(world, FALLING, number, kind, x + 0.5, float(y), z + 0.5)
        if i < 0:
            return
        row = world.entities[i]
        row[HALF_X], row[HEIGHT_Y], row[HALF_Z] = FALLING_HALF_M, 2 * FALLING_HALF_M, FALLING_HALF_M
        set_cell(world, x, y, z, AIR, 0)
        tell(world, FELL, int(row[ID]), kind, x, y, z, 0)
        y += 1


@njit(cache=True)
def step_item(world, tables, row, may_pick_up):
    """Fall, slide to a stop, and be picked up by the player who walks over it."""
    body = world.body
    row[VX] *= 0.6
    row[VZ] *= 0.6
    row[STANDS] = move(world.blocks, tables.solid, row, ITEM_HALF_M, 2 * ITEM_HALF_M)
    row[VY] = max((row[VY] - GRAVITY_M) * DRAG, -MAX_FALL_M)
    if row[WAIT] > 0:
        row[WAIT] -= 1
        return
    beside = max(abs(row[X] - body[X]), abs(row[Z] - body[Z])) < PICK_UP_M
    if may_pick_up and beside and -0.6 < row[Y] - body[Y] < 1.8:
        world.counters[ITEMS] += 1
        x, y, z = math.floor(row[X]), math.floor(row[Y]), math.floor(row[Z])
        tell(world, PICKED_UP, int(row[ID]), int(row[LOOK]), x, y, z, world.counters[ITEMS])
        row[SORT] = 0


@njit(cache=True)
def step_falling(world, tables, row):
    """Fall (after WAIT steps in the air) and become a block again where it lands, or an item where it cannot."""
    if row[WAIT] > 0:
        row[WAIT] -= 1
        return
    row[VY] = max((row[VY] - GRAVITY_M) * DRAG, -MAX_FALL_M)
    if not move(world.blocks, tables.solid, row, FALLING_HALF_M, 2 * FALLING_HALF_M):
        return
    x, y, z = math.floor(row[X]), math.floor(row[Y] + 0.5), math.floor(row[Z])
    kind, number = int(row[LOOK]), int(row[ID])
    row[SORT] = 0
    if y < world.blocks.shape[1] and (world.blocks[x, y, z] == AIR or tables.liquid[world.blocks[x, y, z]]):
        set_cell(world, x, y, z, kind, number)
        tell(world, LANDED, number, kind, x, y, z, 0)
    else:
        drop_item(world, kind, x, y, z)
