"""The kinds of blocks: one table of how each looks and what may be done to it, and the same as arrays for kernels.

A block's state (a door open or shut, the bites left of a cake, a lamp lit or dark) is a kind of its own, so the grid
of kinds is the whole state of the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float, float, float]  # x, y, z from and to, inside the cell
WHOLE: Box = (0.0, 0.0, 0.0, 1.0, 1.0, 1.0)

# What ``use`` does to a kind under the crosshair; PLACE puts a block before it.
PLACE, OPEN, BITE, SWITCH, PAINT = range(5)
CAKE_BITES = 7


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
    solid: bool = True  # stops bodies
    liquid: bool = False  # bodies swim in it, hands reach through it
    falls: bool = False  # when nothing is under it
    box: Box = WHOLE
    use: int = PLACE
    becomes: int = 0  # the kind it turns into when used (0: air) or, for a lamp, when its switch is used
    seen_as: str = ""  # the class of an object in this state, where that is more than its name


def _cakes() -> tuple[Kind, ...]:
    """A cake before its first bite (25) and after each further one; the seventh bite leaves nothing."""
    return tuple(
        Kind(
            25 + bites, "cake", (238, 214, 190), "icing", edge=0.15, breakable=False, use=BITE,
            box=(0.0625 + 0.125 * bites, 0.0, 0.0625, 0.9375, 0.5, 0.9375),
            becomes=26 + bites if bites + 1 < CAKE_BITES else 0,
            seen_as=f"bitten_cake_{CAKE_BITES - bites}" if bites else "",  # how many bites are left
        )
        for bites in range(CAKE_BITES)
    )  # fmt: skip


_THIN_X: Box = (0.40, 0.0, 0.0, 0.60, 1.0, 1.0)  # closes the way along x
_THIN_Z: Box = (0.0, 0.0, 0.40, 1.0, 1.0, 0.60)
_ASIDE_X: Box = (0.0, 0.0, 0.0, 1.0, 1.0, 0.15)  # the same door, swung aside
_ASIDE_Z: Box = (0.0, 0.0, 0.0, 0.15, 1.0, 1.0)
_LEVER: Box = (0.25, 0.0, 0.25, 0.75, 0.5, 0.75)

# fmt: off
KINDS = (
    Kind(1, "bedrock", (52, 50, 58), "soft", breakable=False),
    Kind(2, "grass", (104, 168, 74), "soft", edge=0.14),
    Kind(3, "sand", (214, 194, 136), "soft", edge=0.14, falls=True),
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
    Kind(19, "canvas", (236, 230, 214), "plain", edge=0.25, breakable=False, use=PAINT),
    Kind(
        20, "door", (150, 98, 52), "planks", edge=0.4, breakable=False, box=_THIN_X, use=OPEN, becomes=21,
        seen_as="closed_door",
    ),
    Kind(
        21, "door", (150, 98, 52), "planks", edge=0.4, breakable=False, solid=False, box=_ASIDE_X, use=OPEN, becomes=20,
        seen_as="open_door",
    ),
    Kind(
        22, "door", (150, 98, 52), "planks", edge=0.4, breakable=False, box=_THIN_Z, use=OPEN, becomes=23,
        seen_as="closed_door",
    ),
    Kind(
        23, "door", (150, 98, 52), "planks", edge=0.4, breakable=False, solid=False, box=_ASIDE_Z, use=OPEN, becomes=22,
        seen_as="open_door",
    ),
    Kind(24, "planks", (186, 140, 84), "planks", edge=0.2),
    *_cakes(),
    Kind(
        32, "switch", (120, 40, 40), "dots", edge=0.4, breakable=False, box=_LEVER, use=SWITCH, becomes=33,
        seen_as="off_switch",
    ),
    Kind(
        33, "switch", (80, 220, 90), "dots", edge=0.4, breakable=False, box=_LEVER, use=SWITCH, becomes=32,
        seen_as="on_switch",
    ),
    Kind(34, "lamp", (96, 84, 64), "gem", edge=0.4, breakable=False, becomes=35, seen_as="unlit_lamp"),
    Kind(35, "lamp", (255, 226, 140), "gem", edge=0.2, breakable=False, glows=True, becomes=34, seen_as="lit_lamp"),
    Kind(36, "plaster", (214, 206, 196), "soft", edge=0.1),
    Kind(37, "tiles", (150, 146, 152), "panel", edge=0.25),
    # How creatures look (a body and a head); a block of it can stand in the world as well.
    Kind(38, "pig", (236, 150, 160), "soft", edge=0.1),
    Kind(39, "pig_head", (226, 122, 138), "panel", edge=0.2),
    Kind(40, "sheep", (232, 228, 220), "waves", edge=0.1),
    Kind(41, "sheep_head", (92, 76, 66), "soft", edge=0.2),
    Kind(42, "slime", (98, 204, 92), "dots", edge=0.35),
    Kind(43, "slime_head", (52, 140, 60), "panel", edge=0.35),
    Kind(44, "spook", (72, 58, 110), "diagonal", edge=0.3),
    Kind(45, "spook_head", (232, 60, 60), "gem", edge=0.3),
    # The ground and the plants of landscapes.
    Kind(46, "stone", (128, 128, 132), "soft", edge=0.2),
    Kind(47, "dirt", (134, 96, 66), "soft", edge=0.14),
    Kind(48, "sandstone", (200, 176, 120), "soft", edge=0.2),
    Kind(49, "snow", (240, 244, 250), "soft", edge=0.08),
    Kind(50, "moss", (70, 126, 58), "soft", edge=0.14),
    Kind(51, "water", (58, 104, 200), "waves", edge=0.0, breakable=False, solid=False, liquid=True),
    Kind(52, "wood", (112, 80, 48), "stripes", edge=0.2),
    Kind(53, "leaves", (58, 128, 44), "dots", edge=0.2),
    Kind(54, "pine_leaves", (36, 92, 72), "dots", edge=0.2),
    Kind(55, "cactus", (44, 140, 64), "stripes"),
    # Mazes: corridors, and walls that tell the rooms apart.
    Kind(56, "maze_wall", (150, 146, 140), "bricks", edge=0.2, breakable=False),
    Kind(57, "maze_floor", (120, 108, 96), "panel", edge=0.25, breakable=False),
    Kind(58, "maze_roof", (226, 222, 212), "soft", edge=0.2, breakable=False),
    Kind(59, "red_room", (206, 72, 64), "bricks", edge=0.2, breakable=False),
    Kind(60, "orange_room", (224, 146, 70), "diagonal", edge=0.2, breakable=False),
    Kind(61, "yellow_room", (226, 204, 90), "waves", edge=0.2, breakable=False),
    Kind(62, "green_room", (96, 176, 84), "dots", edge=0.2, breakable=False),
    Kind(63, "teal_room", (70, 170, 160), "panel", edge=0.2, breakable=False),
    Kind(64, "blue_room", (80, 116, 208), "bricks", edge=0.2, breakable=False),
    Kind(65, "purple_room", (146, 96, 190), "diagonal", edge=0.2, breakable=False),
    Kind(66, "pink_room", (226, 140, 180), "waves", edge=0.2, breakable=False),
    # What tasks put down.
    Kind(67, "pad", (250, 220, 60), "panel", edge=0.5, breakable=False),
    Kind(68, "red_beacon", (255, 80, 70), "glow", edge=0.05, breakable=False, glows=True),
    Kind(69, "blue_beacon", (70, 120, 255), "glow", edge=0.05, breakable=False, glows=True),
    Kind(70, "green_beacon", (70, 230, 90), "glow", edge=0.05, breakable=False, glows=True),
    Kind(71, "violet_beacon", (190, 90, 255), "glow", edge=0.05, breakable=False, glows=True),
)
# fmt: on
AIR, BEDROCK, GRASS, SAND, NORTH_WALL, EAST_WALL, SOUTH_WALL, WEST_WALL = range(8)
HOTBAR = (8, 9, 10)
OBJECT_COLOURS = (11, 12, 13, 14, 15, 16)
COLOURS = HOTBAR + OBJECT_COLOURS  # kinds that are named after their colour
GEM, BEACON, CANVAS = 17, 18, 19
DOOR_ACROSS_X, DOOR_ACROSS_Z, PLANKS, CAKE = 20, 22, 24, 25
FIRST_COLOURED_BEACON, LAST_COLOURED_BEACON = 68, 71
SWITCH_OFF, SWITCH_ON, LAMP_OFF, LAMP_ON, PLASTER, TILES = 32, 33, 34, 35, 36, 37

KIND_COUNT = max(kind.number for kind in KINDS) + 1
NAMES = {kind.number: kind.name for kind in KINDS}
NUMBER = {kind.name: kind.number for kind in reversed(KINDS)}  # the first of its name
NUMBER_IN_STATE = {kind.seen_as: kind.number for kind in reversed(KINDS) if kind.seen_as}
BY_NUMBER = {kind.number: kind for kind in KINDS}
assert len(BY_NUMBER) == len(KINDS), "two kinds have the same number"


class Tables(NamedTuple):
    """Properties by kind number, handed to kernels (a constant compiled in would outlive a change of the table)."""

    breakable: NDArray[np.bool_]
    glows: NDArray[np.bool_]
    solid: NDArray[np.bool_]
    liquid: NDArray[np.bool_]
    falls: NDArray[np.bool_]
    whole: NDArray[np.bool_]  # fills its cell
    box: NDArray[np.float64]  # (kinds, 6)
    use: NDArray[np.int64]
    becomes: NDArray[np.int64]


def _column(name: str, nothing: object, dtype: type) -> NDArray:
    values = [getattr(BY_NUMBER[n], name) if n in BY_NUMBER else nothing for n in range(KIND_COUNT)]
    column: NDArray = np.array(values, dtype)
    column.setflags(write=False)
    return column


_BOX = _column("box", WHOLE, np.float64)
TABLES = Tables(
    breakable=_column("breakable", False, np.bool_),
    glows=_column("glows", False, np.bool_),
    solid=_column("solid", False, np.bool_),
    liquid=_column("liquid", False, np.bool_),
    falls=_column("falls", False, np.bool_),
    whole=np.array((_BOX == WHOLE).all(1)),
    box=_BOX,
    use=_column("use", PLACE, np.int64),
    becomes=_column("becomes", AIR, np.int64),
)
