"""``voxel/terrain``: a valley between hills, with biomes, trees, water, animals and a beacon on a height.

Heights are value noise (lattice noise with smooth interpolation, in octaves); biomes are the cells of a warped Voronoi
diagram, one site at least for each, so that every map has them all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.voxel import creatures
from envs.voxel.kinds import AIR, BEACON, BEDROCK, GEM, NAMES, NUMBER, OBJECT_COLOURS
from envs.voxel.map import Map
from worldsim.core.seeding import stream

SIZE = (48, 24, 48)
WATER_TOP = 6  # cells below this height are water where the ground is lower
LOWEST, HIGHEST = 5, 15  # heights of the ground: the first free cell of a column
BEACON_HEIGHT = 6
GEMS, ITEMS, CREATURES = 8, 4, 6
ANIMALS = ("pig", "sheep", "slime")
TREE_LINE = 11  # no plant stands higher

PLAINS, FOREST, DESERT, SNOW = range(4)
GROUND = {PLAINS: "grass", FOREST: "moss", DESERT: "sand", SNOW: "snow"}
BELOW = {PLAINS: "dirt", FOREST: "dirt", DESERT: "sandstone", SNOW: "dirt"}
PLANTS_PER_COLUMN = {PLAINS: 0.010, FOREST: 0.055, DESERT: 0.014, SNOW: 0.020}
HILLS_M = {PLAINS: 2.0, FOREST: 3.5, DESERT: 2.5, SNOW: 6.0}


@dataclass
class Land:
    """What the generator knows of each column (x, z): its first free cell, its biome, and whether it is taken."""

    height: NDArray[np.int64]
    biome: NDArray[np.int64]
    taken: NDArray[np.bool_]

    def wet(self) -> NDArray[np.bool_]:
        return self.height < WATER_TOP


def generate(seed: int) -> Map:
    """The landscape of ``seed``; the beacon can be walked to from where the player starts."""
    rng = stream(seed, "voxel", "terrain")
    made = Map.empty(SIZE)
    land = _shape(rng)
    fill(made, land)
    spawn, beacon = _ends_of_a_walk(land, rng)
    for x, z in (spawn, beacon):
        land.taken[x - 1 : x + 2, z - 1 : z + 2] = True
    x, z = beacon
    made.add("beacon", BEACON, (x, int(land.height[x, z]), z), (1, BEACON_HEIGHT, 1))
    plant(made, land, rng)
    for _ in range(GEMS):
        x, z = _free_column(land, rng)
        land.taken[x, z] = True
        made.add("gem", GEM, (x, int(land.height[x, z]), z), (1, 1, 1))
    for _ in range(ITEMS):
        kind = int(rng.choice(OBJECT_COLOURS))
        made.add_entity(f"{NAMES[kind]}_item", creatures.item(kind, *_on(land, _free_column(land, rng))))
    for species in rng.choice(sorted(ANIMALS), CREATURES).tolist():
        place = _on(land, _free_column(land, rng))
        made.add_entity(species, creatures.creature(species, *place, yaw_deg=float(rng.uniform(-180, 180))))
    made.spawn = (spawn[0] + 0.5, float(land.height[spawn]), spawn[1] + 0.5)
    middle = np.degrees(np.arctan2(-(SIZE[0] / 2 - made.spawn[0]), SIZE[2] / 2 - made.spawn[2]))
    made.spawn_yaw_deg = float((middle + rng.uniform(-60, 60) + 180) % 360 - 180)
    return made


def value_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 3) -> NDArray[np.float64]:
    """Smooth noise (shape) with mean about 0 and values in (-1, 1); ``cell`` is the size of its largest bumps."""
    out, weight, total = np.zeros(shape), 1.0, 0.0
    for octave in range(octaves):
        size = cell / 2**octave
        lattice = rng.uniform(-1, 1, (int(shape[0] / size) + 3, int(shape[1] / size) + 3))
        u, v = ((np.arange(n) / size + rng.random()) for n in shape)
        i, j = u.astype(int), v.astype(int)
        a, b = (
            _smooth(w - k)[:, None] if n == 0 else _smooth(w - k)[None] for n, (w, k) in enumerate([(u, i), (v, j)])
        )
        corner = [[lattice[np.ix_(i + di, j + dj)] for dj in (0, 1)] for di in (0, 1)]
        near = corner[0][0] * (1 - b) + corner[0][1] * b
        far = corner[1][0] * (1 - b) + corner[1][1] * b
        out += weight * (near * (1 - a) + far * a)
        total, weight = total + weight, weight / 2
    return out / total


def _smooth(t: NDArray[np.float64]) -> NDArray[np.float64]:
    return t * t * (3 - 2 * t)


def _shape(rng: np.random.Generator) -> Land:
    """Heights and biomes; the border rises, so that the land is closed by hills and not by an edge."""
    flat = (SIZE[0], SIZE[2])
    x, z = np.meshgrid(np.arange(flat[0]), np.arange(flat[1]), indexing="ij")
    biome = _biomes(rng, x, z)
    roughness = np.choose(biome, [HILLS_M[b] for b in range(4)])
    for _ in range(4):  # hills fade from one biome into the next
        roughness = (roughness + sum(np.roll(roughness, s, a) for s in (-1, 1) for a in (0, 1))) / 5
    height = WATER_TOP + 1.2 + roughness * (value_noise(rng, flat, 13) + 0.15)
    lake = value_noise(rng, flat, 15, octaves=2)
    height -= 4.5 * np.clip(lake - 0.22, 0, 1) * (biome != DESERT)
    border = np.minimum.reduce([x, z, flat[0] - 1 - x, flat[1] - 1 - z])
    height += 0.9 * np.clip(6 - border, 0, None)
    return Land(np.clip(np.round(height), LOWEST, HIGHEST).astype(int), biome, border < 2)


def _biomes(rng: np.random.Generator, x: NDArray[np.int64], z: NDArray[np.int64]) -> NDArray[np.int64]:
    """The biome of each column: that of the nearest of seven sites, seen through a bent coordinate grid."""
    bend_x, bend_z = (4 * value_noise(rng, (SIZE[0], SIZE[2]), 9, octaves=2) for _ in range(2))
    kinds = [*rng.permutation(4).tolist(), *rng.integers(0, 4, 3).tolist()]
    # The first four stand in the four quarters, so that none is crowded out.
    quarters = np.array([(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)])
    first = (quarters + rng.uniform(-0.12, 0.12, (4, 2))) * (SIZE[0], SIZE[2])
    sites = np.concatenate([first, rng.uniform(0, 1, (3, 2)) * (SIZE[0], SIZE[2])])
    distance = [(x + bend_x - a) ** 2 + (z + bend_z - b) ** 2 for a, b in sites]
    return np.array(kinds)[np.argmin(distance, axis=0)]


def fill(made: Map, land: Land) -> None:
    """Put the ground of ``land`` into the map, and water where it is low."""
    y = np.arange(SIZE[1])[None, :, None]
    top = land.height[:, None, :]
    ground = np.choose(land.biome, [NUMBER[GROUND[b]] for b in range(4)])
    below = np.choose(land.biome, [NUMBER[BELOW[b]] for b in range(4)])
    ground = np.where(land.wet(), NUMBER["sand"], np.where(land.height >= 12, NUMBER["stone"], ground))
    ground = np.where((land.height >= 11) & (land.biome == SNOW), NUMBER["snow"], ground)
    blocks = np.where(y < top - 3, NUMBER["stone"], np.where(y < top - 1, below[:, None], ground[:, None]))
    blocks = np.where(y >= top, np.where(y < WATER_TOP, NUMBER["water"], AIR), blocks)
    made.blocks[:] = blocks
    made.blocks[:, 0] = BEDROCK


def _ends_of_a_walk(land: Land, rng: np.random.Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the player starts and where the beacon stands: dry columns with a way of some length between them."""
    middle = np.zeros_like(land.taken)
    middle[6:-6, 6:-6] = True
    while True:
        dry = np.argwhere(middle & ~land.wet())
        spawn = tuple(dry[rng.integers(len(dry))].tolist())
        reached = _walkable_from(land.height, spawn)
        away = np.hypot(*(np.indices(reached.shape) - np.array(spawn)[:, None, None]))
        goals = np.argwhere(reached & middle & ~land.wet() & (away > 14) & (away < 32))
        if len(goals) > 40:
            heights = land.height[tuple(goals.T)]
            high = goals[heights >= np.quantile(heights, 0.7)]
            return spawn, tuple(high[rng.integers(len(high))].tolist())


def _walkable_from(height: NDArray[np.int64], start: tuple[int, int]) -> NDArray[np.bool_]:
    """Columns that one gets to by steps of at most one block up (a jump) or two down, never at the border."""
    reached = np.zeros(height.shape, bool)
    reached[start] = True
    level, front = height.tolist(), [start]
    for x, z in front:
        for nx, nz in ((x + 1, z), (x - 1, z), (x, z + 1), (x, z - 1)):
            inside = 0 < nx < height.shape[0] - 1 and 0 < nz < height.shape[1] - 1
            if inside and not reached[nx, nz] and -2 <= level[nx][nz] - level[x][z] <= 1:
                reached[nx, nz] = True
                front.append((nx, nz))
    return reached


def plant(made: Map, land: Land, rng: np.random.Generator) -> None:
    """Oaks, pines, cactuses and boulders, as the biome has them; each is one object."""
    wanted = rng.random(land.height.shape) < np.choose(land.biome, [PLANTS_PER_COLUMN[b] for b in range(4)])
    wanted &= ~land.wet() & (land.height <= TREE_LINE)
    wanted[:3], wanted[-3:], wanted[:, :3], wanted[:, -3:] = False, False, False, False
    for x, z in rng.permutation(np.argwhere(wanted)).tolist():
        if land.taken[x - 1 : x + 2, z - 1 : z + 2].any():
            continue
        land.taken[x - 1 : x + 2, z - 1 : z + 2] = True
        name, cells = _plant_of(int(land.biome[x, z]), rng)
        made.add_cells(name, [(kind, (x + a, int(land.height[x, z]) + b, z + c)) for kind, (a, b, c) in cells])


def _plant_of(biome: int, rng: np.random.Generator) -> tuple[str, list[tuple[int, tuple[int, int, int]]]]:
    """A plant's class and its cells, relative to where it stands: the kind of block and the offset (x, y, z)."""
    if rng.random() < 0.12:
        return "boulder", [(NUMBER["stone"], (a, b, 0)) for a in range(int(rng.integers(1, 3))) for b in range(2 - a)]
    if biome == DESERT:
        return "cactus", [(NUMBER["cactus"], (0, b, 0)) for b in range(int(rng.integers(2, 4)))]
    if biome == SNOW:
        height = int(rng.integers(4, 6))
        crown = [(2, 1), (3, 1), (height, 0)] if height == 4 else [(2, 1), (4, 1), (height, 0)]
        leaves = [
            (a, b, c) for b, r in crown for a in range(-r, r + 1) for c in range(-r, r + 1) if (a, c) != (0, 0) or not r
        ]
        return "pine_tree", _tree(height, leaves, NUMBER["pine_leaves"])
    height = int(rng.integers(3, 5))
    leaves = [
        (a, b, c)
        for b in (height - 1, height)
        for a in (-1, 0, 1)
        for c in (-1, 0, 1)
        if b == height or (a, c) != (0, 0)
    ]
    leaves += [(0, height + 1, 0)]
    return "oak_tree", _tree(height, leaves, NUMBER["leaves"])


def _tree(height: int, leaves: list[tuple[int, int, int]], kind: int) -> list[tuple[int, tuple[int, int, int]]]:
    return [*((NUMBER["wood"], (0, b, 0)) for b in range(height)), *((kind, cell) for cell in leaves)]


def _free_column(land: Land, rng: np.random.Generator) -> tuple[int, int]:
    free = np.argwhere(~land.taken & ~land.wet())
    return tuple(free[rng.integers(len(free))].tolist())


def _on(land: Land, column: tuple[int, int]) -> tuple[float, float, float]:
    """The place, in m, of what stands in the middle of a column."""
    return column[0] + 0.5, float(land.height[column]), column[1] + 0.5
