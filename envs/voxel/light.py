"""Day and night: what the hour does to a frame that was drawn as at noon.

From about 8 to 16 o'clock the light is noon's and nothing is changed. Around it the sky turns to dusk and then to
night, surfaces darken, and lit lamps light what is near them (through walls as well: there are no shadows).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.voxel.motion import axes
from envs.voxel.state import DAY_LENGTH_STEPS, PITCH, START_HOUR, STEPS, YAW, World

LAMP_REACH_M = 7.0
NOON, DUSK, NIGHT = 12.0, 17.5, 0.0  # hours
_NIGHT = (0.16, 0.19, 0.32)
_NIGHT_SKY = (0.05, 0.07, 0.18)
_DUSK = (1.0, 0.80, 0.62)


@njit(cache=True)
def hour(world):
    """The hour of the day, 0 to 24."""
    length = world.rules[DAY_LENGTH_STEPS]
    passed = 24.0 * world.counters[STEPS] / length if length > 0 else 0.0
    return (world.rules[START_HOUR] + passed) % 24.0


@njit(cache=True)
def daylight(hour_of_day):
    """How much of noon's light there is, 0 to 1, and how red it is, 0 to 1."""
    height = math.sin(math.pi * (hour_of_day - 6.0) / 12.0)  # of the sun
    share = min(max((height + 0.2) / 0.6, 0.0), 1.0)
    return share * share * (3 - 2 * share), max(0.0, 1.0 - abs(height - 0.05) / 0.3)


def time_of_day(world: World) -> str:
    """The light of the hour in a word: "day", "dusk", "night" or "dawn"."""
    now = hour(world)
    day, dusk = daylight(now)
    if dusk >= 0.4:
        return "dusk" if now > 12 else "dawn"
    return "day" if day >= 0.5 else "night"


@njit(cache=True)
def apply_light(world, tables, px, py, pz, focal, frame, depth, glow):
    """Change ``frame`` to the light of the hour; ``depth`` and ``glow`` say what is sky and what gives light."""
    day, dusk = daylight(hour(world))
    if day >= 1.0 and dusk <= 0.0:
        return
    rows, columns = depth.shape
    cx, cy = (columns - 1) / 2, (rows - 1) / 2
    rx, ry, rz, wx, wy, wz, fx, fy, fz = axes(world.body[YAW], world.body[PITCH])
    lit = np.empty(world.lamps.shape[0], np.bool_)
    for i in range(len(lit)):
        lit[i] = tables.glows[world.blocks[world.lamps[i, 1], world.lamps[i, 2], world.lamps[i, 3]]]
    for v in range(rows):
        b = (v - cy) / focal
        for u in range(columns):
            if glow[v, u]:
                continue
            t = depth[v, u]
            lamp = 0.0
            if t < np.inf:
                a = (u - cx) / focal
                x = px + t * (fx + a * rx + b * wx)
                y = py + t * (fy + a * ry + b * wy)
                z = pz + t * (fz + a * rz + b * wz)
                for i in range(len(lit)):
                    if lit[i]:
                        dx, dy, dz = (
                            world.lamps[i, 1] + 0.5 - x,
                            world.lamps[i, 2] + 0.5 - y,
                            world.lamps[i, 3] + 0.5 - z,
                        )
                        near = 1.0 - math.sqrt(dx * dx + dy * dy + dz * dz) / LAMP_REACH_M
                        if near > 0:
                            lamp += near * near
            for c in range(3):
                dark = _NIGHT[c] if t < np.inf else _NIGHT_SKY[c]
                light = (dark + (1.0 - dark) * day) * (1.0 - dusk + dusk * _DUSK[c])
                light += lamp * (1.0, 0.86, 0.62)[c]
                frame[v, u, c] = np.uint8(min(frame[v, u, c] * min(light, 1.0), 255.0))
