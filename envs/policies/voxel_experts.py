"""Players of the voxel tasks, as good as one wants: for data with purpose, and to rank in the dream and in the game.

An expert looks at the game's state, not at the frame. Its skill, from 0 to 1, is how seldom its mind wanders (it then
stands or does something at random), how often it goes for the right thing, and how fast it turns and walks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.policies.voxel_walker import PITCH, YAW, Walker, Wish
from envs.voxel import paths, rewards, state
from envs.voxel.kinds import (
    AIR,
    BEACON,
    BITE,
    FIRST_COLOURED_BEACON,
    GEM,
    LAST_COLOURED_BEACON,
    TABLES,
)
from envs.voxel.paths import Cell
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

PATIENCE_STEPS = 120  # with one target, before another one is chosen
ROAMING_STEPS = 40
LAPSE_STEPS = 8
HUNGRY_BELOW = 15  # points of health
AFRAID_M = 4.0


class VoxelExpert:
    """Plays the task of ``env`` (a VoxelEnv) with ``skill`` from 0 (hardly at all) to 1 (as well as it can).

    Raises WorldsimError for another game or a skill outside of 0 to 1.
    """

    def __init__(self, env: Any, skill: float = 1.0):
        if not isinstance(skill, (int, float)) or not 0 <= skill <= 1:
            raise WorldsimError(f"the skill of a voxel_expert is a number from 0 to 1; got {skill!r}")
        if not hasattr(env, "world"):
            raise WorldsimError(f"voxel_expert plays the voxel games; got {type(env).__name__}. Try policy=explorer")
        self.env, self.skill = env, float(skill)
        self.codec = ActionCodec.from_space(env.action_space)
        self.walker = Walker(env, turn_deg=3.0 + 9.0 * self.skill)
        self.reset(0)

    def reset(self, seed: int) -> None:
        self.rng = stream(seed, "voxel", "expert")
        self.walker.forget()
        self._steps = 0
        self._lapse: Wish | None = None
        self._target: Any = None
        self._roaming: Any = None
        self._target_until = 0
        self._mistaken = False
        self._careless_for: Any = ()
        self._facing: Cell | None = None
        self._poor_places: set[Cell] = set()

    def act(self, obs: Frames) -> NDArray[np.float32]:
        """The next action (A,)."""
        del obs
        if self._steps % LAPSE_STEPS == 0:
            self._lapse = self._wandering_mind() if self.rng.random() < 0.8 * (1 - self.skill) else None
        self._steps += 1
        task = int(self.env.world.goal[state.TASK])
        self.walker.tick(self._to_avoid(task) if self._target != self._careless_for else [])
        wish = _PLAYS[task](self) if self._lapse is None else self._lapse
        return self.codec.vector(**wish)

    def _wandering_mind(self) -> Wish:
        rng = self.rng
        if rng.random() < 0.4:
            return {}
        wish: Wish = {str(name): 1.0 for name in rng.choice(["forward", "left", "right", "back", "jump", "use"], 2)}
        return {**wish, YAW: float(rng.normal(0, 6)), PITCH: float(rng.normal(0, 2))}

    def _chosen(self, right: list[Any], wrong: list[Any]) -> Any:
        """What is gone for: the nearest of the right things, or by mistake a wrong one or a place anywhere.

        It is kept until it is no more, or for so long. None where there is nothing.
        """
        if self._steps >= self._target_until or self._target not in (*right, *wrong, self._roaming):
            errs = self.rng.random() < 0.5 * (1 - self.skill) ** 2
            pool = wrong if errs else right
            self._roaming = None if pool else self._somewhere()
            self._target = min(pool, key=self._effort, default=self._roaming)
            self._mistaken = self.rng.random() < 0.4 * (1 - self.skill)
            self._target_until = self._steps + (PATIENCE_STEPS if pool else ROAMING_STEPS)
        return self._target

    def _effort(self, cell: Cell) -> float:
        """How far a cell is, on foot where it can be walked to."""
        on_foot = self.walker.steps_to(cell)
        straight = float(np.linalg.norm(np.array(cell) + 0.5 - self.env.body[:3]))
        return on_foot if np.isfinite(on_foot) else straight + 2.0

    def _to_avoid(self, task: int) -> list[Cell]:
        """Cells that no way shall lead through: what must not be touched and is not gone for."""
        if task == rewards.FIND:
            wrong = [cell for cell in self._cells_of(*_COLOURED) if not self._is_wanted(cell)]
        elif task == rewards.COLLECT:
            wrong = self._items(wanted=False)
        else:
            return []
        around = [(x + a, y, z + c) for x, y, z in wrong if (x, y, z) != self._target for a, c in _AROUND]
        return [cell for cell in around if cell != self._target]

    # The tasks

    def _reach(self) -> Wish:
        """The gems first, then the beacon."""
        gems, lying = self._cells_of(GEM), [cell for cell, kind, _ in self._all_items() if kind == GEM]
        beacons = self._cells_of(BEACON)
        target = self._chosen([*lying, *self.walker.within_reach(gems)] or beacons, [])
        if target in beacons:
            return self._touch(beacons)
        return self._break(target) if target in gems else self._go(target)

    def _find(self) -> Wish:
        beacons = self._cells_of(*_COLOURED)
        right = [cell for cell in beacons if self._is_wanted(cell)]
        target = self._chosen(right[:1], [cell for cell in beacons if not self._is_wanted(cell)])
        return self._touch([target]) if target in beacons else self._go(target)

    def _collect(self) -> Wish:
        return self._go(self._chosen(self._items(wanted=True), self._items(wanted=False)))

    def _build(self) -> Wish:
        goal, blocks = self.env.world.goal, self.env.blocks
        cells = [(tuple(row[:3]), row[3]) for row in self.env.world.goal_cells[: int(goal[state.TOTAL])].tolist()]
        for cell, kind in cells:
            if blocks[cell] == kind:
                continue
            if blocks[cell] != AIR:
                return self._break(cell)
            target = self._chosen([cell], [])
            slot = self.env.world.hotbar.tolist().index(kind)
            if self._mistaken:
                slot = (slot + 1) % len(self.env.world.hotbar)
            return self._place(cell, slot) if target == cell else self._go(target)
        return {}

    def _survive(self) -> Wish:
        """Fights what hurts once it is near, and eats when hungry."""
        body, entities = self.env.body, self.env.world.entities
        hunters = entities[(entities[:, state.HABIT] == state.HUNTS) & (entities[:, state.SORT] == state.CREATURE)]
        near = [row for row in hunters if np.linalg.norm(row[:3] - body[:3]) < AFRAID_M]
        cakes = [tuple(cell) for cell in np.argwhere(TABLES.use[self.env.blocks] == BITE).tolist()]
        if near and not self._mistaken:
            return self._fight(min(near, key=lambda row: float(np.linalg.norm(row[:3] - body[:3]))))
        if self.env.counters[state.HEALTH] < HUNGRY_BELOW and cakes:
            target = self._chosen(cakes, [])
            return self._eat(target) if target in cakes else self._go(target)
        return {}

    # What they are made of

    def _go(self, cell: Cell) -> Wish:
        if not np.isfinite(self.walker.steps_to(cell)):  # there is no way around what should be avoided
            self._careless_for = self._target
            self.walker.search_soon()
        return self._hurried(self.walker.walk_to(cell))

    def _hurried(self, wish: Wish) -> Wish:
        if wish.get("forward") and self.skill > 0.5 and abs(wish.get(YAW, 0.0)) < 5:
            return {**wish, "sprint": 1}
        return wish

    def _touch(self, cells: list[Cell]) -> Wish:
        """To the nearest place beside one of the cells, then against it."""
        stands = self.walker.nearest([place for cell in cells for place in self.walker.beside(cell)])
        if stands is None:
            return self._go(cells[0] if cells else self._somewhere())
        if self.walker.cell() != stands:
            return self._go(stands)
        cell = min(cells, key=lambda cell: abs(cell[0] - stands[0]) + abs(cell[2] - stands[2]))
        return self.walker.walk_straight((cell[0] + 0.5, cell[2] + 0.5))

    def _break(self, cell: Cell) -> Wish:
        wish, seen = self._face(cell, np.array(cell) + 0.5)
        # What is in the way is broken first, where it can be.
        return {**wish, "attack": 1} if seen is not None and TABLES.breakable[self.env.blocks[seen[0]]] else wish

    def _eat(self, cell: Cell) -> Wish:
        x, _, _, top_x, top_y, _ = TABLES.box[self.env.blocks[cell]]
        wish, seen = self._face(cell, np.array(cell) + np.array([(x + top_x) / 2, 0.8 * top_y, 0.5]))
        return {**wish, "use": 1} if seen is not None and seen[0] == cell else wish

    def _place(self, cell: Cell, slot: int) -> Wish:
        """A block of a hotbar slot into a free cell, by aiming at what is under it."""
        wish, seen = self._face(cell, np.array(cell) + np.array([0.5, 0.0, 0.5]))
        if self.env.counters[state.SELECTED] != slot:
            wish[f"hotbar.{slot + 1}"] = 1
        elif seen is not None and seen[1] == cell:
            wish["use"] = 1
        return wish

    def _face(self, cell: Cell, point: NDArray[np.float64]) -> tuple[Wish, tuple[Cell, Cell] | None]:
        """To where one can reach the cell, then the crosshair onto the point; and what is under it once it is there."""
        walker, here = self.walker, self.walker.cell()
        if self._facing != cell:
            self._facing, self._poor_places = cell, set()
        if here in self._poor_places or not walker.sees(np.array(self.env.eye()), cell, point):
            around = [place for place in walker.beside(cell, 3.3, 1.4) if place not in self._poor_places]
            place = walker.nearest([place for place in around if walker.sees_from(place, cell, point)] or around)
            if place is not None and place != here:
                return self._go(place), None
        wish, aimed = walker.aim_at(point)
        seen = walker.under_crosshair()
        if aimed and (seen is None or cell not in seen):  # an edge is in the way after all
            self._poor_places.add(here)
        return wish, seen if aimed or (seen is not None and cell in seen) else None

    def _fight(self, row: NDArray[np.float64]) -> Wish:
        wish, _ = self.walker.aim_at(row[:3] + np.array([0, 0.6 * row[state.HEIGHT_Y], 0]))
        return {**wish, "attack": float(self._steps % 2)}

    # What they look at

    def _cells_of(self, *numbers: int) -> list[Cell]:
        """The lowest cell of each column of these kinds of blocks."""
        found: dict[tuple[int, int], Cell] = {}
        for x, y, z in np.argwhere(np.isin(self.env.blocks, numbers)).tolist():
            found.setdefault((x, z), (x, y, z))
        return list(found.values())

    def _is_wanted(self, cell: Cell) -> bool:
        return bool(self.env.blocks[cell] == self.env.world.goal[state.WANTED])

    def _all_items(self) -> list[tuple[Cell, int, int]]:
        """Cell, kind and id of everything that lies about."""
        rows = [row for row in self.env.world.entities if row[state.SORT] == state.ITEM]
        return [(paths.cell_of(row[:3]), int(row[state.LOOK]), int(row[state.ID])) for row in rows]

    def _items(self, wanted: bool) -> list[Cell]:
        goal = self.env.world.goal
        mine = [(c, kind) for c, kind, n in self._all_items() if goal[state.FIRST_ID] <= n <= goal[state.LAST_ID]]
        return [cell for cell, kind in mine if (kind == goal[state.WANTED]) == wanted]

    def _somewhere(self) -> Cell:
        """A place one can walk to, no better than any other."""
        cells = self.walker.around(12)
        x, y, z = cells[self.rng.integers(len(cells))].tolist() if len(cells) else self.walker.cell()
        return x, y, z


_AROUND = [(a, c) for a in (-1, 0, 1) for c in (-1, 0, 1)]
_COLOURED = range(FIRST_COLOURED_BEACON, LAST_COLOURED_BEACON + 1)
_PLAYS: dict[int, Callable[[VoxelExpert], Wish]] = {
    rewards.REACH: VoxelExpert._reach,
    rewards.FIND: VoxelExpert._find,
    rewards.COLLECT: VoxelExpert._collect,
    rewards.BUILD: VoxelExpert._build,
    rewards.SURVIVE: VoxelExpert._survive,
}
