"""A brittle body."""

from __future__ import annotations

import numpy as np

from envs.physics.scene import Part, SceneBuilder, Shattering
from envs.physics.scenes.bodies import random_turn
from envs.physics.surface import IMPACT_PER_SPEED, Surface

Block = tuple[np.ndarray, np.ndarray]  # centre and half sizes, each (3,)


def shatter(scene: SceneBuilder) -> None:
    """A brittle block falls on the floor, or a heavy ball runs into one that stands; hit hard enough it breaks.

    The impact of some scenes is too weak. Whole and shards are different things: the shards wait until it breaks.
    """
    draw = scene.draw
    breaks_at = draw.uniform("breaks_at_m_s", (2.0, 5.5), (1.2, 7.0))  # speed of a square impact that just breaks it
    pieces = draw.integer("pieces", (8, 9, 10, 11, 12), (6, 7, 13, 14))
    size = draw.uniform("size_m", (0.26, 0.34), (0.21, 0.38))
    falls = draw.chance("falls", 0.6)
    height = draw.uniform("height_m", (1.0, 2.2), (0.6, 2.8))
    speed = draw.uniform("ball_speed_m_s", (2.0, 3.6), (1.2, 4.6))
    places = draw.rng("places")
    density = 500.0
    if falls:
        half = size * np.array([1.0, places.uniform(0.6, 1.0), places.uniform(0.7, 1.2)])
        at = (float(places.uniform(-0.3, 0.3)), 0.0, height + float(np.linalg.norm(half)))
        quat = random_turn(places)
    else:
        half = size * np.array([0.4, 1.2, 1.7])
        at, quat = (0.4, 0.0, float(half[2])), (1.0, 0.0, 0.0, 0.0)
    brittle = Surface(0.5, restitution=0.3)
    whole = scene.add(
        "block", Part("box", half.tolist(), density=density), at, quat=quat, surface=brittle, marked=falls,
        colour=None if falls else "cyan",
    )  # fmt: skip
    mass = density * 8 * float(half.prod())
    if not falls:
        scene.add(
            "ball", Part("ball", (0.25,), density=1500), (-1.5, float(places.uniform(-0.1, 0.1)), 0.35),
            velocity_m_s=(speed, 0.0, 0.6), surface=Surface(0.5, rolling_m=0.01), marked=True,
        )  # fmt: skip
    shards = []
    for centre, piece in cut(half, pieces, draw.rng("cuts")):
        part = Part("box", (0.995 * piece).tolist(), density=density, texture_at_m=centre.tolist())
        # Until it breaks, a shard's position is relative to the whole's.
        shards.append(scene.add("shard", part, centre.tolist(), like=whole, surface=Surface(0.5), present=False))
    scene.shattering = Shattering(whole, tuple(shards), breaks_at * IMPACT_PER_SPEED * mass, scatter=0.35)
    scene.look_from((0.0, 0.0, 0.65), 4.2, 15)


def cut(half: np.ndarray, pieces: int, rng: np.random.Generator) -> list[Block]:
    """Cut a block into smaller ones: again and again the largest, across its longest side, off the middle."""
    blocks: list[Block] = [(np.zeros(3), half.astype(np.float64))]
    while len(blocks) < pieces:
        index = max(range(len(blocks)), key=lambda i: float(blocks[i][1].prod()))
        centre, size = blocks.pop(index)
        axis, share = int(size.argmax()), float(rng.uniform(0.35, 0.65))
        for part, side in ((share, -1), (1 - share, 1)):
            smaller, middle = size.copy(), centre.copy()
            smaller[axis] *= part
            middle[axis] += side * (1 - part) * size[axis]
            blocks.append((middle, smaller))
    return blocks
