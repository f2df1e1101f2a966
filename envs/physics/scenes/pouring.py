"""Many grains and a glass."""

from __future__ import annotations

import math

from envs.physics.scene import Part, SceneBuilder, Vessel
from envs.physics.scenes.bodies import turn
from envs.physics.surface import Surface

_STAVES = 12
_GRAIN_M = 0.1


def pour(scene: SceneBuilder) -> None:
    """Smooth grains pour from above into a glass, or beside it; a push tips the glass over, and they run out.

    The wall of the glass is a ring of staves with gaps narrower than a grain: one sees how full it is.
    """
    draw = scene.draw
    count = draw.integer("grains", (18, 20, 22, 24), (14, 16, 26, 28))
    radius = draw.uniform("glass_radius_m", (0.40, 0.46), (0.36, 0.50))
    height = draw.uniform("glass_height_m", (0.8, 1.1), (0.6, 1.25))
    aside = draw.uniform("aside_m", (0.0, 0.35), (0.0, 0.55))
    places = draw.rng("places")
    wall = 0.03
    # The middle of the bottom is the thing's place, so that its own z axis runs up the middle.
    parts = [Part("cylinder", (radius, 0.04), (0.0, 0.0, 0.04), density=900)]
    for stave in range(_STAVES):
        angle = 2 * math.pi * stave / _STAVES
        at = ((radius - wall) * math.cos(angle), (radius - wall) * math.sin(angle), 0.08 + height / 2)
        size = (wall, 0.42 * math.pi * radius / _STAVES, height / 2)
        parts.append(Part("box", size, at, turn((0, 0, 1), math.degrees(angle)), density=600))
    glass = scene.add("glass", parts, (0.0, 0.0, 0.0), surface=Surface(0.7), marked=True)
    way = places.uniform(0, 2 * math.pi)
    grains: list[int] = []
    colour = str(places.choice(["cyan", "yellow", "white", "blue"]))
    for i in range(count):
        level, corner = divmod(i, 2)
        turned = 0.8 * level + math.pi * corner + places.uniform(-0.1, 0.1)
        at = (
            aside * math.cos(way) + 0.11 * math.cos(turned),
            aside * math.sin(way) + 0.11 * math.sin(turned),
            height + 0.6 + 0.24 * level,
        )
        like = grains[0] if grains else None
        part, smooth = Part("ball", (_GRAIN_M,), density=400), Surface(friction=None)
        grains.append(scene.add("grain", part, at, surface=smooth, drag_kg_s=0.6, colour=colour, like=like))
    scene.vessel = Vessel(glass, tuple(grains), radius, height + 0.08)
    scene.substeps, scene.push_m_s, scene.push_up_m = 4, 1.2, height / 2
    scene.crowded = True
    scene.look_from((0.0, 0.0, 0.7), 3.7, 26)
