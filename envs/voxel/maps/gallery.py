"""``voxel/gallery``: rooms with doors, canvases on the walls, cakes on pedestals, and switches for lamps elsewhere.

What an interaction leaves behind can be left, and come back to. The roof is open: light is that of the day.
"""

from __future__ import annotations

import numpy as np

from envs.voxel import creatures
from envs.voxel.kinds import (
    AIR,
    BEACON,
    BEDROCK,
    CAKE,
    CANVAS,
    DOOR_ACROSS_X,
    DOOR_ACROSS_Z,
    EAST_WALL,
    GEM,
    LAMP_OFF,
    NAMES,
    NORTH_WALL,
    OBJECT_COLOURS,
    PLANKS,
    PLASTER,
    SOUTH_WALL,
    SWITCH_OFF,
    TILES,
    WEST_WALL,
)  # fmt: skip
from envs.voxel.map import Map
from worldsim.core.seeding import stream

ROOM = 7  # cells across, inside
COLUMNS, ROWS = 3, 2
WALL_HEIGHT = 4
FLOOR_Y = 2
SHAPE = (COLUMNS * (ROOM + 1) + 1, FLOOR_Y + WALL_HEIGHT + 5, ROWS * (ROOM + 1) + 1)
ROOMS = [(column, row) for column in range(COLUMNS) for row in range(ROWS)]


def generate(seed: int) -> Map:
    """The gallery of ``seed``: which room holds what, where the doors are, and which switch has which lamps."""
    rng = stream(seed, "voxel", "gallery")
    made = Map.empty(SHAPE, FLOOR_Y + WALL_HEIGHT + 1)
    _building(made, rng)
    order = [ROOMS[i] for i in rng.permutation(len(ROOMS))]
    start, *others = order
    _canvas(made, rng, start)
    _canvas(made, rng, others[0])
    for _ in range(2):
        _pedestal(made, rng, others[1], "cake", CAKE)
    _pedestal(made, rng, others[2], "cake", CAKE)
    # A switch's lamps are in another room.
    for switch_room, lamp_room in ((start, others[3]), (others[3], others[0])):
        switch = _pedestal(made, rng, switch_room, "switch", SWITCH_OFF)
        x, z = _middle(lamp_room)
        corner = (x + int(rng.choice([-3, 3])), FLOOR_Y + WALL_HEIGHT - 1, z + int(rng.choice([-3, 3])))
        if made.blocks[corner] == AIR:
            made.wire(switch, made.add("lamp", LAMP_OFF, corner))
    _beacon_and_things(made, rng, others)
    x, z = _middle(start)
    made.spawn = (x + 0.5, float(FLOOR_Y), z + 0.5)
    made.spawn_yaw_deg = float(rng.uniform(-180, 180))
    return made


def _building(made: Map, rng: np.random.Generator) -> None:
    blocks = made.blocks
    blocks[:, 0] = BEDROCK
    x, z = np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[2]), indexing="ij")
    blocks[:, 1] = np.where((x + z) % 2, TILES, PLANKS)
    height = slice(0, FLOOR_Y + WALL_HEIGHT)
    for column in range(1, COLUMNS):
        blocks[column * (ROOM + 1), FLOOR_Y : FLOOR_Y + WALL_HEIGHT] = PLASTER
    for row in range(1, ROWS):
        blocks[:, FLOOR_Y : FLOOR_Y + WALL_HEIGHT, row * (ROOM + 1)] = PLASTER
    blocks[:, height, 0], blocks[:, height, -1] = NORTH_WALL, SOUTH_WALL
    blocks[-1, height, :], blocks[0, height, :] = EAST_WALL, WEST_WALL
    for column, row in ROOMS:
        x0, z0 = column * (ROOM + 1), row * (ROOM + 1)
        along = 2 + int(rng.integers(ROOM - 2))
        if column + 1 < COLUMNS:
            made.add("door", DOOR_ACROSS_X, (x0 + ROOM + 1, FLOOR_Y, z0 + along), (1, 2, 1))
        if row + 1 < ROWS:
            made.add("door", DOOR_ACROSS_Z, (x0 + along, FLOOR_Y, z0 + ROOM + 1), (1, 2, 1))


def _middle(room: tuple[int, int]) -> tuple[int, int]:
    return room[0] * (ROOM + 1) + 1 + ROOM // 2, room[1] * (ROOM + 1) + 1 + ROOM // 2


def _canvas(made: Map, rng: np.random.Generator, room: tuple[int, int]) -> None:
    """Three by two blocks in the outer wall of a room, at eye height."""
    x, z = _middle(room)
    made.add("canvas", CANVAS, (x - 1, FLOOR_Y + 1, 0 if room[1] == 0 else SHAPE[2] - 1), (3, 2, 1))
    if room[0] in (0, COLUMNS - 1) and rng.random() < 0.5:
        made.add("canvas", CANVAS, (0 if room[0] == 0 else SHAPE[0] - 1, FLOOR_Y + 1, z - 1), (1, 2, 3))


def _pedestal(made: Map, rng: np.random.Generator, room: tuple[int, int], cls: str, kind: int) -> int:
    x, z = _place(made, rng, room)
    colour = int(rng.choice(OBJECT_COLOURS))
    made.add(f"{NAMES[colour]}_pedestal", colour, (x, FLOOR_Y, z))
    return made.add(cls, kind, (x, FLOOR_Y + 1, z))


def _beacon_and_things(made: Map, rng: np.random.Generator, rooms: list[tuple[int, int]]) -> None:
    x, z = _place(made, rng, rooms[-1])
    made.add("beacon", BEACON, (x, FLOOR_Y, z), (1, WALL_HEIGHT + 1, 1))
    for species, room in zip(rng.permutation(["pig", "sheep", "slime"])[:2].tolist(), rooms[1:3], strict=True):
        x, z = _place(made, rng, room)
        made.add_entity(species, creatures.creature(species, x + 0.5, FLOOR_Y, z + 0.5, float(rng.uniform(-180, 180))))
    for room in (rooms[0], rooms[4]):
        x, z = _place(made, rng, room)
        made.add_entity("gem_item", creatures.item(GEM, x + 0.5, FLOOR_Y, z + 0.5))
    x, z = _place(made, rng, rooms[2])
    made.add("red_block", 8, (x, FLOOR_Y, z))


def _place(made: Map, rng: np.random.Generator, room: tuple[int, int]) -> tuple[int, int]:
    """A free cell of the floor of a room, neither in its middle nor in the way of a door (a cell from the walls)."""
    mx, mz = _middle(room)
    taken = {(int(e[0]), int(e[2])) for e in made.entities}
    while True:
        x, z = mx + int(rng.integers(-2, 3)), mz + int(rng.integers(-2, 3))
        if (x, z) != (mx, mz) and made.blocks[x, FLOOR_Y, z] == AIR and (x, z) not in taken:
            return x, z
