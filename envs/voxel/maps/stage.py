"""``voxel/stage``: a set before a fixed camera, for permanence and physics: what passes, hides, falls and comes back.

The camera looks north at a floor with a backdrop. ``fixed_camera=False`` lets the player walk about in it.
"""

from __future__ import annotations

import numpy as np

from envs.voxel import creatures
from envs.voxel.kinds import (
    BEDROCK,
    COLOURS,
    EAST_WALL,
    NAMES,
    NORTH_WALL,
    PLANKS,
    PLASTER,
    SAND,
    SOUTH_WALL,
    TILES,
    WEST_WALL,
)  # fmt: skip
from envs.voxel.map import Map
from worldsim.core.errors import UnknownNameError
from worldsim.core.seeding import stream

SHAPE = (26, 13, 16)
FLOOR_Y = 2
CAMERA = (13.0, float(FLOOR_Y), 13.0)
WALL_HEIGHT = 8
TABLE_Z, SCREEN_Z = 8, 9  # the front row of what happens, and the wall or screen before it
SCENARIOS = {
    "occluder": "a screen slides to and fro before a table with blocks",
    "passage": "creatures walk behind a wall and come out again",
    "falling": "sand falls, some of it out of sight behind a wall",
    "table": "blocks on a table, and nothing moves",
}


def generate(seed: int, scenario: str = "any", fixed_camera: bool = True) -> Map:
    """The set of ``seed``; ``scenario`` is one of SCENARIOS, or "any" for one of them by chance.

    Raises UnknownNameError for another scenario.
    """
    rng = stream(seed, "voxel", "stage")
    chosen = str(rng.choice(list(SCENARIOS)))
    if scenario != "any":
        if scenario not in SCENARIOS:
            raise UnknownNameError("stage scenario", scenario, ["any", *SCENARIOS])
        chosen = scenario
    made = Map.empty(SHAPE, FLOOR_Y + WALL_HEIGHT - 1)
    made.fixed_camera = fixed_camera
    made.spawn, made.spawn_yaw_deg, made.spawn_pitch_down_deg = CAMERA, 180.0, 8.0
    _set(made)
    {"occluder": _occluder, "passage": _passage, "falling": _falling, "table": _table}[chosen](made, rng)
    return made


def _set(made: Map) -> None:
    blocks = made.blocks
    blocks[:, 0] = BEDROCK
    x, z = np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[2]), indexing="ij")
    blocks[:, 1] = np.where((x // 2 + z // 2) % 2, TILES, PLANKS)
    height = slice(0, FLOOR_Y + WALL_HEIGHT)
    blocks[:, height, 0], blocks[:, height, -1] = NORTH_WALL, SOUTH_WALL
    blocks[-1, height, :], blocks[0, height, :] = EAST_WALL, WEST_WALL


def _table(made: Map, rng: np.random.Generator) -> None:
    """Two to five blocks of different colours on a table, some two high."""
    made.add("table", PLASTER, (10, FLOOR_Y, TABLE_Z - 1), (6, 1, 2))
    count = int(rng.integers(2, 6))
    for x, kind in zip(rng.permutation(6)[:count].tolist(), rng.permutation(COLOURS)[:count].tolist(), strict=True):
        size = (1, int(rng.integers(1, 3)), 1)
        made.add(f"{NAMES[kind]}_block", kind, (10 + x, FLOOR_Y + 1, TABLE_Z - int(rng.integers(2))), size)


def _occluder(made: Map, rng: np.random.Generator) -> None:
    _table(made, rng)
    # Far enough aside at both ends to show everything, and wide enough to hide all of the table.
    width, speed = 7.0, float(rng.uniform(0.10, 0.22))
    start = float(rng.choice([6.4, 19.6]))
    screen = creatures.slider(
        int(rng.choice(COLOURS)), (start, FLOOR_Y, SCREEN_Z + 0.5), (width, 4.0, 0.3), (6.4, 19.6),
        speed if start < 13 else -speed, int(rng.integers(5, 25)),
    )  # fmt: skip
    made.add_entity("screen", screen)


def _passage(made: Map, rng: np.random.Generator) -> None:
    width = int(rng.integers(2, 4))
    made.add("wall", int(rng.choice(COLOURS)), (13 - width // 2, FLOOR_Y, SCREEN_Z), (width, 2, 1))
    for number, species in enumerate(rng.permutation(["pig", "sheep", "slime"])[: int(rng.integers(1, 3))].tolist()):
        walker = creatures.patrol(
            species, float(rng.uniform(8, 18)), FLOOR_Y, TABLE_Z - 1 - number + 0.5, 6.0, 20.0,
            float(rng.uniform(0.06, 0.13)),
        )  # fmt: skip
        made.add_entity(species, walker)


def _falling(made: Map, rng: np.random.Generator) -> None:
    made.add("wall", int(rng.choice(COLOURS)), (10 + int(rng.integers(4)), FLOOR_Y, SCREEN_Z), (2, 2, 1))
    columns = rng.permutation(np.arange(10, 16))[: int(rng.integers(3, 7))].tolist()
    for n, x in enumerate(columns):
        y, z = FLOOR_Y + float(rng.integers(3, 6)), TABLE_Z - 1 + int(rng.integers(2)) + 0.5
        after = int(rng.integers(10, 50)) + 12 * n
        made.add_entity("falling_sand", creatures.falling_block(SAND, x + 0.5, y, z, after))
