"""Tasks: what a player is asked to do on a map. A task adds what it needs to the map and writes down the goal.

Reward and termination follow from the goal in :mod:`envs.voxel.rewards`; the words are ``env.task_text`` and
``info["task"]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.voxel import creatures, paths, rewards, state
from envs.voxel.kinds import AIR, CAKE, NAMES, NUMBER, OBJECT_COLOURS, TABLES
from envs.voxel.map import Map
from worldsim.core.errors import WorldsimError
from worldsim.core.registry import Registry

Cell = tuple[int, int, int]

# Each target is called with the map and a random stream, before the player sees either.
TASKS = Registry("voxel task")
TASKS.add("reach", "envs.voxel.tasks:reach", "go to the beacon; gems pay on the way")
TASKS.add("find", "envs.voxel.tasks:find", "go to the beacon of the colour that is named, and to no other")
TASKS.add("collect", "envs.voxel.tasks:collect", "pick up all items of the colour that is named, and no others")
TASKS.add("build", "envs.voxel.tasks:build", "place the blocks that are asked for on the marked place")
TASKS.add("survive", "envs.voxel.tasks:survive", "eat against hunger and keep away from what hurts")

BEACONS = ("red_beacon", "blue_beacon", "green_beacon", "violet_beacon")
NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six")


def reach(made: Map, rng: np.random.Generator) -> None:
    """Touching the beacon gives 1 and ends the episode; a gem, broken or picked up, gives 0.2."""
    _set_goal(made, "go to the beacon", rewards.REACH)


def find(made: Map, rng: np.random.Generator) -> None:
    """Three coloured beacons in place of the golden one: the named one gives 1, another -0.5, each ends the episode."""
    names = rng.permutation(BEACONS)[:3].tolist()
    places = Places(made, rng)
    for number, cls, *_ in made.objects:
        if cls == "beacon":
            made.blocks[made.ids == number] = AIR
            made.ids[made.ids == number] = 0
    for name in names:
        x, y, z = places.take(from_start_m=6, apart_m=5)
        height = _room_above(made, (x, y, z), 5)
        made.add(name, NUMBER[name], (x, y, z), (1, height, 1))
    _set_goal(made, f"go to the {names[0].replace('_', ' ')}", rewards.FIND, wanted=NUMBER[names[0]])


def collect(made: Map, rng: np.random.Generator) -> None:
    """Items of two colours: each of the five that are named gives 0.2, each of the three others -0.2."""
    wanted, other = rng.permutation(OBJECT_COLOURS)[:2].tolist()
    kinds = rng.permutation([wanted] * 5 + [other] * 3).tolist()
    places = Places(made, rng)
    ids = [made.add_entity(f"{NAMES[kind]}_item", creatures.item(kind, *places.take_m(2, 1.5))) for kind in kinds]
    text = f"collect the {kinds.count(wanted)} {NAMES[wanted]} items"
    _set_goal(made, text, rewards.COLLECT, wanted, kinds.count(wanted), (ids[0], ids[-1]))


def build(made: Map, rng: np.random.Generator) -> None:
    """Blocks of the asked colours on a marked place: half of 1 block by block, half when all of them stand."""
    if rng.random() < 0.6:
        count = int(rng.integers(2, 4))
        kinds = [int(rng.choice(made.hotbar))] * count
        text = f"place {NUMBER_WORDS[count]} {NAMES[kinds[0]]} blocks side by side on the marked place"
        cells = _site(made, rng, count)
    else:
        kinds = rng.choice(made.hotbar, 2).tolist()
        text = f"place a {NAMES[kinds[0]]} block on the marked place and a {NAMES[kinds[1]]} block on top of it"
        cells = [(x, y + n, z) for x, y, z in _site(made, rng, 1) for n in (0, 1)]
    pads = sorted({(x, cells[0][1] - 1, z) for x, _, z in cells})
    made.add_cells("marked_place", [(NUMBER["pad"], cell) for cell in pads])
    _set_goal(made, text, rewards.BUILD, total=len(cells))
    made.goal_cells[: len(cells)] = [(*cell, kind) for cell, kind in zip(cells, kinds, strict=True)]


def survive(made: Map, rng: np.random.Generator) -> None:
    """0.01 for each step alive, -1 for dying, which ends the episode; cakes and gems are food, spooks hurt."""
    places = Places(made, rng)
    for _ in range(4):
        made.add("cake", CAKE, places.take(3, 4))
    for _ in range(2):
        made.add_entity("spook", creatures.creature("spook", *places.take_m(6, 3)))
    _set_goal(made, "stay alive: eat, and keep away from the spooks", rewards.SURVIVE)


class Places:
    """Cells on which something can be put so that the player can get to it, and past it."""

    def __init__(self, made: Map, rng: np.random.Generator):
        self.rng = rng
        self.start = np.array(made.spawn)
        cells = paths.reachable(made.blocks, paths.cell_of(made.spawn))
        free = ~paths.BLOCKING[made.blocks]
        x, y, z = cells.T
        sides = free[x + 1, y, z] & free[x - 1, y, z] & free[x, y, z + 1] & free[x, y, z - 1]
        self.cells = cells[sides & (made.blocks[x, y, z] == AIR)]

    def take(self, from_start_m: float, apart_m: float) -> Cell:
        """A random cell at least so far from the player's start; no later one is nearer to it than ``apart_m``."""
        far = _distances(self.cells, self.start)
        # Where the map is too full for that, the farthest half will do.
        near_enough = np.flatnonzero(far >= min(from_start_m, float(np.median(far))))
        cell = self.cells[self.rng.choice(near_enough)]
        apart = np.linalg.norm(self.cells - cell, axis=1) >= apart_m
        self.cells = self.cells[apart] if apart.sum() > 8 else self.cells
        return int(cell[0]), int(cell[1]), int(cell[2])

    def take_m(self, from_start_m: float, apart_m: float) -> tuple[float, float, float]:
        """The middle of the floor of such a cell, in m."""
        x, y, z = self.take(from_start_m, apart_m)
        return x + 0.5, float(y), z + 0.5


def _site(made: Map, rng: np.random.Generator, count: int) -> list[Cell]:
    """``count`` cells in a row on level ground that is nobody's, near the player's start but not under it."""
    cells = paths.reachable(made.blocks, paths.cell_of(made.spawn))
    known = {tuple(cell) for cell in cells.tolist()}
    far = _distances(cells, np.array(made.spawn))
    for reach_m in (9.0, 18.0, np.inf):
        for x, y, z in rng.permutation(cells[(far > 2.5) & (far < reach_m)]).tolist():
            a, c = ((1, 0), (0, 1))[int(rng.integers(2))]
            row = [(x + n * a, y, z + n * c) for n in range(count)]
            ground = [(i, j - 1, k) for i, j, k in row]
            if all(cell in known for cell in row) and all(_is_plain(made, cell) for cell in ground):
                return row
    raise WorldsimError(f"this map has no level place for {count} blocks in a row; choose another map for task=build")


def _distances(cells: NDArray[np.int64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the middle of each cell's floor to a place, in m."""
    return np.linalg.norm(cells + np.array([0.5, 0.0, 0.5]) - place, axis=1)


def _is_plain(made: Map, cell: Cell) -> bool:
    return made.ids[cell] == 0 and bool(TABLES.whole[made.blocks[cell]])


def _room_above(made: Map, cell: Cell, most: int) -> int:
    """How many cells are free from ``cell`` upwards, at most ``most``."""
    x, y, z = cell
    column = made.blocks[x, y : y + most, z] != AIR
    return int(column.argmax()) if column.any() else len(column)


def _set_goal(made: Map, text: str, task: int, wanted: int = 0, total: int = 0, ids: tuple[int, int] = (0, 0)) -> None:
    made.task_text = text
    made.goal[:] = 0
    made.goal[[state.TASK, state.WANTED, state.TOTAL, state.FIRST_ID, state.LAST_ID]] = task, wanted, total, *ids
