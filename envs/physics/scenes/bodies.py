"""Shapes and directions that several scenes share."""

from __future__ import annotations

import math

import numpy as np

from envs.physics.scene import Part

Quat = tuple[float, float, float, float]


def solid(kind: str, size_m: float, density: float = 1000.0) -> Part:
    """A ball of this radius, or a box or cylinder about as large."""
    if kind == "ball":
        return Part("ball", (size_m,), density=density)
    if kind == "box":
        return Part("box", (0.85 * size_m, 0.85 * size_m, 0.85 * size_m), density=density)
    return Part("cylinder", (0.9 * size_m, 0.8 * size_m), density=density)


def turn(axis: tuple[float, float, float], angle_deg: float) -> Quat:
    """The rotation about a unit axis, as a quaternion (w, x, y, z)."""
    half = math.radians(angle_deg) / 2
    x, y, z = (float(part) * math.sin(half) for part in axis)
    return math.cos(half), x, y, z


def random_turn(rng: np.random.Generator) -> Quat:
    """A rotation drawn uniformly from all."""
    w, x, y, z = rng.normal(size=4)
    length = math.sqrt(w * w + x * x + y * y + z * z)
    return float(w / length), float(x / length), float(y / length), float(z / length)
