"""Bodies in the air: let go, and thrown."""

from __future__ import annotations

import math

from envs.physics.scene import Part, SceneBuilder
from envs.physics.scenes.bodies import random_turn, solid
from envs.physics.surface import Surface


def free_fall(scene: SceneBuilder) -> None:
    """One to three bodies of different mass are let go at rest; they fall alike and bounce each in its way."""
    draw = scene.draw
    height = draw.uniform("height_m", (1.4, 2.4), (0.9, 3.0))
    places = draw.rng("places")
    count = draw.integer("bodies", (1, 2), (3,))
    for i in range(count):
        size = draw.uniform(f"size_m_{i}", (0.25, 0.34), (0.19, 0.40))
        bounce = draw.uniform(f"restitution_{i}", (0.35, 0.7), (0.15, 0.85))
        density = draw.uniform(f"density_{i}", (300, 1200), (100, 3000))
        kind = "ball" if i == 0 else str(places.choice(["ball", "box", "cylinder"]))
        drop = 0.0 if i == 0 else float(places.uniform(-0.4, 0.4))
        at = (
            1.1 * (i - (count - 1) / 2) + places.uniform(-0.15, 0.15),
            places.uniform(-0.3, 0.3),
            height + drop + size,
        )
        turn = random_turn(places) if kind != "ball" else (1.0, 0.0, 0.0, 0.0)
        scene.add(
            kind, solid(kind, size, density), at, quat=turn, surface=Surface(rolling_m=0.02, restitution=bounce),
            marked=i == 0,
        )  # fmt: skip
    scene.look_from((0.0, 0.0, 1.15), 4.3, 10)


def projectile(scene: SceneBuilder) -> None:
    """A ball is thrown in an arc from one side; in half of the scenes a stack of boxes stands where it may land."""
    draw = scene.draw
    speed = draw.uniform("speed_m_s", (3.6, 4.6), (2.8, 5.4))
    angle = math.radians(draw.uniform("angle_deg", (40, 60), (28, 70)))
    size = draw.uniform("size_m", (0.20, 0.27), (0.16, 0.32))
    bounce = draw.uniform("restitution", (0.4, 0.7), (0.2, 0.85))
    places = draw.rng("places")
    way = float(places.choice([-1, 1]))
    start = float(places.uniform(0.3, 0.9))
    y = float(places.uniform(-0.3, 0.3))
    scene.add(
        "ball", solid("ball", size, 800), (-1.6 * way, y, start), surface=Surface(rolling_m=0.02, restitution=bounce),
        velocity_m_s=(way * speed * math.cos(angle), 0.0, speed * math.sin(angle)), marked=True,
    )  # fmt: skip
    if draw.chance("target", 0.5):
        for level in range(3):
            scene.add("box", Part("box", (0.18, 0.18, 0.18), density=300), (way * 1.2, y, 0.18 + 0.36 * level))
    scene.look_from((0.0, 0.0, 0.85), 4.8, 10)
