"""Changes to a voxel world that no action could make: remove, add, recolour or teleport an object, undo an action.

Positions are those of the object table: the middle of the object, in metres.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.voxel import creatures, falling, hands, player, rewards, state
from envs.voxel.kinds import AIR, COLOURS, NAMES, NUMBER, NUMBER_IN_STATE, PLACE, TABLES
from envs.voxel.map import Placed
from envs.voxel.state import World
from worldsim.core.errors import UnknownNameError, WorldsimError

Position = tuple[float, float, float]

# What belongs to the player among the counters; undo leaves it as it is.
_PLAYERS = [
    state.ON_GROUND, state.SELECTED, state.ATTACK_WAIT, state.USE_WAIT, state.SNEAKING,
    state.ITEMS, state.HEALTH, state.HURT_WAIT,
]  # fmt: skip

# What a step changes besides blocks and ids, whose changes are listed.
_BEFORE = ("body", "counters", "entities", "paint", "goal")


class LastStep:
    """What "undo" needs to know of the last step: the action, and the world before it except for its blocks."""

    def __init__(
        self,
        world: World,
        objects: list[Placed],
        buttons: NDArray[np.int64],
        pitch_down_deg: float,
        yaw_right_deg: float,
    ):
        self.arrays = {name: getattr(world, name).copy() for name in _BEFORE}
        self.objects = objects
        self.buttons, self.pitch_down_deg, self.yaw_right_deg = buttons.copy(), pitch_down_deg, yaw_right_deg


def remove(env: Any, object_id: int) -> None:
    """Take an object out of the world; what it carried falls."""
    cells, row = _find(env, object_id)
    env.blocks[cells], env.ids[cells] = AIR, 0
    for x, y, z in zip(*cells, strict=True):
        falling.release(env.world, TABLES, int(x), int(y) + 1, int(z))
    if row is not None:
        row[state.SORT] = 0


def add(env: Any, cls: str, position_m: Position, colour: str | None = None) -> None:
    """Put something new there: a creature by its species, an "item" or a "block" of a colour, a block by its kind.

    A kind with states is added in the one that is named ("open_door", "bitten_cake_3"), by its mere name in the first.
    """
    x, y, z = map(float, position_m)
    if cls in creatures.SPECIES:
        row = creatures.creature(cls, x, y, z)
        row[state.Y] -= row[state.HEIGHT_Y] / 2
        if colour is not None:
            row[state.LOOK] = _kind_of_colour(colour)
        _add_entity(env, cls, row)
    elif cls == "item":
        kind = _kind_of_colour(colour or "red")
        _add_entity(env, f"{NAMES[kind]}_item", creatures.item(kind, x, y - falling.ITEM_HALF_M, z))
    else:
        numbers = NUMBER | NUMBER_IN_STATE
        if cls != "block" and cls not in numbers:
            raise UnknownNameError("thing to add", cls, ("block", "item", *creatures.SPECIES, *numbers))
        kind = numbers[cls] if cls != "block" else _kind_of_colour(colour or "red")
        cell = _free_cell(env, math.floor(x), math.floor(y), math.floor(z))
        number = _next_id(env)
        env.blocks[cell], env.ids[cell] = kind, number
        middle = (cell[0] + 0.5, cell[1] + 0.5, cell[2] + 0.5)
        env.objects = [*env.objects, (number, f"placed_{NAMES[kind]}", *middle)]
        falling.release(env.world, TABLES, *cell)


def recolour(env: Any, object_id: int, colour: str) -> None:
    """Give an object another colour; things that do something (doors, cakes, lamps, ...) have the colour they have."""
    kind = _kind_of_colour(colour)
    cells, row = _find(env, object_id)
    for old in np.unique(env.blocks[cells]).tolist():
        if TABLES.use[old] != PLACE or TABLES.becomes[old] != AIR or not TABLES.whole[old]:
            raise WorldsimError(f"object {object_id} is a {NAMES[old]} and cannot have another colour")
    env.blocks[cells] = kind
    if row is not None:
        row[state.LOOK] = kind
    _, cls, *place = env.objects[object_id - 1]
    colours = [NAMES[k] for k in COLOURS]
    named = next((name for name in colours if f"{name}_" in f"{cls}_"), None)
    if named is not None:
        _rename(env, object_id, cls.replace(named, colour, 1), place)


def teleport(env: Any, object_id: int, position_m: Position) -> None:
    """Move an object so that its middle is at ``position_m``; blocks go to the nearest whole cells."""
    cells, row = _find(env, object_id)
    if row is not None:
        x, y, z = map(float, position_m)
        moved = x - row[state.X]
        row[state.LOW_END] += moved
        row[state.HIGH_END] += moved
        row[: state.VX] = x, y - row[state.HEIGHT_Y] / 2, z
        if row[state.SORT] != state.SLIDER:
            row[state.VX : state.YAW] = 0.0
        return
    old = np.stack(cells, -1)
    middle = old.mean(0) + 0.5
    shift = np.round(np.array(position_m, np.float64) - middle).astype(int)
    blocks = env.blocks[cells]
    env.blocks[cells], env.ids[cells] = AIR, 0
    try:
        new = [_free_cell(env, *map(int, cell)) for cell in old + shift]
    except WorldsimError:
        env.blocks[cells], env.ids[cells] = blocks, object_id
        raise
    where = tuple(np.array(new).T)
    env.blocks[where], env.ids[where] = blocks, object_id
    _move_tables(env, old, shift)
    _rename(env, object_id, env.objects[object_id - 1][1], (middle + shift).tolist())
    for x, y, z in old.tolist():
        falling.release(env.world, TABLES, x, y + 1, z)


def undo(env: Any) -> None:
    """Take back what the last action did to the world; the player stays where the action led.

    The world goes one step back and makes the same step again without attack, use and picking up.
    """
    before = env.last_step
    if before is None:
        raise WorldsimError("there is no action to undo: take a step after reset, set_state or another intervention")
    world = env.world
    changed = int(world.counters[state.CHANGE_COUNT])
    if changed > len(world.changes):
        raise WorldsimError(f"the last action changed {changed} cells; at most {len(world.changes)} can be undone")
    for cell, kind, number in world.changes[:changed][::-1].tolist():
        world.blocks.flat[cell], world.ids.flat[cell] = kind, number
    body, counters = world.body.copy(), world.counters.copy()
    for name, kept in before.arrays.items():
        getattr(world, name)[:] = kept
    env.objects = before.objects
    player.advance(world, TABLES, before.buttons, before.pitch_down_deg, before.yaw_right_deg, False)
    rewards.judge(world)
    world.body[:] = body
    world.counters[_PLAYERS] = counters[_PLAYERS]


INTERVENTIONS: dict[str, Callable[..., None]] = {
    "remove": remove,
    "add": add,
    "recolour": recolour,
    "teleport": teleport,
    "undo": undo,
}


def _find(env: Any, object_id: int) -> tuple[tuple[NDArray[np.intp], ...], NDArray[np.float64] | None]:
    """The cells of an object and, for one that moves, its row; an object has one or the other."""
    if not 1 <= object_id <= len(env.objects):
        raise WorldsimError(f"no object {object_id}; the table of objects goes from 1 to {len(env.objects)}")
    cells = np.nonzero(env.ids == object_id)
    rows = env.world.entities
    found = np.flatnonzero((rows[:, state.ID] == object_id) & (rows[:, state.SORT] > 0))
    if not len(cells[0]) and not len(found):
        raise WorldsimError(f"object {object_id} ({env.objects[object_id - 1][1]}) is not in the world any more")
    return cells, rows[found[0]] if len(found) else None


def _kind_of_colour(colour: str) -> int:
    colours = {NAMES[kind]: kind for kind in COLOURS}
    if colour not in colours:
        raise UnknownNameError("colour", colour, colours)
    return colours[colour]


def _free_cell(env: Any, x: int, y: int, z: int) -> tuple[int, int, int]:
    """The cell, if something can be put there."""
    nx, ny, nz = env.blocks.shape
    if not (1 <= x < nx - 1 and 0 < y < ny and 1 <= z < nz - 1):
        raise WorldsimError(f"cell ({x}, {y}, {z}) is outside the world of {nx} x {ny} x {nz} cells")
    if env.blocks[x, y, z] != AIR:
        raise WorldsimError(f"cell ({x}, {y}, {z}) holds {NAMES[int(env.blocks[x, y, z])]}; choose a free one")
    if hands.overlaps(env.body, x, y, z, 0.0):
        raise WorldsimError(f"cell ({x}, {y}, {z}) is where the player stands; choose a free one")
    return x, y, z


def _next_id(env: Any) -> int:
    number = int(env.counters[state.NEXT_ID])
    env.counters[state.NEXT_ID] += 1
    return number


def _add_entity(env: Any, cls: str, row: NDArray[np.float64]) -> None:
    rows = env.world.entities
    free = np.flatnonzero(rows[:, state.SORT] == 0)
    if not len(free):
        raise WorldsimError(f"this world holds at most {len(rows)} things that move; remove one first")
    row[state.ID] = number = _next_id(env)
    rows[free[0]] = row
    x, y, z = row[: state.VX].tolist()
    env.objects = [*env.objects, (number, cls, x, y + float(row[state.HEIGHT_Y]) / 2, z)]


def _move_tables(env: Any, old: NDArray[np.intp], shift: NDArray[np.intp]) -> None:
    """Let canvases keep their strokes and switches their lamps when the cells ``old`` move."""
    _, ny, nz = env.blocks.shape
    strides = np.array([ny * nz, nz, 1])
    world = env.world
    moved = np.isin(world.canvas_cells, old @ strides)
    world.canvas_cells[moved] += int(shift @ strides)
    order = np.argsort(world.canvas_cells, kind="stable")
    world.canvas_cells[:], world.paint[:] = world.canvas_cells[order], world.paint[order]
    for lamp in world.lamps:
        if (lamp[1:] == old).all(1).any():
            lamp[1:] += shift


def _rename(env: Any, object_id: int, cls: str, place: Any) -> None:
    objects = list(env.objects)
    x, y, z = place
    objects[object_id - 1] = (object_id, cls, x, y, z)
    env.objects = objects
