"""The block grid: kinds of blocks, and a map made from a seed.

World axes as in Minecraft, in metres: x east, y up, z south (right-handed). Block ``[x, y, z]`` fills
``[x, x+1) x [y, y+1) x [z, z+1)``. The floor's top is at ``y = FLOOR_Y``; the outermost columns are the walls.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from worldsim.core.seeding import stream

FLOOR_SIZE = 20
WALL_HEIGHT = 5
FLOOR_Y = 2
BUILD_LIMIT_Y = FLOOR_Y + WALL_HEIGHT + 1  # no block is placed in this layer or above
SHAPE = (FLOOR_SIZE + 2, BUILD_LIMIT_Y + 4, FLOOR_SIZE + 2)  # four more, so that a jump on top stays inside the grid


@dataclass(frozen=True)
class Kind:
    """One kind of block: how it looks and what may be done to it."""

    number: int
    name: str
    colour: tuple[int, int, int]
    pattern: str
    edge: float = 0.3  # how much darker its rim is
    breakable: bool = True
    glows: bool = False


KINDS = (
    Kind(1, "bedrock", (52, 50, 58), "soft", breakable=False),
    Kind(2, "grass", (104, 168, 74), "soft", edge=0.14),
    Kind(3, "sand", (214, 194, 136), "soft", edge=0.14),
    Kind(4, "north_wall", (176, 92, 76), "bricks", edge=0.2, breakable=False),
    Kind(5, "east_wall", (222, 206, 172), "waves", edge=0.25, breakable=False),
    Kind(6, "south_wall", (84, 112, 168), "diagonal", edge=0.25, breakable=False),
    Kind(7, "west_wall", (92, 146, 130), "dots", edge=0.25, breakable=False),
    Kind(8, "red", (222, 44, 44), "panel", edge=0.4),
    Kind(9, "blue", (44, 92, 236), "panel", edge=0.4),
    Kind(10, "white", (238, 238, 238), "panel", edge=0.4),
    Kind(11, "orange", (240, 136, 28), "stripes"),
    Kind(12, "purple", (146, 56, 190), "stripes"),
    Kind(13, "cyan", (38, 196, 212), "stripes"),
    Kind(14, "magenta", (226, 66, 160), "stripes"),
    Kind(15, "lime", (160, 222, 36), "stripes"),
    Kind(16, "black", (44, 44, 50), "stripes"),
    Kind(17, "gem", (60, 236, 170), "gem", edge=0.5, glows=True),
    Kind(18, "beacon", (255, 216, 92), "glow", edge=0.05, breakable=False, glows=True),
)
KIND_COUNT = KINDS[-1].number + 1
AIR, BEDROCK, GRASS, SAND, NORTH_WALL, EAST_WALL, SOUTH_WALL, WEST_WALL = range(8)
HOTBAR = (8, 9, 10)
OBJECT_COLOURS = (11, 12, 13, 14, 15, 16)
GEM, BEACON = 17, 18
NAMES = {kind.number: kind.name for kind in KINDS}
BREAKABLE = np.array([any(k.number == n and k.breakable for k in KINDS) for n in range(KIND_COUNT)])
GLOWS = np.array([any(k.number == n and k.glows for k in KINDS) for n in range(KIND_COUNT)])


@dataclass
class Map:
    """Kind and instance id of every cell (id 0 is terrain), the objects, and where the player starts."""

    blocks: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(SHAPE, np.uint8))
    ids: NDArray[np.int32] = field(default_factory=lambda: np.zeros(SHAPE, np.int32))
    objects: list[tuple[int, str, float, float, float]] = field(default_factory=list)  # id, class, centre x, y, z
    spawn: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spawn_yaw_deg: float = 0.0

    def add(self, cls: str, kind: int, low: tuple[int, int, int], size: tuple[int, int, int]) -> int:
        """Fill a box of cells with one object and return its id."""
        number = len(self.objects) + 1
        box = tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))
        self.blocks[box] = kind
        self.ids[box] = number
        x, y, z = (a + n / 2 for a, n in zip(low, size, strict=True))
        self.objects.append((number, cls, x, y, z))
        return number


def generate(seed: int) -> Map:
    """The arena of ``seed``: floor, four walls, coloured structures, gems, one beacon, a free place to start."""
    rng = stream(seed, "voxel", "map")
    made = Map()
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
