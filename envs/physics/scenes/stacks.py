"""Things that stand on or beside each other: towers and domino chains."""

from __future__ import annotations

import math

from envs.physics.scene import Part, SceneBuilder
from envs.physics.scenes.bodies import turn
from envs.physics.surface import Surface


def tower(scene: SceneBuilder) -> None:
    """Blocks in a pile that stands or topples by itself; in half of the scenes a heavy ball rolls into it."""
    draw = scene.draw
    levels = draw.integer("levels", (4, 5), (3, 6, 7))
    askew = draw.uniform("askew", (0.0, 0.85), (0.0, 1.0))  # of a block's half width, from one level to the next
    height = draw.uniform("block_height_m", (0.28, 0.36), (0.22, 0.40))
    struck = draw.chance("struck", 0.5)
    speed = draw.uniform("ball_speed_m_s", (2.0, 3.4), (1.2, 4.4))
    places = draw.rng("places")
    x, y, half = 0.0, 0.0, 0.22
    marked = int(places.integers(1, levels))
    drift = places.uniform(0, 2 * math.pi)  # about where the pile leans
    for level in range(levels):
        scene.add(
            "box", Part("box", (half, half, height / 2 - 0.001), density=300), (x, y, height * (level + 0.5)),
            quat=turn((0, 0, 1), float(places.uniform(-12, 12))), surface=Surface(0.5),
            marked=not struck and level == marked,
        )  # fmt: skip
        way = drift + places.uniform(-1.2, 1.2)
        x, y = x + askew * half * math.cos(way), y + 0.5 * askew * half * math.sin(way)
    if struck:
        side = float(places.choice([-1, 1]))
        scene.add(
            "ball", Part("ball", (0.24,), density=2500), (side * 1.7, float(places.uniform(-0.15, 0.15)), 0.24),
            velocity_m_s=(-side * speed, 0.0, 0.0), spin_rad_s=(0.0, -side * speed / 0.24, 0.0),
            surface=Surface(0.6, rolling_m=0.01), marked=True,
        )  # fmt: skip
    scene.substeps, scene.push_m_s = 8, 2.0
    scene.look_from((0.0, 0.0, 0.75), 4.0, 12)


def dominoes(scene: SceneBuilder) -> None:
    """A chain of dominoes on an arc; usually the first is already tipping, and now and then one is missing."""
    draw = scene.draw
    count = draw.integer("dominoes", (6, 7, 8), (4, 5, 9, 10))
    height = draw.uniform("height_m", (0.55, 0.7), (0.45, 0.8))
    gap = draw.uniform("gap", (0.5, 0.66), (0.4, 0.78)) * height
    bend_deg = draw.uniform("bend_deg", (-6, 6), (-11, 11))  # from one domino to the next
    tips = draw.chance("tips", 0.7)
    missing = int(draw.rng("missing").integers(2, count)) if draw.chance("has_gap", 0.25) else None
    half = (0.045, 0.2, height / 2)
    heading, x, y = -bend_deg * (count - 1) / 2, -gap * (count - 1) / 2, 0.0
    # One spin for all chains: a domino of any height here falls with it, about its lower edge.
    spin = 3.0 if tips else 0.0
    for i in range(count):
        face = turn((0, 0, 1), heading)
        if i != missing:
            scene.add(
                "domino", Part("box", half, density=600), (x, y, height / 2 + 0.001), quat=face, surface=Surface(0.4),
                velocity_m_s=(spin * height / 2 if i == 0 else 0.0, 0.0, 0.0),
                spin_rad_s=(0.0, spin if i == 0 else 0.0, 0.0), marked=i == 0,
            )  # fmt: skip
        heading += bend_deg
        x, y = x + gap * math.cos(math.radians(heading)), y + gap * math.sin(math.radians(heading))
    scene.substeps, scene.push_up_m = 8, height / 3
    scene.look_from((0.1, 0.0, 0.3), 4.2, 22, spread_deg=20)
