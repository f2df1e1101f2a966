"""The ray-caster for blocks: one ray through each pixel's centre gives colour, planar depth and instance id together.

Grid traversal after Amanatides & Woo, "A fast voxel traversal algorithm for ray tracing" (1987).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.voxel.kinds import AIR, CANVAS
from envs.voxel.motion import axes
from envs.voxel.rays import enter_box
from envs.voxel.state import PITCH, YAW

VERTICAL_FOV_DEG = 70.0
_FOG = 0.016  # share of haze per metre
_FOG_MOST = 0.45
_SUN = (0.45, 0.55, 0.70)  # unit-ish direction towards the sun; it shows where south-east is
_MATH = {"contract", "nsz", "arcp", "reassoc"}  # not nnan/ninf: axis-parallel rays divide by zero


def focal_px(height: int) -> float:
    """Focal length in pixels (square pixels) for ``height`` rows."""
    return height / 2 / math.tan(math.radians(VERTICAL_FOV_DEG) / 2)


@njit(cache=True, error_model="numpy", fastmath=_MATH)
def draw_blocks(world, tables, textures, px, py, pz, focal, frame, depth, instance, glow):
    """Fill ``frame`` (H, W, 3), ``depth`` (H, W; inf for sky), ``instance`` (H, W) and ``glow`` (H, W).

    The eye (px, py, pz) is inside the grid.
    """
    height, width = depth.shape
    blocks, ids, glows, whole = world.blocks, world.ids, tables.glows, tables.whole
    yaw_deg, pitch_deg = world.body[YAW], world.body[PITCH]
    nx, ny, nz = blocks.shape
    flat, flat_ids = blocks.ravel(), ids.ravel()
    step_x, step_y = ny * nz, nz
    rx, ry, rz, wx, wy, wz, fx, fy, fz = axes(yaw_deg, pitch_deg)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    x0, y0, z0 = math.floor(px), math.floor(py), math.floor(pz)
    top = _top_layer(blocks)  # a ray that leaves it upwards ends in the sky
    start = x0 * step_x + y0 * step_y + z0
    # A thing that does not fill its cell can be seen by an eye in that cell.
    begin_kind = flat[start]
    if whole[begin_kind]:
        begin_kind = np.uint8(AIR)
    texel = 2.5 / focal  # how wide one pixel is at one metre, and somewhat more: soft rather than noisy
    for v in range(height):
        b = (v - cy) / focal
        for u in range(width):
            a = (u - cx) / focal
            dx, dy, dz = fx + a * rx + b * wx, fy + a * ry + b * wy, fz + a * rz + b * wz
            ddx, ddy, ddz = abs(1 / dx), abs(1 / dy), abs(1 / dz)
            tx = (x0 + 1 - px if dx > 0 else px - x0) * ddx if dx != 0 else np.inf
            ty = (y0 + 1 - py if dy > 0 else py - y0) * ddy if dy != 0 else np.inf
            tz = (z0 + 1 - pz if dz > 0 else pz - z0) * ddz if dz != 0 else np.inf
            sx, sy, sz = (1 if dx > 0 else -1), (1 if dy > 0 else -1), (1 if dz > 0 else -1)
            left_x = nx - 1 - x0 if dx > 0 else x0  # cells until the grid ends
            left_y = top - y0 if dy > 0 else y0
            left_z = nz - 1 - z0 if dz > 0 else z0
            jx, jy, jz = sx * step_x, sy * step_y, sz
            cell = start
            t = 0.0
            axis = 0
            kind = np.uint8(AIR)
            if begin_kind != AIR:
                t, axis = _enter_cell(tables.box[begin_kind], x0, y0, z0, px, py, pz, dx, dy, dz)
                kind = begin_kind if t < np.inf else kind
            while kind == AIR:
                if tx <= ty and tx <= tz:
                    t, axis = tx, 0
                    tx += ddx
                    left_x -= 1
                    if left_x < 0:
                        break
                    cell += jx
                elif ty <= tz:
                    t, axis = ty, 1
                    ty += ddy
                    left_y -= 1
                    if left_y < 0:
                        break
                    cell += jy
                else:
                    t, axis = tz, 2
                    tz += ddz
                    left_z -= 1
                    if left_z < 0:
                        break
                    cell += jz
                kind = flat[np.uint64(cell)]
                if kind != AIR and not whole[kind]:
                    x, y, z = cell // step_x, cell // step_y % ny, cell % nz
                    t_box, axis_box = _enter_cell(tables.box[kind], x, y, z, px, py, pz, dx, dy, dz)
                    if t_box < np.inf:
                        t, axis = t_box, axis_box
                    else:
                        kind = np.uint8(AIR)
            length = math.sqrt(1 + a * a + b * b)
            if kind == AIR:
                depth[v, u] = np.inf
                instance[v, u] = 0
                glow[v, u] = False
                up = dy / length
                sun = max((dx * _SUN[0] + dy * _SUN[1] + dz * _SUN[2]) / length, 0.0)
                sun = sun**16
                mix = min(max(up * 1.3, 0.0), 1.0)
                frame[v, u, 0] = np.uint8(min(196 - 112 * mix + 70 * sun, 255.0))
                frame[v, u, 1] = np.uint8(min(220 - 70 * mix + 50 * sun, 255.0))
                frame[v, u, 2] = np.uint8(min(236 - 10 * mix + 12 * sun, 255.0))
                continue
            depth[v, u] = t
            instance[v, u] = flat_ids[np.uint64(cell)]
            glow[v, u] = glows[kind]
            hx, hy, hz = px + t * dx, py + t * dy, pz + t * dz
            ix, iy, iz = math.floor(hx), math.floor(hy), math.floor(hz)
            if axis == 0:
                p, q, face, shade, slope = hz - iz, 1 - (hy - iy), 0, (0.88 if dx < 0 else 0.80), abs(dx)
            elif axis == 1:
                p, q, face, shade, slope = hx - ix, hz - iz, (1 if dy < 0 else 2), (1.0 if dy < 0 else 0.55), abs(dy)
            else:
                p, q, face, shade, slope = hx - ix, 1 - (hy - iy), 0, (0.72 if dz < 0 else 0.94), abs(dz)
            spread = 16 * texel * t * length / max(slope, 0.15)  # texels one pixel covers
            level = 0
            while spread >= 2.0 and level < 4:
                spread *= 0.5
                level += 1
            # Two levels are mixed, so that a texture fades with distance instead of switching.
            mix = min(max(spread - 1.0, 0.0), 1.0)
            row, column = min(int(q * 16), 15), min(int(p * 16), 15)
            near = textures[level, kind, face, row, column]
            far = textures[min(level + 1, 4), kind, face, row, column]
            if kind == CANVAS:
                stroke = _stroke(world, cell, row, column)
                if stroke != AIR:
                    near = far = textures[4, stroke, 1, 0, 0]
            if glows[kind]:
                shade, fog = 1.0, 0.0
            else:
                fog = min(_FOG * t * length, _FOG_MOST)
            keep = shade * (1 - fog)
            near_part, far_part = (1 - mix) * keep, mix * keep
            frame[v, u, 0] = np.uint8(near[0] * near_part + far[0] * far_part + 196 * fog)
            frame[v, u, 1] = np.uint8(near[1] * near_part + far[1] * far_part + 220 * fog)
            frame[v, u, 2] = np.uint8(near[2] * near_part + far[2] * far_part + 236 * fog)


@njit(cache=True)
def _top_layer(blocks):
    """The highest layer (y) with anything in it, 0 where there is nothing."""
    nx, ny, nz = blocks.shape
    for y in range(ny - 1, 0, -1):
        for x in range(nx):
            for z in range(nz):
                if blocks[x, y, z] != AIR:
                    return y
    return 0


@njit(cache=True)
def _enter_cell(box, x, y, z, px, py, pz, dx, dy, dz):
    return enter_box(px, py, pz, dx, dy, dz, x + box[0], y + box[1], z + box[2], x + box[3], y + box[4], z + box[5])


@njit(cache=True)
def _stroke(world, cell, row, column):
    """The kind whose colour is painted on a texel of a canvas cell, or AIR."""
    slot = np.searchsorted(world.canvas_cells, cell)
    if slot == len(world.canvas_cells) or world.canvas_cells[slot] != cell:
        return np.uint8(AIR)
    return world.paint[slot, row, column]
