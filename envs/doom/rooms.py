"""Levels of our own, another one for every episode: a hall of pillars, a winding corridor, rooms behind doors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from envs.doom.scripts import compiled
from envs.doom.udmf import CELL, EXIT_NORMAL, SOLID, GridMap, Sector, Thing
from envs.doom.wad import write_wad

ITEM_REWARD = 0.1  # for a bonus picked up
GOAL_REWARD = 1.0  # for the vest that ends the level
TEXT_BYTES = 1 << 16

PLAYER, VEST, BARREL = 1, 2018, 2035
BONUSES = (2014, 2015)  # potion of health, helmet
LANDMARKS = (2028, 30, 41, 44, 45, 46, 35, 48)  # lamps, columns, torches: they stay where they are
WALLS = ("BRICK9", "STARTAN2", "MARBLE1", "METAL1", "WOOD1", "STONE2", "REDWALL", "TEKWALL1", "BROWN1", "BIGBRIK1")
PILLARS = ("REDWALL", "MARBLE1", "WOOD1", "METAL1", "COMPTALL", "TEKWALL1", "GRAYTALL", "BRONZE1")
FLOORS = ("FLOOR0_1", "FLOOR4_8", "FLAT5_4", "FLOOR7_1", "FLAT14", "GRASS1", "MFLR8_1", "FLOOR1_1")
CEILINGS = ("CEIL3_5", "FLAT1", "CEIL1_1", "FLAT19", "CEIL5_1", "RROCK03")
DOORS = ("BIGDOOR2", "BIGDOOR4", "BIGDOOR6", "BIGDOOR7")


def pillars(rng: np.random.Generator) -> GridMap:
    """One hall with pillars and free-standing walls to look around, landmarks and bonuses among them."""
    width, height = int(rng.integers(22, 34)), int(rng.integers(18, 28))
    level = _solid(width, height, rng)
    level.fill(1, 1, width - 2, height - 2, _sector(rng))
    for _ in range(int(rng.integers(5, 10))):
        _put_block(level, rng, 2, 2)
    for _ in range(int(rng.integers(2, 4))):
        long = int(rng.integers(4, 7))
        _put_block(level, rng, *((long, 1) if rng.random() < 0.5 else (1, long)))
    places = _free_places(level, rng)
    _put_player(level, places, rng)
    _put(level, places, [int(rng.choice(LANDMARKS)) for _ in range(6)])
    _put(level, places, [int(rng.choice(BONUSES)) for _ in range(10)])
    return level


def corridor(rng: np.random.Generator) -> GridMap:
    """A winding way with doors across it, bonuses along it and the vest at its end."""
    pitch, columns, rows = 7, 5, 4  # cells from turn to turn, and how many turns there can be
    way = _self_avoiding_walk(columns, rows, int(rng.integers(7, 12)), rng)
    level = _solid(pitch * columns + 1, pitch * rows + 1, rng)
    hall = _sector(rng)
    corners = [(pitch * i + 2, pitch * j + 2) for i, j in way]
    for (x, y), (nx, ny) in pairwise(corners):
        level.fill(min(x, nx), min(y, ny), abs(nx - x) + 4, abs(ny - y) + 4, hall)
    for i in range(1, len(corners) - 1, 2):
        (x, y), (nx, ny) = corners[i], corners[i + 1]
        beyond = {(1, 0): (x + 5, y, 1, 4), (-1, 0): (x - 2, y, 1, 4), (0, 1): (x, y + 5, 4, 1), (0, -1): (x, y - 2, 4, 1)}  # fmt: skip  # noqa: E501
        level.fill(*beyond[int(np.sign(nx - x)), int(np.sign(ny - y))], _door(hall, rng))
    middles = [((x + 2) * CELL, (y + 2) * CELL) for x, y in corners]
    ahead = np.rad2deg(np.arctan2(middles[1][1] - middles[0][1], middles[1][0] - middles[0][0]))
    level.things.append(Thing(PLAYER, *middles[0], angle_deg=int(ahead) % 360))
    for x, y in middles[1:-1]:
        level.things.append(Thing(int(rng.choice(BONUSES)), x, y, tid=len(level.things)))
    for x, y in corners[1:-1:2]:
        level.things.append(Thing(int(rng.choice(LANDMARKS)), x * CELL + 16, y * CELL + 16, tid=len(level.things)))
    level.things.append(Thing(VEST, *middles[-1], tid=len(level.things), special=EXIT_NORMAL))
    return level


def rooms(rng: np.random.Generator) -> GridMap:
    """Six rooms, each with its own walls and floor, joined by doors; barrels to shoot, bonuses, and the vest."""
    pitch, columns, rows = 11, 3, 2
    level = _solid(pitch * columns + 1, pitch * rows + 1, rng)
    looks = rng.permutation(len(WALLS))
    for i in range(columns):
        for j in range(rows):
            level.walls[pitch * i : pitch * (i + 1), pitch * j : pitch * (j + 1)] = WALLS[looks[i * rows + j]]
            level.fill(pitch * i + 1, pitch * j + 1, pitch - 1, pitch - 1, _sector(rng))
    walls = [((i, j), (i + 1, j)) for i in range(columns - 1) for j in range(rows)]
    walls += [((i, 0), (i, 1)) for i in range(columns)]
    joined = {(i, j): {(i, j)} for i in range(columns) for j in range(rows)}
    for index in rng.permutation(len(walls)).tolist():
        (i, j), there = walls[index]
        apart = joined[i, j] is not joined[there]
        if not apart and rng.random() < 0.5:
            continue
        if apart:
            joined[i, j] |= joined[there]
            for room in joined[there]:
                joined[room] = joined[i, j]
        offset = int(rng.integers(2, pitch - 5))
        sector = _door(level.sectors[0], rng)
        if there[0] > i:
            level.fill(pitch * (i + 1), pitch * j + offset, 1, 3, sector)
        else:
            level.fill(pitch * i + offset, pitch * (j + 1), 3, 1, sector)
    for i in range(columns):
        for j in range(rows):
            if rng.random() < 0.6:
                x, y = pitch * i + int(rng.integers(4, 7)), pitch * j + int(rng.integers(4, 7))
                level.block(x, y, 1, 1, str(rng.choice(PILLARS)))
    places = _free_places(level, rng)
    _put_player(level, places, rng)
    _put(level, places, [BARREL] * 6 + [int(rng.choice(LANDMARKS)) for _ in range(5)])
    _put(level, places, [int(rng.choice(BONUSES)) for _ in range(8)])
    start = level.things[0]
    far = max(places[:12], key=lambda place: (place[0] - start.x) ** 2 + (place[1] - start.y) ** 2)
    level.things.append(Thing(VEST, *far, tid=len(level.things), special=EXIT_NORMAL))
    return level


def room_wad(text: str) -> bytes:
    """A WAD with the level ``text`` and our scripts; its lumps lie at the same places whatever the level."""
    data = text.encode()
    assert len(data) <= TEXT_BYTES, f"{len(data)} bytes of level"
    lumps = [("MAP01", b""), ("TEXTMAP", data.ljust(TEXT_BYTES)), ("BEHAVIOR", compiled()), ("ENDMAP", b"")]
    return write_wad(lumps)


def _solid(width: int, height: int, rng: np.random.Generator) -> GridMap:
    level = GridMap(width, height)
    level.block(0, 0, width, height, str(rng.choice(WALLS)))
    return level


def _sector(rng: np.random.Generator) -> Sector:
    floor, ceiling = str(rng.choice(FLOORS)), str(rng.choice(CEILINGS))
    return Sector(0, int(rng.choice((112, 128, 144))), floor, ceiling, light=int(rng.integers(160, 240)))


def _door(hall: Sector, rng: np.random.Generator) -> Sector:
    texture = str(rng.choice(DOORS))
    return Sector(0, 112, hall.floor_texture, hall.ceiling_texture, hall.light, is_door=True, door_texture=texture)


def _put_block(level: GridMap, rng: np.random.Generator, width: int, height: int) -> None:
    """A solid block somewhere with three free cells all around, unless some tries find no such place."""
    for _ in range(20):
        x = int(rng.integers(4, level.width - width - 4))
        y = int(rng.integers(4, level.height - height - 4))
        if (level.cells[x - 3 : x + width + 3, y - 3 : y + height + 3] != SOLID).all():
            level.block(x, y, width, height, str(rng.choice(PILLARS)))
            return


def _free_places(level: GridMap, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Middles of cells with free neighbours, in random order, three cells or more from one another."""
    is_room = np.array([not sector.is_door for sector in level.sectors])
    free = (level.cells != SOLID) & is_room[level.cells]
    roomy = np.asarray(sliding_window_view(np.pad(free, 1, constant_values=True), (3, 3)).all(axis=(2, 3)))
    places: list[tuple[float, float]] = []
    for i, j in rng.permutation(np.argwhere(free)).tolist():
        if roomy[i, j]:
            places.append(((i + 0.5) * CELL, (j + 0.5) * CELL))
            roomy[max(i - 2, 0) : i + 3, max(j - 2, 0) : j + 3] = False  # all that is nearer than three cells
    return places


def _put_player(level: GridMap, places: list[tuple[float, float]], rng: np.random.Generator) -> None:
    level.things.append(Thing(PLAYER, *places.pop(), angle_deg=int(rng.integers(360))))


def _put(level: GridMap, places: list[tuple[float, float]], types: list[int]) -> None:
    """Things of these types at the next places, as long as there are any."""
    for kind in types[: max(0, len(places) - 4)]:
        level.things.append(Thing(kind, *places.pop(), tid=len(level.things)))


def _self_avoiding_walk(columns: int, rows: int, length: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """A walk on a grid that visits no cell twice, of ``length`` cells."""
    while True:
        walk = [(int(rng.integers(columns)), int(rng.integers(rows)))]
        while len(walk) < length:
            i, j = walk[-1]
            near = [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
            near = [(a, b) for a, b in near if 0 <= a < columns and 0 <= b < rows and (a, b) not in walk]
            if not near:
                break
            walk.append(near[int(rng.integers(len(near)))])
        if len(walk) == length:
            return walk
