"""A pendulum."""

from __future__ import annotations

import math

from envs.physics.scene import Part, SceneBuilder
from envs.physics.scenes.bodies import turn
from envs.physics.surface import Surface

_ANCHOR_M = 2.3


def pendulum(scene: SceneBuilder) -> None:
    """A bob on a light rod swings from a beam; in a third of the scenes a ball rests where it passes lowest."""
    draw = scene.draw
    length = draw.uniform("length_m", (1.2, 1.7), (0.9, 1.9))
    angle_deg = draw.uniform("angle_deg", (20, 50), (8, 75))
    size = draw.uniform("size_m", (0.20, 0.27), (0.16, 0.30))
    struck = draw.chance("struck", 0.35)
    places = draw.rng("places")
    angle_deg *= float(places.choice([-1, 1]))
    away = float(places.uniform(-12, 12))  # the plane of the swing, turned about the vertical
    surface = Surface(friction=None, restitution=0.8)
    # A gallows behind: the beam comes forward to where the rod hangs.
    scene.add("beam", Part("box", (0.07, 0.65, 0.07)), (0.0, 0.6, _ANCHOR_M + 0.1), fixed=True, colour="brown")
    scene.add("post", Part("box", (0.07, 0.07, _ANCHOR_M / 2)), (0.0, 1.18, _ANCHOR_M / 2), fixed=True, colour="brown")
    swing = turn((math.sin(math.radians(away)), -math.cos(math.radians(away)), 0.0), angle_deg)
    x = length * math.sin(math.radians(angle_deg))
    at = (
        x * math.cos(math.radians(away)),
        x * math.sin(math.radians(away)),
        _ANCHOR_M - length * math.cos(math.radians(angle_deg)),
    )
    bob = Part("ball", (size,), density=1500)
    rod = Part("cylinder", (0.025, length / 2), (0.0, 0.0, length / 2), density=20)
    scene.add("pendulum", [bob, rod], at, quat=swing, hangs_from_m=(0.0, 0.0, length), surface=surface, marked=True)
    if struck:
        low = _ANCHOR_M - length
        half = max((low - size) / 2, 0.05)
        scene.add("post", Part("cylinder", (0.12, half)), (0.0, 0.0, half), fixed=True)
        rolling = Surface(0.6, rolling_m=0.02, restitution=0.8)
        scene.add("ball", Part("ball", (size,), density=700), (0.0, 0.0, 2 * half + size), surface=rolling)
    scene.look_from((0.0, 0.0, 1.2), 4.5, 8)
