"""Levels written as text in Doom's Universal Doom Map Format, from a grid of square cells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CELL = 32  # map units, one metre
SOLID = -1
DOOR_RAISE = 12  # line special: opens, waits and closes again
EXIT_NORMAL = 243  # special of a thing: picking it up ends the level
DOOR_SPEED, DOOR_WAIT_TICS = 32, 350


@dataclass(frozen=True)
class Sector:
    """Cells of equal heights (map units) and textures; a door is shut until it is used."""

    floor: int
    ceiling: int
    floor_texture: str
    ceiling_texture: str
    light: int = 192
    is_door: bool = False
    door_texture: str = "BIGDOOR2"


@dataclass(frozen=True)
class Thing:
    """Something placed at (x, y) map units; ``type`` is Doom's editor number, ``tid`` what scripts call it."""

    type: int
    x: float
    y: float
    angle_deg: int = 0
    tid: int = 0
    special: int = 0


@dataclass
class GridMap:
    """A level drawn on squared paper: every cell is solid or belongs to a sector."""

    width: int
    height: int
    sectors: list[Sector] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = np.full((self.width, self.height), SOLID)
        self.walls = np.full((self.width, self.height), "BRICK9", dtype="<U8")  # what a solid cell looks like

    def fill(self, x: int, y: int, width: int, height: int, sector: Sector) -> None:
        """Make a rectangle of cells, from (x, y), part of ``sector``."""
        if sector not in self.sectors or sector.is_door:  # each door moves by itself
            self.sectors.append(sector)
        number = len(self.sectors) - 1 if sector.is_door else self.sectors.index(sector)
        self.cells[x : x + width, y : y + height] = number

    def block(self, x: int, y: int, width: int, height: int, texture: str) -> None:
        """Make a rectangle of cells solid, with that texture on its faces."""
        self.cells[x : x + width, y : y + height] = SOLID
        self.walls[x : x + width, y : y + height] = texture

    def is_open(self, x: float, y: float) -> bool:
        """Whether the place (map units) is in a sector."""
        i, j = int(x // CELL), int(y // CELL)
        return 0 <= i < self.width and 0 <= j < self.height and bool(self.cells[i, j] != SOLID)

    def text(self) -> str:
        """The level as UDMF."""
        vertices: dict[tuple[int, int], int] = {}
        lines: list[dict[str, Any]] = []
        sides: list[dict[str, Any]] = []
        for (front, back, texture), start, end in _merged(self._edges()):
            ends = [vertices.setdefault(point, len(vertices)) for point in (start, end)]
            line: dict[str, Any] = {"v1": ends[0], "v2": ends[1], "sidefront": len(sides)}
            if back == SOLID:
                line |= {"blocking": True}
                if self.sectors[front].is_door:
                    line |= {"dontpegbottom": True}  # the door slides along its jambs
                sides.append({"sector": front, "texturemiddle": texture})
            else:
                door = self.sectors[back]
                face = door.door_texture if door.is_door else texture
                line |= {"twosided": True, "sideback": len(sides) + 1}
                if door.is_door:
                    line |= {"special": DOOR_RAISE, "playeruse": True, "repeatspecial": True}
                    line |= {"arg1": DOOR_SPEED, "arg2": DOOR_WAIT_TICS}
                sides += [
                    {"sector": front, "texturetop": face, "texturebottom": texture},
                    {"sector": back, "texturetop": texture, "texturebottom": texture},
                ]
            lines.append(line)
        points = [{"x": float(x * CELL), "y": float(y * CELL)} for x, y in vertices]
        blocks = [("thing", _thing(thing)) for thing in self.things]
        blocks += [("vertex", point) for point in points]
        blocks += [("linedef", line) for line in lines] + [("sidedef", side) for side in sides]
        blocks += [("sector", _sector(sector)) for sector in self.sectors]
        return 'namespace = "zdoom";\n' + "".join(_block(kind, values) for kind, values in blocks)

    def _edges(self) -> Iterable[tuple[tuple[int, int, str], tuple[int, int], tuple[int, int]]]:
        """((front sector, back sector, texture), start, end) of every unit edge; the front is on the right."""
        cells, walls = self.cells.tolist(), self.walls.tolist()  # lists are read faster, one by one
        for x in range(self.width):
            for y in range(self.height):
                here = cells[x][y]
                if here == SOLID:
                    continue
                for nx, ny, start, end in (
                    (x + 1, y, (x + 1, y + 1), (x + 1, y)),
                    (x - 1, y, (x, y), (x, y + 1)),
                    (x, y + 1, (x, y + 1), (x + 1, y + 1)),
                    (x, y - 1, (x + 1, y), (x, y)),
                ):
                    inside = 0 <= nx < self.width and 0 <= ny < self.height
                    there = cells[nx][ny] if inside else SOLID
                    if there == SOLID:
                        yield (here, SOLID, walls[nx][ny] if inside else "BRICK9"), start, end
                    elif here != there and self._is_front(here, there):
                        yield (here, there, walls[x][y]), start, end

    def _is_front(self, here: int, there: int) -> bool:
        """Doors are used from the front of their lines, so they are always at the back."""
        doors = self.sectors[here].is_door, self.sectors[there].is_door
        return doors[1] if doors[0] != doors[1] else here < there


def _merged(
    edges: Iterable[tuple[tuple[int, int, str], tuple[int, int], tuple[int, int]]],
) -> list[tuple[tuple[int, int, str], tuple[int, int], tuple[int, int]]]:
    """Unit edges of the same kind that continue one another as one line each."""
    from_start = {(kind, start, end[0] - start[0], end[1] - start[1]): end for kind, start, end in edges}
    continued = {(kind, end, dx, dy) for (kind, _, dx, dy), end in from_start.items()}
    lines = []
    for (kind, start, dx, dy), first_end in from_start.items():
        if (kind, start, dx, dy) in continued:
            continue
        end = first_end
        while (kind, end, dx, dy) in from_start:
            end = from_start[kind, end, dx, dy]
        lines.append((kind, start, end))
    return lines


def _thing(thing: Thing) -> dict[str, Any]:
    values: dict[str, Any] = {"x": float(thing.x), "y": float(thing.y), "angle": thing.angle_deg, "type": thing.type}
    if thing.tid:
        values["id"] = thing.tid
    if thing.special:
        values["special"] = thing.special
    skills = {f"skill{level}": True for level in range(1, 6)}
    return values | skills | {"single": True, "class1": True}


def _sector(sector: Sector) -> dict[str, Any]:
    return {
        "heightfloor": sector.floor,
        "heightceiling": sector.floor if sector.is_door else sector.ceiling,
        "texturefloor": sector.floor_texture,
        "textureceiling": sector.ceiling_texture,
        "lightlevel": sector.light,
    }


def _block(kind: str, values: dict[str, Any]) -> str:
    return f"{kind}{{{''.join(f'{key}={_value(value)};' for key, value in values.items())}}}\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
