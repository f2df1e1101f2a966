"""Draws what moves (creatures, items, falling blocks, sliding walls) over the blocks, box by box, where it is nearer.

Only the pixels that a box can cover are looked at: the rectangle around its projected corners.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.voxel.motion import axes
from envs.voxel.rays import enter_box
from envs.voxel.state import (
    CREATURE,
    FALLING,
    FLASH,
    HALF_X,
    HALF_Z,
    HEAD_LOOK,
    HEIGHT_Y,
    ID,
    LOOK,
    PITCH,
    SORT,
    YAW,
    X,
    Y,
    Z,
)  # fmt: skip

_NEAR_M = 0.05
_FOG, _FOG_MOST = 0.016, 0.45  # as in envs.voxel.render


@njit(cache=True)
def draw_entities(world, tables, textures, px, py, pz, focal, frame, depth, instance, glow):
    """Draw every entity into the buffers that hold the blocks."""
    entities = world.entities
    for i in range(entities.shape[0]):
        row = entities[i]
        if row[SORT] == 0:
            continue
        x, y, z, half, height, half_z = row[X], row[Y], row[Z], row[HALF_X], row[HEIGHT_Y], row[HALF_Z]
        number, look, hurt = int(row[ID]), int(row[LOOK]), row[FLASH] > 0
        eye = (px, py, pz, focal)
        if row[SORT] == CREATURE:
            yaw = math.radians(row[YAW])
            ahead = 0.85 * half
            head_x, head_z = x - math.sin(yaw) * ahead, z + math.cos(yaw) * ahead
            body = (x, y + 0.36 * height, z, 0.8 * half, 0.36 * height, half, yaw)
            head = (head_x, y + 0.75 * height, head_z, 0.55 * half, 0.25 * height, 0.55 * half, yaw)
            _draw_box(world, tables, textures, eye, body, look, number, hurt, frame, depth, instance, glow)
            _draw_box(
                world, tables, textures, eye, head, int(row[HEAD_LOOK]), number, hurt, frame, depth, instance, glow
            )
        elif row[SORT] == FALLING:
            box = (x, y + 0.5, z, 0.5, 0.5, 0.5, 0.0)
            _draw_box(world, tables, textures, eye, box, look, number, hurt, frame, depth, instance, glow)
        else:
            box = (x, y + height / 2, z, half, height / 2, half_z, 0.0)
            _draw_box(world, tables, textures, eye, box, look, number, hurt, frame, depth, instance, glow)


@njit(cache=True, error_model="numpy")
def _draw_box(world, tables, textures, eye, box, look, number, hurt, frame, depth, instance, glow):
    """One box (middle, half sizes, yaw) that looks like the kind ``look``."""
    rows, columns = depth.shape
    px, py, pz, focal = eye
    bx, by, bz, half_x, half_y, half_z, yaw = box
    rx, ry, rz, wx, wy, wz, fx, fy, fz = axes(world.body[YAW], world.body[PITCH])
    cx, cy = (columns - 1) / 2, (rows - 1) / 2
    sin, cos = math.sin(yaw), math.cos(yaw)
    # The rectangle of pixels the box can cover.
    u0, u1, v0, v1 = np.inf, -np.inf, np.inf, -np.inf
    behind = 0
    for corner in range(8):
        a = half_x if corner & 1 else -half_x
        b = half_y if corner & 2 else -half_y
        c = half_z if corner & 4 else -half_z
        x, y, z = bx + cos * a - sin * c - px, by + b - py, bz + sin * a + cos * c - pz
        deep = x * fx + y * fy + z * fz
        if deep < _NEAR_M:
            behind += 1
            continue
        u = cx + focal * (x * rx + y * ry + z * rz) / deep
        v = cy + focal * (x * wx + y * wy + z * wz) / deep
        u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
    if behind == 8:
        return
    if behind:
        u0, u1, v0, v1 = 0.0, columns - 1.0, 0.0, rows - 1.0
    first_u, last_u = int(max(math.floor(u0), 0)), int(min(math.ceil(u1), columns - 1))
    first_v, last_v = int(max(math.floor(v0), 0)), int(min(math.ceil(v1), rows - 1))
    # The eye as the box sees it.
    lx, ly, lz = cos * (px - bx) + sin * (pz - bz), py - by, -sin * (px - bx) + cos * (pz - bz)
    for v in range(first_v, last_v + 1):
        b = (v - cy) / focal
        for u in range(first_u, last_u + 1):
            a = (u - cx) / focal
            dx, dy, dz = fx + a * rx + b * wx, fy + a * ry + b * wy, fz + a * rz + b * wz
            ex, ez = cos * dx + sin * dz, -sin * dx + cos * dz
            t, axis = enter_box(lx, ly, lz, ex, dy, ez, -half_x, -half_y, -half_z, half_x, half_y, half_z)
            if t < _NEAR_M or not t < depth[v, u]:
                continue
            depth[v, u] = t
            instance[v, u] = number
            glow[v, u] = tables.glows[look]
            # Where the face is hit, from 0 to 1 across it.
            i, j, k = (
                (lx + t * ex) / (2 * half_x) + 0.5,
                (ly + t * dy) / (2 * half_y) + 0.5,
                0.5 + (lz + t * ez) / (2 * half_z),
            )
            face = 0
            if axis == 1:
                p, q, face = i, k, (1 if dy < 0 else 2)
                shade = 1.0 if dy < 0 else 0.55
            else:
                p, q = (k if axis == 0 else i), 1 - j
                # The way the face looks, in the world; light comes as it does to blocks.
                nx, nz = (cos, sin) if axis == 0 else (-sin, cos)
                if (ex if axis == 0 else ez) > 0:
                    nx, nz = -nx, -nz
                shade = 0.835 + 0.04 * nx - 0.11 * nz
            length = math.sqrt(1 + a * a + b * b)
            size = max(half_x, half_y, half_z)
            spread = 20.0 * t * length / (focal * size)  # texels one pixel covers
            level = 0
            while spread >= 2.0 and level < 4:
                spread *= 0.5
                level += 1
            texel = textures[level, look, face, min(max(int(q * 16), 0), 15), min(max(int(p * 16), 0), 15)]
            fog = 0.0 if tables.glows[look] else min(_FOG * t * length, _FOG_MOST)
            keep = (1.0 if tables.glows[look] else shade) * (1 - fog)
            red, green, blue = texel[0] * keep + 196 * fog, texel[1] * keep + 220 * fog, texel[2] * keep + 236 * fog
            if hurt:
                red, green, blue = 0.4 * red + 150, 0.4 * green + 20, 0.4 * blue + 20
            frame[v, u, 0], frame[v, u, 1], frame[v, u, 2] = np.uint8(red), np.uint8(green), np.uint8(blue)
