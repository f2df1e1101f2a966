"""The shape of a level, read from its UDMF text: walls, floor and ceiling."""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass

import numpy as np
import vizdoom as vzd
from numpy.typing import NDArray

from envs.doom.scenarios import Scenario


@dataclass(frozen=True)
class Level:
    """A level of one storey, in map units."""

    walls: NDArray[np.float64]  # (N, 4): x1, y1, x2, y2
    floor_height: float
    ceiling_height: float


def read_level(scenario: Scenario) -> Level:
    """The level of a bundled scenario whose floors are all equally high, as are its ceilings."""
    with open(os.path.join(vzd.scenarios_path, f"{scenario.name}.wad"), "rb") as file:
        wad = file.read()
    count, directory = struct.unpack("<ii", wad[4:12])
    lumps = [struct.unpack("<ii8s", wad[directory + 16 * i : directory + 16 * i + 16]) for i in range(count)]
    start, size = next((start, size) for start, size, name in lumps if name.rstrip(b"\0") == b"TEXTMAP")
    blocks: dict[str, list[dict[str, str]]] = {"vertex": [], "linedef": [], "sector": []}
    for kind, body in re.findall(
        r"(vertex|linedef|sector)\b[^{;]*\{([^}]*)\}", wad[start : start + size].decode("ascii")
    ):
        blocks[kind].append(dict(re.findall(r"(\w+)\s*=\s*([^;]+);", body)))
    points = np.array([(float(vertex["x"]), float(vertex["y"])) for vertex in blocks["vertex"]])
    # Lines with two sides are the borders between sectors; one walks and sees through them.
    solid = [(int(line["v1"]), int(line["v2"])) for line in blocks["linedef"] if not line.get("twosided")]
    walls = np.concatenate([points[[a for a, _ in solid]], points[[b for _, b in solid]]], axis=1)
    (floor,) = {float(sector.get("heightfloor", 0)) for sector in blocks["sector"]}
    (ceiling,) = {float(sector.get("heightceiling", 0)) for sector in blocks["sector"]}
    return Level(walls, floor, ceiling)
