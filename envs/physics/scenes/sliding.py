"""A body on an inclined plane."""

from __future__ import annotations

import math

from envs.physics.scene import Part, SceneBuilder
from envs.physics.scenes.bodies import turn
from envs.physics.surface import Surface


def ramp(scene: SceneBuilder) -> None:
    """A box slides or sticks, or a ball rolls, down a ramp; at its foot a light box stands in the way."""
    draw = scene.draw
    angle_deg = draw.uniform("angle_deg", (18, 32), (10, 40))
    friction = draw.uniform("friction", (0.15, 0.45), (0.05, 0.7))
    size = draw.uniform("size_m", (0.20, 0.27), (0.16, 0.32))
    rolls = draw.chance("rolls", 0.4)
    places = draw.rng("places")
    slope, thick, length = math.radians(angle_deg), 0.08, 2.6
    # The upper face of the ramp ends on the floor at x = 0; it rises to the left.
    ux, uz = -math.cos(slope), math.sin(slope)  # up the ramp
    nx, nz = math.sin(slope), math.cos(slope)  # out of its face
    lean = turn((0, 1, 0), angle_deg)
    middle = (ux * length / 2 - nx * thick, 0.0, uz * length / 2 - nz * thick)
    scene.add("ramp", Part("box", (length / 2, 0.5, thick)), middle, quat=lean, fixed=True, surface=Surface(friction))
    up = length - 0.4
    reach = size if rolls else 0.8 * size
    start = (ux * up + nx * reach, float(places.uniform(-0.12, 0.12)), uz * up + nz * reach)
    if rolls:
        body, surface = Part("ball", (size,), density=700), Surface(max(friction, 0.3), rolling_m=0.01)
    else:
        body, surface = Part("box", (0.8 * size, 0.8 * size, 0.8 * size), density=700), Surface(friction)
    scene.add("ball" if rolls else "box", body, start, quat=lean, surface=surface, marked=True)
    if draw.chance("target", 0.7):
        foot = float(places.uniform(0.5, 1.0))
        scene.add("box", Part("box", (0.14, 0.2, 0.2), density=250), (foot, 0.0, 0.2), surface=Surface(0.4))
    scene.substeps = 8
    scene.look_from((-0.7, 0.0, 0.55), 4.3, 12)
