"""The ray-caster: one ray through each pixel's centre gives colour, planar depth and instance id together.

Exact intersections with the four shapes that the scenes are made of, hard shadows of one distant light. It gives what
``mj_multiRay`` gives (a test compares them) and is several times faster, because a body is tried only where its bounds
are on the screen.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

PLANE, SPHERE, CYLINDER, BOX = 0, 2, 5, 6  # mjtGeom
PLAIN, CHECKER, STRIPES = range(3)
_FAR_M = 60.0  # where the floor ends
_NEAR_M = 0.02
_FOG_FROM_M, _FOG_OVER_M = 9.0, 36.0


@njit(cache=True, error_model="numpy")
def cast(kinds, sizes, bounds, things, visible, positions, rotations, eye, axes, focal, depth, ids, hits):
    """Fill depth (H, W; inf for sky), ids (H, W) and hits (H, W; the geom, -1 for sky).

    Shapes (G): sizes and positions (G, 3), rotations (G, 9) geom to world, bounding radius, thing. ``axes`` (3, 3) has
    the camera's right, down and forward as columns; ``focal`` is in pixels. Geom 0 is the floor, z = 0.
    """
    height, width = depth.shape
    cx, cy = (width - 1) / 2, (height - 1) / 2
    for v in range(height):
        b = (v - cy) / focal
        for u in range(width):
            a = (u - cx) / focal
            down = axes[2, 2] + a * axes[2, 0] + b * axes[2, 1]
            t = -eye[2] / down if down < -1e-9 else np.inf
            found = t < _FAR_M and visible[0]
            depth[v, u] = t if found else np.inf
            hits[v, u] = 0 if found else -1
            ids[v, u] = 0
    for g in range(1, len(kinds)):
        if not visible[g]:
            continue
        rx, ry, rz = eye[0] - positions[g, 0], eye[1] - positions[g, 1], eye[2] - positions[g, 2]
        # The bounding cube in camera coordinates, and the pixels it can cover.
        x = -(rx * axes[0, 0] + ry * axes[1, 0] + rz * axes[2, 0])
        y = -(rx * axes[0, 1] + ry * axes[1, 1] + rz * axes[2, 1])
        z = -(rx * axes[0, 2] + ry * axes[1, 2] + rz * axes[2, 2])
        r = bounds[g]
        if z + r < _NEAR_M:
            continue
        left, right, top, bottom = 0, width - 1, 0, height - 1
        if z - r > _NEAR_M:
            near, far = focal / (z - r), focal / (z + r)
            left = max(left, math.floor(cx + (x - r) * (near if x < r else far)))
            right = min(right, math.ceil(cx + (x + r) * (near if x > -r else far)))
            top = max(top, math.floor(cy + (y - r) * (near if y < r else far)))
            bottom = min(bottom, math.ceil(cy + (y + r) * (near if y > -r else far)))
        m = rotations[g]
        ox, oy, oz = _turned(m, rx, ry, rz)
        ax, ay, az = _turned(m, axes[0, 0], axes[1, 0], axes[2, 0])
        bx, by, bz = _turned(m, axes[0, 1], axes[1, 1], axes[2, 1])
        fx, fy, fz = _turned(m, axes[0, 2], axes[1, 2], axes[2, 2])
        for v in range(top, bottom + 1):
            b = (v - cy) / focal
            for u in range(left, right + 1):
                a = (u - cx) / focal
                dx, dy, dz = fx + a * ax + b * bx, fy + a * ay + b * by, fz + a * az + b * bz
                t, _ = _meet(kinds[g], sizes[g], ox, oy, oz, dx, dy, dz)
                if _NEAR_M < t < depth[v, u]:
                    depth[v, u] = t
                    hits[v, u] = g
                    ids[v, u] = things[g]


@njit(cache=True, error_model="numpy")
def shade(
    kinds, sizes, things, visible, positions, rotations, eye, axes, focal, depth, hits,
    textures, scales_m, offsets_m, colours, light, ambient, tint, sky, frame,
):  # fmt: skip
    """Fill frame (H, W, 3) after ``cast``.

    By geom: textures (G), scales_m (G), offsets_m (G, 3). By thing: colours (N, 2, 3). ``light`` (3) points to the
    light, ``ambient`` is the share of it that is everywhere, ``sky`` (2, 3) has the colours of horizon and zenith.
    """
    height, width = depth.shape
    cx, cy = (width - 1) / 2, (height - 1) / 2
    # In coordinates across and along the light, a shadow falls where both distances across are less than the extents.
    across, over = _frame_around(light)
    count = len(kinds)
    lights = np.empty((count, 3))
    casters = np.empty(count, np.int64)
    flat, extents = np.empty((count, 3)), np.empty((count, 3))
    casting = 0
    for g in range(count):
        m = rotations[g]
        lights[g, 0], lights[g, 1], lights[g, 2] = _turned(m, light[0], light[1], light[2])
        if g == 0 or not visible[g]:
            continue
        for i, axis in enumerate((across, over, light)):
            flat[casting, i] = (positions[g] * axis).sum()
            x, y, z = _turned(m, axis[0], axis[1], axis[2])
            sy, sz = sizes[g, 0], sizes[g, 1]
            if kinds[g] == BOX:
                sy, sz = sizes[g, 1], sizes[g, 2]
            if kinds[g] == SPHERE:
                extents[casting, i] = sizes[g, 0]
            else:
                extents[casting, i] = sizes[g, 0] * abs(x) + sy * abs(y) + sz * abs(z)
        casters[casting] = g
        casting += 1
    for v in range(height):
        b = (v - cy) / focal
        for u in range(width):
            a = (u - cx) / focal
            dx = axes[0, 2] + a * axes[0, 0] + b * axes[0, 1]
            dy = axes[1, 2] + a * axes[1, 0] + b * axes[1, 1]
            dz = axes[2, 2] + a * axes[2, 0] + b * axes[2, 1]
            length = math.sqrt(dx * dx + dy * dy + dz * dz)
            g = hits[v, u]
            if g < 0:
                up = min(max(dz / length * 1.6, 0.0), 1.0)
                for c in range(3):
                    frame[v, u, c] = np.uint8(sky[0, c] + (sky[1, c] - sky[0, c]) * up + 0.5)
                continue
            t = np.float64(depth[v, u])
            px, py, pz = eye[0] + t * dx, eye[1] + t * dy, eye[2] + t * dz
            m = rotations[g]
            lx, ly, lz = _turned(m, px - positions[g, 0], py - positions[g, 1], pz - positions[g, 2])
            nx, ny, nz = _normal(kinds[g], sizes[g], lx, ly, lz)
            facing = nx * lights[g, 0] + ny * lights[g, 1] + nz * lights[g, 2]
            up = nx * m[6] + ny * m[7] + nz * m[8]
            if facing > 0:
                s, w, h = (
                    px * across[0] + py * across[1] + pz * across[2],
                    px * over[0] + py * over[1] + pz * over[2],
                    px * light[0] + py * light[1] + pz * light[2],
                )
                for i in range(casting):
                    if abs(s - flat[i, 0]) >= extents[i, 0] or abs(w - flat[i, 1]) >= extents[i, 1]:
                        continue
                    k = casters[i]
                    if k == g or h > flat[i, 2] + extents[i, 2]:
                        continue
                    ox, oy, oz = _turned(rotations[k], px - positions[k, 0], py - positions[k, 1], pz - positions[k, 2])
                    _, leaves = _meet(kinds[k], sizes[k], ox, oy, oz, lights[k, 0], lights[k, 1], lights[k, 2])
                    if leaves > 1e-3:
                        facing = 0.0
                        break
            # How much of the second colour: the texture, faded to its mean where a pixel covers more than a patch.
            mix = 0.0
            if textures[g] != PLAIN:
                scale = scales_m[g]
                qx = (lx * 0.995 + offsets_m[g, 0]) / scale + 0.37
                qy = (ly * 0.995 + offsets_m[g, 1]) / scale + 0.37
                qz = (lz * 0.995 + offsets_m[g, 2]) / scale + 0.37
                odd = math.floor(qx)
                if textures[g] == CHECKER:
                    odd += math.floor(qy) + math.floor(qz)
                wx, wy, wz = _turned(m, dx, dy, dz)
                slope = abs(nx * wx + ny * wy + nz * wz)
                patch = t / focal / max(slope / length, 0.15) / scale
                sharp = min(max(1.5 - 1.5 * patch, 0.0), 1.0)
                mix = 0.5 + sharp * ((odd % 2) - 0.5)
            brightness = ambient * (0.8 + 0.2 * up) + (1 - ambient) * max(facing, 0.0)
            fog = min(max((t * length - _FOG_FROM_M) / _FOG_OVER_M, 0.0), 1.0) if g == 0 else 0.0
            for c in range(3):
                own = colours[things[g], 0, c] * (1 - mix) + colours[things[g], 1, c] * mix
                lit = own * brightness * tint[c]
                frame[v, u, c] = np.uint8(min(lit + (sky[0, c] - lit) * fog + 0.5, 255.0))


@njit(cache=True, inline="always")
def _turned(m, x, y, z):
    """A world vector in the coordinates of a geom with rotation ``m`` (9)."""
    return m[0] * x + m[3] * y + m[6] * z, m[1] * x + m[4] * y + m[7] * z, m[2] * x + m[5] * y + m[8] * z


@njit(cache=True)
def _frame_around(light):
    """Two directions (3), (3) that are at right angles to ``light`` and to each other."""
    across = np.array([-light[1], light[0], 0.0])
    across /= math.sqrt(across[0] ** 2 + across[1] ** 2)
    return across, np.cross(light, across)


@njit(cache=True, error_model="numpy")
def _meet(kind, size, ox, oy, oz, dx, dy, dz):
    """Where the ray o + t d enters a convex shape and where it leaves it; (inf, -inf) if it misses."""
    if kind == BOX:
        ax, bx = (-size[0] - ox) / dx, (size[0] - ox) / dx
        ay, by = (-size[1] - oy) / dy, (size[1] - oy) / dy
        az, bz = (-size[2] - oz) / dz, (size[2] - oz) / dz
        enters = max(min(ax, bx), min(ay, by), min(az, bz))
        leaves = min(max(ax, bx), max(ay, by), max(az, bz))
    elif kind == SPHERE:
        aa = dx * dx + dy * dy + dz * dz
        half = ox * dx + oy * dy + oz * dz
        under = half * half - aa * (ox * ox + oy * oy + oz * oz - size[0] * size[0])
        if under < 0:
            return np.inf, -np.inf
        root = math.sqrt(under)
        enters, leaves = (-half - root) / aa, (-half + root) / aa
    else:
        aa = dx * dx + dy * dy
        half = ox * dx + oy * dy
        under = half * half - aa * (ox * ox + oy * oy - size[0] * size[0])
        if under < 0:
            return np.inf, -np.inf
        root = math.sqrt(under)
        az, bz = (-size[1] - oz) / dz, (size[1] - oz) / dz
        enters = max((-half - root) / aa, min(az, bz))
        leaves = min((-half + root) / aa, max(az, bz))
    if enters > leaves:
        return np.inf, -np.inf
    return enters, leaves


@njit(cache=True)
def _normal(kind, size, x, y, z):
    """The outward normal at a point of the surface, in the shape's coordinates."""
    if kind == SPHERE:
        return x / size[0], y / size[0], z / size[0]
    if kind == BOX:
        gx, gy, gz = abs(x) - size[0], abs(y) - size[1], abs(z) - size[2]
        if gx > gy and gx > gz:
            return (1.0 if x > 0 else -1.0), 0.0, 0.0
        if gy > gz:
            return 0.0, (1.0 if y > 0 else -1.0), 0.0
        return 0.0, 0.0, (1.0 if z > 0 else -1.0)
    if kind == CYLINDER:
        around = math.sqrt(x * x + y * y)
        if around - size[0] > abs(z) - size[1]:
            return x / around, y / around, 0.0
        return 0.0, 0.0, (1.0 if z > 0 else -1.0)
    return 0.0, 0.0, 1.0
