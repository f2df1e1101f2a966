"""The shape of a level, read from its UDMF text: lines, and the heights of the sectors on their two sides."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import vizdoom as vzd
from numpy.typing import NDArray

from envs.doom.wad import read_lump

STEP_UNITS = 24  # the highest step a player climbs
PLAYER_UNITS = 56  # how tall a player is
DOOR_SPECIALS = (11, 12)


@dataclass(frozen=True)
class Level:
    """A level in map units. A line's front side is on the right of the way from its start to its end."""

    lines: NDArray[np.float64]  # (N, 4): x1, y1, x2, y2
    front: NDArray[np.int64]  # (N,) sector on the front side
    back: NDArray[np.int64]  # (N,) sector on the back side, -1 for a solid wall
    heights: NDArray[np.float64]  # (S, 2) floor and ceiling of each sector when the level begins
    walls: NDArray[np.float64]  # (M, 4) the lines nobody can walk across, doors taken as open
    doors: NDArray[np.float64]  # (D, 4) the lines that open a door when they are used
    is_door: NDArray[np.bool_]  # (S,) the sectors whose ceilings those lines move

    @cached_property
    def door_middles(self) -> dict[int, tuple[float, float]]:
        """By sector the middle (x, y) of each door."""
        middles = {}
        for sector in np.flatnonzero(self.is_door).tolist():
            lines = self.lines[(self.front == sector) | (self.back == sector)].reshape(-1, 2)
            x, y = ((lines.min(axis=0) + lines.max(axis=0)) / 2).tolist()
            middles[sector] = (x, y)
        return middles


def read_level(name: str) -> Level:
    """The level of the bundled ViZDoom scenario ``name``."""
    with open(os.path.join(vzd.scenarios_path, f"{name}.wad"), "rb") as file:
        return parse_level(read_lump(file.read(), "TEXTMAP").decode("ascii"))


def parse_level(text: str) -> Level:
    """The level that a UDMF ``text`` describes."""
    blocks: dict[str, list[dict[str, str]]] = {"vertex": [], "linedef": [], "sidedef": [], "sector": []}
    for kind, body in re.findall(r"(vertex|linedef|sidedef|sector)\b[^{;]*\{([^}]*)\}", text):
        blocks[kind].append(dict(re.findall(r"(\w+)\s*=\s*([^;]+);", body)))
    points = np.array([(float(vertex["x"]), float(vertex["y"])) for vertex in blocks["vertex"]])
    side_sector = [int(side["sector"]) for side in blocks["sidedef"]]
    lines = np.array([[*points[int(line["v1"])], *points[int(line["v2"])]] for line in blocks["linedef"]])
    front = np.array([side_sector[int(line["sidefront"])] for line in blocks["linedef"]])
    back = np.array([side_sector[int(line.get("sideback", -1))] if line.get("twosided") else -1 for line in blocks["linedef"]])  # fmt: skip  # noqa: E501
    heights = np.array([[float(sector.get(f"height{what}", 0)) for what in ("floor", "ceiling")] for sector in blocks["sector"]])  # fmt: skip  # noqa: E501
    opens = np.array([int(line.get("special", 0)) in DOOR_SPECIALS for line in blocks["linedef"]])
    is_door = np.isin(np.arange(len(heights)), back[opens])
    one, other = heights[front], heights[back]
    step = np.abs(one[:, 0] - other[:, 0])
    opening = np.minimum(one[:, 1], other[:, 1]) - np.maximum(one[:, 0], other[:, 0])
    shut = (back < 0) | (~opens & ((step > STEP_UNITS) | (opening < PLAYER_UNITS)))
    shut |= np.array([line.get("blocking") == "true" for line in blocks["linedef"]])
    return Level(lines, front, back, heights, lines[shut], lines[opens], is_door)
