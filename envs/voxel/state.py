"""The state of one world as a few flat arrays, so that kernels step it, a snapshot copies it and many can be stacked.

World axes as in Minecraft, in metres: x east, y up, z south (right-handed). Block ``[x, y, z]`` fills
``[x, x+1) x [y, y+1) x [z, z+1)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# body (float64): position of the feet's middle in m, velocity in m/step, angles in degrees.
X, Y, Z, VX, VY, VZ, YAW, PITCH = range(8)
BODY_SIZE = 8

# counters (int64): the player's hands, health and things, and what the world counts.
ON_GROUND, SELECTED, ATTACK_WAIT, USE_WAIT, NEXT_ID, SNEAKING = range(6)
STEPS, ITEMS, HEALTH, HURT_WAIT, SEED, EVENT_COUNT, CHANGE_COUNT = range(6, 13)
COUNTERS_SIZE = 13
FULL_HEALTH = 20

# rules (float64): what a map fixes for its whole life.
BUILD_LIMIT_Y, DROPS, FIXED_CAMERA, START_HOUR, DAY_LENGTH_STEPS = range(5)
RULES_SIZE = 5

# entities (float64), one row each: creatures, items, falling blocks, sliding walls. The first seven are as in body.
# A row with SORT 0 is free. HALF_X, HEIGHT_Y and HALF_Z are its box; LOW_END and HIGH_END where it turns round (x, m);
# PACE is how fast it means to go now, SPEED how fast it goes when it goes; WAIT counts steps to its next decision.
SORT, ID, LOOK, HEAD_LOOK, HABIT, HALF_X, HEIGHT_Y, HALF_Z = range(8, 16)
HP, FLASH, WAIT, STANDS, LOW_END, HIGH_END, SPEED, PACE = range(16, 24)
ENTITY_SIZE = 24
CREATURE, ITEM, FALLING, SLIDER = range(1, 5)  # values of SORT
WANDERS, HUNTS, PATROLS = range(3)  # values of HABIT

# events (int64), one row each: what happened in the last step. VALUE: bites left, 1 for opened or on, health left.
WHAT, WHO, KIND, AT_X, AT_Y, AT_Z, VALUE = range(7)
EVENT_SIZE = 7
EVENT_CAPACITY = 128
BROKEN, PLACED, PAINTED, BITTEN, OPENED, SWITCHED, HIT, KILLED, PICKED_UP, DROPPED, FELL, LANDED, HURT, TOUCHED = range(
    1, 15
)
EVENT_NAMES = (
    "", "broken", "placed", "painted", "bitten", "opened", "switched", "hit", "killed", "picked_up",
    "dropped", "fell", "landed", "hurt", "touched",
)  # fmt: skip

# goal (float64): the task, and what its reward is counted by. See envs.voxel.rewards.
TASK, WANTED, TOTAL, DONE, FIRST_ID, LAST_ID = range(6)
GOAL_SIZE = 6
GOAL_CELLS = 8  # most cells that a goal can name

# changes (int64), one row each: the cell (flat index), kind and id that a step overwrote, so that it can be undone.
CHANGE_CAPACITY = 256
PAINT_SIZE = 16  # strokes on a canvas: texels across a block


class World(NamedTuple):
    """One world. ``events`` and ``changes`` tell of the last step; all else decides the future."""

    blocks: NDArray[np.uint8]  # (X, Y, Z) kind of each cell
    ids: NDArray[np.int32]  # (X, Y, Z) instance id of each cell, 0 for terrain
    body: NDArray[np.float64]  # (BODY_SIZE,)
    counters: NDArray[np.int64]  # (COUNTERS_SIZE,)
    rules: NDArray[np.float64]  # (RULES_SIZE,)
    entities: NDArray[np.float64]  # (E, ENTITY_SIZE)
    canvas_cells: NDArray[np.int64]  # (C,) flat indices of the canvas cells, ascending
    paint: NDArray[np.uint8]  # (C, PAINT_SIZE, PAINT_SIZE) kind whose colour a texel has, 0 unpainted
    lamps: NDArray[np.int64]  # (L, 4) id of the switch and cell x, y, z of a lamp
    hotbar: NDArray[np.uint8]  # (3,) kinds that the slots place
    goal: NDArray[np.float64]  # (GOAL_SIZE,)
    goal_cells: NDArray[np.int64]  # (GOAL_CELLS, 4) cell x, y, z and the kind that is wanted there
    events: NDArray[np.int64]  # (EVENT_CAPACITY, EVENT_SIZE)
    changes: NDArray[np.int64]  # (CHANGE_CAPACITY, 3)


LASTING = tuple(name for name in World._fields if name not in ("events", "changes"))
