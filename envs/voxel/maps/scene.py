"""``voxel/scene``: an open place made for text: one biome, one hour, one coloured thing in view at the start.

The ground is level around the thing, so that commands are carried out cleanly; hills and plants are further away.
Each attribute has a stream of its own: two places of a seed that differ in one attribute share everything else.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from envs.voxel.kinds import LAMP_ON, NUMBER
from envs.voxel.light import DUSK, NIGHT, NOON, time_of_day
from envs.voxel.map import Map
from envs.voxel.maps import terrain
from envs.voxel.maps.terrain import DESERT, FOREST, PLAINS, SIZE, SNOW, Land
from envs.voxel.state import World
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.seeding import stream

BIOMES = {"meadow": PLAINS, "desert": DESERT, "snow": SNOW, "forest": FOREST}
COLOURS = ("red", "blue", "orange", "purple", "cyan", "lime")
SHAPES = ("pillar", "cube", "wall", "arch")
TIMES = {"day": NOON, "dusk": DUSK, "night": NIGHT}
# Biome and colour that combinations="train" never shows together, so that a model can be asked for something new.
HELD_OUT = (("desert", "purple"), ("snow", "red"), ("meadow", "cyan"), ("forest", "orange"))
COMBINATIONS = ("all", "train", "held_out")

GROUND_Y = 8
LEVEL_M = 13.0  # around the thing the ground is flat
DISTANCE_M = (4.5, 7.0)
CLEAR_M = 2.6  # no plant is nearer to the line from the start to the thing
PLACES = {"meadow": "a meadow", "desert": "a desert", "snow": "a snowy plain", "forest": "a forest"}
HOURS = {"day": "by day", "dusk": "at dusk", "night": "at night", "dawn": "at dawn"}


def generate(
    seed: int,
    biome: str = "any",
    colour: str = "any",
    shape: str = "any",
    time: str = "any",
    combinations: str = "all",
    spread_deg: float = 24.0,
) -> Map:
    """The place of ``seed``; an attribute that is "any" is drawn.

    ``combinations`` says which pairs of biome and colour are drawn: "all", "train" (all but HELD_OUT) or "held_out".
    The thing stands up to ``spread_deg`` to the left or right of straight ahead (a 64x64 picture shows 35 each way).
    Raises UnknownNameError for a name, WorldsimError for a pair that ``combinations`` leaves out.
    """
    biome, colour = _pair(seed, biome, colour, combinations)
    shape = _drawn(seed, "shape", shape, SHAPES)
    time = _drawn(seed, "time", time, tuple(TIMES))
    if not 0 <= spread_deg <= 60:
        raise WorldsimError(f"spread_deg is from 0 to 60; got {spread_deg}")
    rng = stream(seed, "voxel", "scene", "layout")
    distance_m, bearing_deg = float(rng.uniform(*DISTANCE_M)), float(rng.uniform(-1, 1)) * spread_deg
    yaw_deg = float(rng.uniform(-180, 180))
    pitch_down_deg, height = float(rng.uniform(2, 8)), int(rng.integers(3, 5))
    heading = np.radians(yaw_deg + bearing_deg)
    ahead = np.array([-np.sin(heading), np.cos(heading)])
    broad_x = bool(abs(ahead[1]) > abs(ahead[0]))  # the thing turns its broad side to who looks at it
    low, cells = _thing(shape, height, broad_x)
    centre = low + np.ptp([(x, z) for x, _, z in cells], axis=0) / 2 + 0.5
    start = centre - distance_m * ahead
    made = Map.empty(SIZE)
    land = _land(stream(seed, "voxel", "scene", "land"), BIOMES[biome], start, centre)
    terrain.fill(made, land)
    made.add_cells(f"{colour}_{shape}", [(NUMBER[colour], (low[0] + x, GROUND_Y + y, low[1] + z)) for x, y, z in cells])
    _light_from_below(made, centre)
    terrain.plant(made, land, stream(seed, "voxel", "scene", "plants"))
    made.spawn = (float(start[0]), float(GROUND_Y), float(start[1]))
    made.spawn_yaw_deg, made.spawn_pitch_down_deg = yaw_deg, pitch_down_deg
    made.start_hour = TIMES[time]
    made.scene = {"biome": biome, "thing": f"{colour} {shape}"}
    # Between the bands it is neither here nor there.
    sides = {"left": bearing_deg < -12, "middle": abs(bearing_deg) < 6, "right": bearing_deg > 12}
    made.scene_side = next((side for side, is_there in sides.items() if is_there), "")
    return made


def told(scene: dict[str, str], world: World) -> dict[str, str]:
    """What a map tells of itself, with the time of day in its world."""
    return {**scene, "time": time_of_day(world)}


def in_words(scene: dict[str, str], side: str) -> str:
    """A scene as the game tells it: "a snowy plain at night with a red pillar on the left"."""
    article = "an" if scene["thing"][0] in "aeio" else "a"
    where = {"": "", "middle": " in the middle"}.get(side, f" on the {side}")
    return f"{PLACES[scene['biome']]} {HOURS[scene['time']]} with {article} {scene['thing']}{where}"


def from_words(text: str) -> dict[str, str]:
    """The attributes (biome, time, colour, shape) that words like those of :func:`in_words` name, and no others."""
    said = set(re.findall(r"[a-z]+", text.lower()))
    known = {"biome": tuple(BIOMES), "time": tuple(TIMES), "colour": COLOURS, "shape": SHAPES}
    also = {"snow": "snowy"}
    return {what: name for what, names in known.items() for name in names if said & {name, also.get(name, name)}}


def _pair(seed: int, biome: str, colour: str, combinations: str) -> tuple[str, str]:
    for what, name, known in (("biome", biome, BIOMES), ("colour", colour, COLOURS)):
        if name != "any" and name not in known:
            raise UnknownNameError(f"scene {what}", name, ["any", *known])
    if combinations not in COMBINATIONS:
        raise UnknownNameError("choice of combinations", combinations, COMBINATIONS)
    pairs = [
        (b, c)
        for b in BIOMES
        for c in COLOURS
        if biome in ("any", b)
        and colour in ("any", c)
        and (combinations == "all" or ((b, c) in HELD_OUT) == (combinations == "held_out"))
    ]
    if not pairs:
        raise WorldsimError(
            f"biome={biome}, colour={colour} is not among combinations={combinations}; use combinations=all, or "
            f"another pair (held out are {', '.join(' + '.join(pair) for pair in HELD_OUT)})"
        )
    return pairs[int(stream(seed, "voxel", "scene", "pair").integers(len(pairs)))]


def _drawn(seed: int, what: str, wanted: str, known: tuple[str, ...]) -> str:
    if wanted != "any" and wanted not in known:
        raise UnknownNameError(f"scene {what}", wanted, ["any", *known])
    drawn = known[int(stream(seed, "voxel", "scene", what).integers(len(known)))]
    return drawn if wanted == "any" else wanted


def _thing(shape: str, height: int, broad_x: bool) -> tuple[NDArray[np.int64], list[tuple[int, int, int]]]:
    """Where a thing in the middle of the map begins (x, z), and its cells (x, y, z) from there."""
    wide, high, deep = {"pillar": (1, height, 1), "cube": (2, 2, 2), "wall": (4, 2, 1), "arch": (4, 4, 1)}[shape]
    full = [(a, b, c) for a in range(wide) for b in range(high) for c in range(deep)]
    cells = [cell for cell in full if shape != "arch" or cell[0] in (0, wide - 1) or cell[1] == high - 1]
    if not broad_x:
        cells, wide, deep = [(c, b, a) for a, b, c in cells], deep, wide
    return np.array([(SIZE[0] - wide) // 2, (SIZE[2] - deep) // 2]), cells


def _light_from_below(made: Map, centre: NDArray[np.float64]) -> None:
    """A lamp in the ground, out of sight, so that the colour of the thing can be told at night."""
    x, z = centre.astype(int).tolist()
    made.blocks[x, GROUND_Y - 2, z] = LAMP_ON
    made.lamps.append((0, x, GROUND_Y - 2, z))


def _land(rng: np.random.Generator, biome: int, start: NDArray[np.float64], thing: NDArray[np.float64]) -> Land:
    """Level ground around the thing, hills towards the border, no plant between it and the start or close to them."""
    x, z = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[2]) + 0.5, indexing="ij")
    away = np.hypot(x - SIZE[0] / 2, z - SIZE[2] / 2)
    bumps = terrain.value_noise(rng, (SIZE[0], SIZE[2]), 9, octaves=2)
    height = GROUND_Y + np.clip((away - LEVEL_M) / 8, 0, 1) * (1.2 + 2 * bumps)
    share = np.clip(((np.stack([x, z], -1) - start) @ (thing - start)) / float((thing - start) @ (thing - start)), 0, 1)
    line = start + share[..., None] * (thing - start)
    taken = np.hypot(x - line[..., 0], z - line[..., 1]) < CLEAR_M
    return Land(np.round(height).astype(int).clip(GROUND_Y), np.full(x.shape, biome), taken)
