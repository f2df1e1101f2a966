"""Creatures and sliding walls: what moves of its own accord, the same way every time.

What a creature does by chance is a hash of the world's seed, its own id and the step, so that nothing that happens to
one creature changes the chances of another: two futures differ only where something touched them.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.voxel import falling, kinds, state
from envs.voxel.events import tell
from envs.voxel.motion import DRAG, GRAVITY_M, MAX_FALL_M, move
from envs.voxel.state import (
    CREATURE,
    FALLING,
    FLASH,
    HABIT,
    HALF_X,
    HEALTH,
    HEIGHT_Y,
    HIGH_END,
    HIT,
    HP,
    HUNTS,
    HURT,
    HURT_WAIT,
    ID,
    ITEM,
    KILLED,
    LOOK,
    LOW_END,
    PACE,
    PATROLS,
    SEED,
    SORT,
    SPEED,
    STANDS,
    STEPS,
    VX,
    VY,
    VZ,
    WAIT,
    YAW,
    X,
    Y,
    Z,
)  # fmt: skip
from worldsim.core.errors import UnknownNameError

FLASH_STEPS = 6
FLEE_STEPS = 30
JUMP_M = 0.42
SEES_M = 9.0
BITES_AT_M = 1.0
BITE = 2  # of the player's health
HURT_EVERY_STEPS = 20
# Species: looks of body and head, half width (m), height (m), health, m/step, habit.
SPECIES = {
    "pig": (38, 39, 0.40, 0.9, 3, 0.08, state.WANDERS),
    "sheep": (40, 41, 0.42, 1.2, 3, 0.06, state.WANDERS),
    "slime": (42, 43, 0.45, 0.8, 2, 0.05, state.WANDERS),
    "spook": (44, 45, 0.35, 1.7, 4, 0.13, state.HUNTS),
}


def creature(species: str, x: float, y: float, z: float, yaw_deg: float = 0.0) -> NDArray[np.float64]:
    """A creature whose feet are at (x, y, z); UnknownNameError for a species that is not in SPECIES."""
    if species not in SPECIES:
        raise UnknownNameError("species", species, SPECIES)
    look, head, half, height, health, speed, habit = SPECIES[species]
    row = _row(state.CREATURE, look, x, y, z, half, height)
    row[state.HEAD_LOOK], row[state.HP], row[state.SPEED], row[state.HABIT] = head, health, speed, habit
    row[state.YAW] = yaw_deg
    return row


def patrol(
    species: str, x: float, y: float, z: float, low_x: float, high_x: float, speed: float
) -> NDArray[np.float64]:
    """A creature that walks to and fro along x, between ``low_x`` and ``high_x`` at ``speed`` metres a step."""
    row = creature(species, x, y, z, yaw_deg=-90.0)
    row[state.HABIT], row[state.LOW_END], row[state.HIGH_END] = state.PATROLS, low_x, high_x
    row[state.SPEED] = speed
    return row


def item(kind: int, x: float, y: float, z: float) -> NDArray[np.float64]:
    """A block of ``kind`` as a thing to pick up."""
    return _row(state.ITEM, kind, x, y, z, falling.ITEM_HALF_M, 2 * falling.ITEM_HALF_M)


def falling_block(kind: int, x: float, y: float, z: float, after_steps: int = 0) -> NDArray[np.float64]:
    """A block in the air that falls after some steps."""
    row = _row(state.FALLING, kind, x, y, z, falling.FALLING_HALF_M, 2 * falling.FALLING_HALF_M)
    row[state.WAIT] = after_steps
    return row


def slider(
    kind: int, centre: tuple[float, float, float], size: tuple[float, float, float], ends_x: tuple[float, float],
    speed: float, pause_steps: int = 0,
) -> NDArray[np.float64]:  # fmt: skip
    """A wall that slides along x between ``ends_x`` at ``speed`` metres a step; bodies go through it."""
    row = _row(state.SLIDER, kind, *centre, half=size[0] / 2, height=size[1])
    row[state.HALF_Z] = size[2] / 2
    row[state.LOW_END], row[state.HIGH_END] = ends_x
    row[state.SPEED], row[state.PACE] = speed, pause_steps
    row[state.VX] = speed
    return row


def _row(sort: int, look: int, x: float, y: float, z: float, half: float, height: float) -> NDArray[np.float64]:
    row = np.zeros(state.ENTITY_SIZE)
    row[state.SORT], row[state.LOOK] = sort, look
    row[:3] = x, y, z
    row[state.HALF_X] = row[state.HALF_Z] = half
    row[state.HEIGHT_Y] = height
    assert look in kinds.BY_NUMBER, f"no kind {look}"
    return row


@njit(cache=True)
def chance(seed, number, step, which):
    """A number in [0, 1) that depends on nothing else (splitmix64, Steele et al. 2014)."""
    z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(number) * np.uint64(0xBF58476D1CE4E5B9)
    z += np.uint64(step) * np.uint64(0x94D049BB133111EB) + np.uint64(which) * np.uint64(0xD6E8FEB86659FD93)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def strike(world, row):
    """The player hits a creature: it flashes, is pushed away, flees, and dies when no health is left."""
    away_x, away_z = row[X] - world.body[X], row[Z] - world.body[Z]
    far = max(math.sqrt(away_x * away_x + away_z * away_z), 1e-3)
    row[VX], row[VY], row[VZ] = 0.4 * away_x / far, 0.3, 0.4 * away_z / far
    row[YAW] = math.degrees(math.atan2(-away_x, away_z))
    row[PACE], row[WAIT] = 1.6 * row[SPEED], FLEE_STEPS
    row[HP] -= 1
    row[FLASH] = FLASH_STEPS
    x, y, z = math.floor(row[X]), math.floor(row[Y]), math.floor(row[Z])
    tell(world, HIT, int(row[ID]), int(row[LOOK]), x, y, z, int(row[HP]))
    if row[HP] <= 0:
        row[SORT] = 0
        tell(world, KILLED, int(row[ID]), int(row[LOOK]), x, y, z, 0)


@njit(cache=True)
def step_entities(world, tables, may_pick_up):
    """One step of everything that is not a block and not the player."""
    counters = world.counters
    if counters[HURT_WAIT] > 0:
        counters[HURT_WAIT] -= 1
    for i in range(world.entities.shape[0]):
        row = world.entities[i]
        if row[SORT] == 0:
            continue
        if row[SORT] == CREATURE:
            _step_creature(world, tables, row)
        elif row[SORT] == ITEM:
            falling.step_item(world, tables, row, may_pick_up)
        elif row[SORT] == FALLING:
            falling.step_falling(world, tables, row)
        else:
            _slide(row)


@njit(cache=True)
def _slide(row):
    if row[WAIT] > 0:
        row[WAIT] -= 1
        return
    row[X] += row[VX]
    if (row[VX] > 0 and row[X] >= row[HIGH_END]) or (row[VX] < 0 and row[X] <= row[LOW_END]):
        row[X] = row[HIGH_END] if row[VX] > 0 else row[LOW_END]
        row[VX] = -row[VX]
        row[WAIT] = row[PACE]


@njit(cache=True)
def _step_creature(world, tables, row):
    if row[FLASH] > 0:
        row[FLASH] -= 1
    flees = row[WAIT] > 0 and row[PACE] > row[SPEED]
    if row[HABIT] == PATROLS:
        if row[X] >= row[HIGH_END]:
            row[YAW] = 90.0
        elif row[X] <= row[LOW_END]:
            row[YAW] = -90.0
        row[PACE] = row[SPEED]
    elif not (row[HABIT] == HUNTS and not flees and _hunt(world, row)):
        _wander(world, row)
    yaw = math.radians(row[YAW])
    wish_x, wish_z = -math.sin(yaw) * row[PACE], math.cos(yaw) * row[PACE]
    grip = 0.5 if row[STANDS] else 0.15
    row[VX] += grip * (wish_x - row[VX])
    row[VZ] += grip * (wish_z - row[VZ])
    x, z = row[X], row[Z]
    row[STANDS] = move(world.blocks, tables.solid, row, row[HALF_X], row[HEIGHT_Y])
    row[VY] = max((row[VY] - GRAVITY_M) * DRAG, -MAX_FALL_M)
    if _swims(world, tables, row):
        row[VY] = 0.06
    elif row[STANDS] and row[PACE] > 0 and abs(row[X] - x) + abs(row[Z] - z) < 0.3 * row[PACE]:
        # In the way: up it goes, and soon it thinks of another way.
        row[VY] = JUMP_M
        row[WAIT] = min(row[WAIT], 12.0)


@njit(cache=True)
def _wander(world, row):
    row[WAIT] -= 1
    if row[WAIT] <= 0:
        seed, number, step = world.counters[SEED], int(row[ID]), world.counters[STEPS]
        row[PACE] = row[SPEED] if chance(seed, number, step, 0) < 0.65 else 0.0
        row[YAW] = (row[YAW] + 200.0 * (chance(seed, number, step, 1) - 0.5) + 180.0) % 360.0 - 180.0
        row[WAIT] = 15.0 + math.floor(40.0 * chance(seed, number, step, 2))


@njit(cache=True)
def _hunt(world, row):
    """Go for the player when near; a bite costs health. Returns whether the player was seen."""
    counters, body = world.counters, world.body
    dx, dz = body[X] - row[X], body[Z] - row[Z]
    far = math.sqrt(dx * dx + dz * dz)
    if far > SEES_M or abs(body[Y] - row[Y]) > 3.0:
        return False
    row[YAW] = math.degrees(math.atan2(-dx, dz))
    row[PACE] = row[SPEED] if far > 0.6 else 0.0
    if far < BITES_AT_M and abs(body[Y] - row[Y]) < 1.6 and counters[HURT_WAIT] == 0:
        counters[HEALTH] -= BITE
        counters[HURT_WAIT] = HURT_EVERY_STEPS
        tell(world, HURT, int(row[ID]), int(row[LOOK]), int(row[X]), int(row[Y]), int(row[Z]), counters[HEALTH])
    return True


@njit(cache=True)
def _swims(world, tables, row):
    x, y, z = math.floor(row[X]), math.floor(row[Y] + 0.4 * row[HEIGHT_Y]), math.floor(row[Z])
    blocks = world.blocks
    inside = 0 <= x < blocks.shape[0] and 0 <= y < blocks.shape[1] and 0 <= z < blocks.shape[2]
    return inside and tables.liquid[blocks[x, y, z]]
