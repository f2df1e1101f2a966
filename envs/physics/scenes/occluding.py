"""Passage behind an occluder: for the permanence of what is not seen."""

from __future__ import annotations

from envs.physics.scene import Part, SceneBuilder
from envs.physics.scenes.bodies import solid
from envs.physics.surface import Surface


def passage(scene: SceneBuilder) -> None:
    """A ball rolls along a line behind one or two screens; in half of the scenes a second one comes the other way."""
    draw = scene.draw
    speed = draw.uniform("speed_m_s", (0.9, 1.5), (0.6, 2.1))
    size = draw.uniform("size_m", (0.20, 0.27), (0.16, 0.31))
    width = draw.uniform("screen_width_m", (0.9, 1.4), (0.7, 1.8))
    places = draw.rng("places")
    two_screens = draw.chance("two_screens", 0.35)
    way = float(places.choice([-1, 1]))
    surface = Surface(0.6, rolling_m=0.0)
    if two_screens:
        centres, width = [-0.75, 0.75], 0.7 * width
    else:
        centres = [float(places.uniform(-0.4, 0.4))]
    for x in centres:
        scene.add("screen", Part("box", (width / 2, 0.05, 0.42)), (x, -0.4, 0.42), fixed=True)
    scene.add(
        "ball", solid("ball", size, 700), (-way * 1.8, 0.3, size), velocity_m_s=(way * speed, 0.0, 0.0),
        spin_rad_s=(0.0, way * speed / size, 0.0), surface=surface, marked=True,
    )  # fmt: skip
    if draw.chance("second", 0.5):
        other = 0.9 * size
        scene.add(
            "ball", solid("ball", other, 700), (way * 2.0, 0.95, other), velocity_m_s=(-way * 0.8 * speed, 0.0, 0.0),
            spin_rad_s=(0.0, -way * 0.8 * speed / other, 0.0), surface=surface,
        )  # fmt: skip
    scene.look_from((0.0, 0.0, 0.4), 4.3, 7, spread_deg=8)
