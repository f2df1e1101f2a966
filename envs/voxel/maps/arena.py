"""The arena: a small closed place with coloured structures, gems and a beacon.

The floor's top is at ``y = FLOOR_Y``; the outermost columns are the walls.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.voxel.kinds import (
    BEACON,
    BEDROCK,
    EAST_WALL,
    GEM,
    GRASS,
    NAMES,
    NORTH_WALL,
    OBJECT_COLOURS,
    SAND,
    SOUTH_WALL,
    WEST_WALL,
)  # fmt: skip
from envs.voxel.map import Map
from worldsim.core.seeding import stream

FLOOR_SIZE = 20
WALL_HEIGHT = 5
FLOOR_Y = 2
BUILD_LIMIT_Y = FLOOR_Y + WALL_HEIGHT + 1
SHAPE = (FLOOR_SIZE + 2, BUILD_LIMIT_Y + 4, FLOOR_SIZE + 2)  # four more, so that a jump on top stays inside the grid


def generate(seed: int) -> Map:
    """The arena of ``seed``: floor, four walls, coloured structures, gems, one beacon, a free place to start."""
    rng = stream(seed, "voxel", "map")
    made = Map.empty(SHAPE, BUILD_LIMIT_Y)
    made.drops = False
    made.spare_entities = 8
    _terrain(made, rng)
    taken = np.zeros((SHAPE[0], SHAPE[2]), bool)
    beacon = _free_place(rng, taken, (1, 1))
    taken[beacon[0] - 1 : beacon[0] + 2, beacon[1] - 1 : beacon[1] + 2] = True
    made.add("beacon", BEACON, (beacon[0], FLOOR_Y, beacon[1]), (1, WALL_HEIGHT + 1, 1))
    tops = _structures(made, rng, taken)
    for _ in range(4):
        if tops and rng.random() < 0.5:
            x, y, z = tops.pop(int(rng.integers(len(tops))))
        else:
            (x, z), y = _free_place(rng, taken, (1, 1)), FLOOR_Y
            taken[x, z] = True
        made.add("gem", GEM, (x, y, z), (1, 1, 1))
    while True:
        x, z = _free_place(rng, taken, (1, 1))
        if np.hypot(x - beacon[0], z - beacon[1]) >= 6:
            break
    made.spawn = (x + 0.5, float(FLOOR_Y), z + 0.5)
    # Roughly towards the middle, so that an episode does not begin with a wall before the eyes.
    middle = np.degrees(np.arctan2(-(SHAPE[0] / 2 - made.spawn[0]), SHAPE[2] / 2 - made.spawn[2]))
    made.spawn_yaw_deg = float((middle + rng.uniform(-60, 60) + 180) % 360 - 180)
    return made


def _terrain(made: Map, rng: np.random.Generator) -> None:
    blocks = made.blocks
    blocks[:, 0] = BEDROCK
    x, z = np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[2]), indexing="ij")
    phase = rng.uniform(0, 2 * np.pi, 2)
    tilt = rng.uniform(0.25, 0.5, 2)
    blocks[:, 1] = np.where(np.sin(tilt[0] * x + phase[0]) + np.sin(tilt[1] * z + phase[1]) > 0.35, SAND, GRASS)
    wall = slice(0, FLOOR_Y + WALL_HEIGHT)
    blocks[:, wall, 0] = NORTH_WALL
    blocks[:, wall, -1] = SOUTH_WALL
    blocks[-1, wall, :] = EAST_WALL
    blocks[0, wall, :] = WEST_WALL


def _structures(made: Map, rng: np.random.Generator, taken: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Pillars, cubes, low platforms and short walls; returns cells on top of the low ones."""
    tops = []
    shapes = ["pillar", "pillar", "cube", "platform", "slab_wall"]
    shapes += list(rng.choice(["pillar", "cube", "platform", "slab_wall"], int(rng.integers(3, 6))))
    colours = np.concatenate([rng.permutation(OBJECT_COLOURS) for _ in range(2)])
    for shape, colour in zip(shapes, colours, strict=False):
        a, b = (int(n) for n in rng.integers(2, 5, 2))
        size = {
            "pillar": (1, int(rng.integers(2, 5)), 1),
            "cube": (2, 2, 2),
            "platform": (a, 1, b),
            "slab_wall": (1, 2, a + 1) if b % 2 else (a + 1, 2, 1),
        }[str(shape)]
        x, z = _free_place(rng, taken, (size[0], size[2]))
        taken[max(x - 1, 0) : x + size[0] + 1, max(z - 1, 0) : z + size[2] + 1] = True
        made.add(f"{NAMES[int(colour)]}_{shape}", int(colour), (x, FLOOR_Y, z), size)
        if size[1] <= 2:
            tops.append((x + int(rng.integers(size[0])), FLOOR_Y + size[1], z + int(rng.integers(size[2]))))
    return tops


def _free_place(rng: np.random.Generator, taken: NDArray[np.bool_], size: tuple[int, int]) -> tuple[int, int]:
    """A floor rectangle of ``size`` cells away from the walls with nothing on it; after many tries any rectangle."""
    x = z = 2
    for _ in range(200):
        x = int(rng.integers(2, SHAPE[0] - 1 - size[0]))
        z = int(rng.integers(2, SHAPE[2] - 1 - size[1]))
        if not taken[x : x + size[0], z : z + size[1]].any():
            break
    return x, z
