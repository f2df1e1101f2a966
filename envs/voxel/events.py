"""What kernels write down about a step: events for tasks and the object table; changed cells to undo it."""

from __future__ import annotations

from numba import njit

from envs.voxel.state import (
    AT_X,
    AT_Y,
    AT_Z,
    CHANGE_COUNT,
    ENTITY_SIZE,
    EVENT_COUNT,
    ID,
    KIND,
    LOOK,
    NEXT_ID,
    SORT,
    VALUE,
    WHAT,
    WHO,
    X,
    Y,
    Z,
)  # fmt: skip


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


@njit(cache=True)
def new_entity(world, sort, number, look, x, y, z):
    """A free row with sort, id (0: the next one), look and place set and all else 0; -1 where no row is free."""
    entities = world.entities
    for i in range(entities.shape[0]):
        if entities[i, SORT] == 0:
            row = entities[i]
            row[:ENTITY_SIZE] = 0.0
            if number == 0:
                number = world.counters[NEXT_ID]
                world.counters[NEXT_ID] += 1
            row[SORT], row[ID], row[LOOK], row[X], row[Y], row[Z] = sort, number, look, x, y, z
            return i
    return -1
