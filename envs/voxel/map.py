"""What a map generator hands over: blocks, objects, entities and a place to start; and the world made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envs.voxel import kinds, state
from envs.voxel.state import World

REST_FALL_M = -0.08 * 0.98  # the vertical velocity of a body that stands: it presses on the floor

Placed = tuple[int, str, float, float, float]  # id, class, centre x, y, z in m


@dataclass
class Map:
    """Kind and instance id of every cell (id 0 is terrain), the objects, and where the player starts."""

    blocks: NDArray[np.uint8]  # (X, Y, Z)
    ids: NDArray[np.int32]  # (X, Y, Z)
    build_limit_y: int  # no block is placed in this layer or above
    objects: list[Placed] = field(default_factory=list)
    spawn: tuple[float, float, float] = (1.5, 1.0, 1.5)
    spawn_yaw_deg: float = 0.0
    spawn_pitch_down_deg: float = 0.0
    drops: bool = True  # whether a broken block leaves an item behind
    start_hour: float = 12.0  # the hour at which an episode begins, unless the game is told another
    fixed_camera: bool = False  # whether the player can neither walk nor turn
    hotbar: tuple[int, int, int] = kinds.HOTBAR
    spare_entities: int = 24  # rows for what is dropped, falls or is added later
    entities: list[NDArray[np.float64]] = field(default_factory=list)
    lamps: list[tuple[int, int, int, int]] = field(default_factory=list)  # id of the switch, cell of the lamp
    scene: dict[str, str] = field(default_factory=dict)  # what is told in words of the place: its biome and its thing
    scene_side: str = ""  # where the thing is at the start: "left", "middle", "right", or "" for neither
    task_text: str = ""  # what the player is asked to do, see envs.voxel.tasks
    goal: NDArray[np.float64] = field(default_factory=lambda: np.zeros(state.GOAL_SIZE))
    goal_cells: NDArray[np.int64] = field(default_factory=lambda: np.zeros((state.GOAL_CELLS, 4), np.int64))

    @classmethod
    def empty(cls, shape: tuple[int, int, int], build_limit_y: int | None = None) -> Map:
        """All air; blocks can be placed up to three layers below the top unless told otherwise."""
        limit = shape[1] - 3 if build_limit_y is None else build_limit_y
        return cls(np.zeros(shape, np.uint8), np.zeros(shape, np.int32), limit)

    def add(self, cls: str, kind: int, low: tuple[int, int, int], size: tuple[int, int, int] = (1, 1, 1)) -> int:
        """Fill a box of cells with one object and return its id."""
        box = tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))
        x, y, z = (a + n / 2 for a, n in zip(low, size, strict=True))
        number = self._enter(cls, x, y, z)
        self.blocks[box] = kind
        self.ids[box] = number
        return number

    def add_cells(self, cls: str, cells: Sequence[tuple[int, tuple[int, int, int]]]) -> int:
        """One object made of single cells, each with its kind; returns its id."""
        x, y, z = (np.array([cell for _, cell in cells]).mean(0) + 0.5).tolist()
        number = self._enter(cls, x, y, z)
        for kind, cell in cells:
            self.blocks[cell], self.ids[cell] = kind, number
        return number

    def wire(self, switch: int, lamp: int) -> None:
        """Let the switch with the id ``switch`` turn every cell of the object ``lamp`` on and off."""
        self.lamps += [(switch, x, y, z) for x, y, z in np.argwhere(self.ids == lamp).tolist()]

    def add_entity(self, cls: str, row: NDArray[np.float64]) -> int:
        """Put a creature, item or falling block (a row from :mod:`envs.voxel.creatures`) into the world."""
        row = row.copy()
        x, y, z = row[:3].tolist()
        row[state.ID] = number = self._enter(cls, x, y + float(row[state.HEIGHT_Y]) / 2, z)
        self.entities.append(row)
        return number

    def world(self, seed: int, start_hour: float | None = None, day_length_steps: int = 0) -> World:
        """The world at its first moment, at the map's hour unless told another; ``seed`` moves its creatures."""
        cells = np.flatnonzero(self.blocks == kinds.CANVAS)
        entities = np.zeros((len(self.entities) + self.spare_entities, state.ENTITY_SIZE))
        for row, entity in zip(entities, self.entities, strict=False):
            row[:] = entity
        body = np.zeros(state.BODY_SIZE)
        body[: state.VX] = self.spawn
        body[state.VY] = REST_FALL_M
        body[state.YAW], body[state.PITCH] = self.spawn_yaw_deg, self.spawn_pitch_down_deg
        counters = np.zeros(state.COUNTERS_SIZE, np.int64)
        counters[state.ON_GROUND] = 1
        counters[state.NEXT_ID] = len(self.objects) + 1
        counters[state.HEALTH] = state.FULL_HEALTH
        counters[state.SEED] = seed
        hour = self.start_hour if start_hour is None else start_hour
        rules = np.array([self.build_limit_y, self.drops, self.fixed_camera, hour, day_length_steps], dtype=np.float64)
        return World(
            blocks=self.blocks, ids=self.ids, body=body, counters=counters, rules=rules, entities=entities,
            canvas_cells=cells.astype(np.int64),
            paint=np.zeros((len(cells), state.PAINT_SIZE, state.PAINT_SIZE), np.uint8),
            lamps=np.array(self.lamps, np.int64).reshape(-1, 4),
            hotbar=np.array(self.hotbar, np.uint8),
            goal=self.goal.copy(), goal_cells=self.goal_cells.copy(),
            events=np.zeros((state.EVENT_CAPACITY, state.EVENT_SIZE), np.int64),
            changes=np.zeros((state.CHANGE_CAPACITY, 3), np.int64),
        )  # fmt: skip

    def _enter(self, cls: str, x: float, y: float, z: float) -> int:
        number = len(self.objects) + 1
        self.objects.append((number, cls, x, y, z))
        return number
