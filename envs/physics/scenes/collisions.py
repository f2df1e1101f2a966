"""Bodies that slide without friction between rails and bounce off each other: momentum is kept until a rail is hit."""

from __future__ import annotations

import math

import numpy as np

from envs.physics.scene import Part, SceneBuilder
from envs.physics.surface import Surface

_HALF_X, _HALF_Y = 1.7, 1.25  # inside of the rails


def two(scene: SceneBuilder) -> None:
    """A ball runs into a resting one: head-on or off the centre, lighter or heavier."""
    draw = scene.draw
    surface = Surface(friction=None, restitution=draw.uniform("restitution", (0.6, 0.9), (0.3, 0.98)))
    speed = draw.uniform("speed_m_s", (1.4, 2.4), (0.9, 3.2))
    sizes = [draw.uniform(f"size_m_{i}", (0.20, 0.28), (0.15, 0.34)) for i in range(2)]
    ratio = draw.uniform("density_ratio", (0.5, 2.0), (0.25, 4.0))
    aside = draw.uniform("aside", (0.0, 0.45), (0.0, 0.8))  # of the sum of the radii
    places = draw.rng("places")
    side = float(places.choice([-1, 1]))
    rails(scene, surface)
    rest = np.array([places.uniform(0.0, 0.5), places.uniform(-0.3, 0.3)])
    way = math.radians(places.uniform(-15, 15))
    forward, left = np.array([math.cos(way), math.sin(way)]), np.array([-math.sin(way), math.cos(way)])
    start = rest - 1.25 * forward + side * aside * sum(sizes) * left
    start = np.clip(start, [-_HALF_X + sizes[0] + 0.02, -_HALF_Y + sizes[0]], [_HALF_X, _HALF_Y - sizes[0]])
    scene.add(
        "ball", Part("ball", (sizes[0],), density=800), (start[0], start[1], sizes[0]), surface=surface,
        velocity_m_s=(*(speed * forward), 0.0), marked=True,
    )  # fmt: skip
    scene.add(
        "ball", Part("ball", (sizes[1],), density=800 * ratio), (rest[0], rest[1], sizes[1]), surface=surface
    )  # fmt: skip
    scene.look_from((0.0, 0.0, 0.0), 4.4, 42, spread_deg=18)


def many(scene: SceneBuilder) -> None:
    """A ball runs into a loose group of others."""
    draw = scene.draw
    surface = Surface(friction=None, restitution=draw.uniform("restitution", (0.7, 0.95), (0.4, 0.98)))
    speed = draw.uniform("speed_m_s", (2.0, 3.2), (1.4, 4.2))
    size = draw.uniform("size_m", (0.15, 0.19), (0.12, 0.22))
    count = draw.integer("others", (4, 5, 6), (3, 7, 8))
    places = draw.rng("places")
    rails(scene, surface)
    scene.add(
        "ball", Part("ball", (size,), density=1000), (-1.4, places.uniform(-0.4, 0.4), size), surface=surface,
        velocity_m_s=(speed, places.uniform(-0.15, 0.15) * speed, 0.0), marked=True,
    )  # fmt: skip
    # A triangular lattice without some of its places: close, not touching.
    lattice = [(row * 0.9, column - row / 2) for row in range(5) for column in range(row + 1)]
    for index in sorted(places.choice(min(len(lattice), count + 3), count, replace=False).tolist()):
        x, y = (2.15 * size * float(step) for step in lattice[index])
        scene.add("ball", Part("ball", (size,), density=1000), (x - 0.1, y, size), surface=surface)
    scene.look_from((0.0, 0.0, 0.0), 4.4, 45, spread_deg=18)


def rails(scene: SceneBuilder, surface: Surface) -> None:
    for x, y, half_x, half_y in (
        (-_HALF_X - 0.1, 0, 0.1, _HALF_Y + 0.2),
        (_HALF_X + 0.1, 0, 0.1, _HALF_Y + 0.2),
        (0, -_HALF_Y - 0.1, _HALF_X, 0.1),
        (0, _HALF_Y + 0.1, _HALF_X, 0.1),
    ):
        scene.add(
            "rail", Part("box", (half_x, half_y, 0.12)), (x, y, 0.12), fixed=True, surface=surface, colour="brown"
        )  # fmt: skip
