"""Rays against boxes, for what does not fill its cell."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def enter_box(px, py, pz, dx, dy, dz, x0, y0, z0, x1, y1, z1):
    """Where the ray p + t d enters the box from outside: (t, axis of the face), or (inf, 0) where it does not.

    Slab test after Kay & Kajiya, "Ray tracing complex scenes" (1986).
    """
    near, far, axis = -np.inf, np.inf, 0
    for k in range(3):
        p, d = (px, dx) if k == 0 else ((py, dy) if k == 1 else (pz, dz))
        low, high = (x0, x1) if k == 0 else ((y0, y1) if k == 1 else (z0, z1))
        if d == 0.0:
            if p < low or p > high:
                return np.inf, 0
            continue
        a, b = (low - p) / d, (high - p) / d
        if a > b:
            a, b = b, a
        if a > near:
            near, axis = a, k
        far = min(far, b)
    if near <= 0.0 or near > far:
        return np.inf, 0
    return near, axis
