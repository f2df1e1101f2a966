"""The ray-caster: one ray through each pixel's centre gives colour, planar depth and instance id together.

Grid traversal after Amanatides & Woo, "A fast voxel traversal algorithm for ray tracing" (1987).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.voxel.kinds import AIR
from envs.voxel.motion import axes

VERTICAL_FOV_DEG = 70.0
_FOG = 0.016  # share of haze per metre
_FOG_MOST = 0.45
_SUN = (0.45, 0.55, 0.70)  # unit-ish direction towards the sun; it shows where south-east is
_MATH = {"contract", "nsz", "arcp", "reassoc"}  # not nnan/ninf: axis-parallel rays divide by zero


def focal_px(height: int) -> float:
    """Focal length in pixels (square pixels) for ``height`` rows."""
    return height / 2 / math.tan(math.radians(VERTICAL_FOV_DEG) / 2)


@njit(cache=True, error_model="numpy", fastmath=_MATH)
def draw(blocks, ids, textures, glows, px, py, pz, yaw_deg, pitch_deg, focal, frame, depth, instance):
    """Fill ``frame`` (H, W, 3), ``depth`` (H, W; inf for sky) and ``instance`` (H, W); the eye is inside the grid."""
    height, width = depth.shape
    nx, ny, nz = blocks.shape
    flat, flat_ids = blocks.ravel(), ids.ravel()
    step_x, step_y = ny * nz, nz
    rx, ry, rz, wx, wy, wz, fx, fy, fz = axes(yaw_deg, pitch_deg)
    cx, cy = (width - 1) / 2, (height - 1) / 2
    x0, y0, z0 = math.floor(px), math.floor(py), math.floor(pz)
    start = x0 * step_x + y0 * step_y + z0
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
            left_y = ny - 1 - y0 if dy > 0 else y0
            left_z = nz - 1 - z0 if dz > 0 else z0
            jx, jy, jz = sx * step_x, sy * step_y, sz
            cell = start
            t = 0.0
            axis = 0
            kind = np.uint8(AIR)
            while True:
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
                if kind != AIR:
                    break
            length = math.sqrt(1 + a * a + b * b)
            if kind == AIR:
                depth[v, u] = np.inf
                instance[v, u] = 0
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
def draw_hud(frame, colours, selected, waiting):
    """The crosshair (amber while the hand waits) and the three block swatches, the selected one with a white rim."""
    height, width = frame.shape[0], frame.shape[1]
    unit = max(height // 64, 1)
    for v in range(-2 * unit, 3 * unit):
        for u in range(-2 * unit, 3 * unit):
            if (0 <= v < unit) != (0 <= u < unit) or (0 <= v < unit and 0 <= u < unit):
                _dot(frame, height // 2 + v, width // 2 + u, 255, 180 if waiting else 255, 40 if waiting else 255)
    for k in range(3):
        left, top = width // 2 + (6 * k - 9) * unit, height - 6 * unit
        for v in range(5 * unit):
            for u in range(6 * unit):
                rim = v < unit or v >= 4 * unit or u < unit or u >= 5 * unit
                if not rim:
                    _dot(frame, top + v, left + u, colours[k, 0], colours[k, 1], colours[k, 2])
                elif k == selected:
                    _dot(frame, top + v, left + u, 255, 255, 255)
                else:
                    _dot(frame, top + v, left + u, 30, 30, 30)


@njit(cache=True)
def _dot(frame, v, u, red, green, blue):
    if 0 <= v < frame.shape[0] and 0 <= u < frame.shape[1]:
        frame[v, u, 0], frame[v, u, 1], frame[v, u, 2] = red, green, blue
