"""Passage behind an occluder: for the permanence of what is not seen."""

from __future__ import annotations

from envs.physics.scene import Part, SceneBuilder
from envs.physics.surface import Surface


def passage(scene: SceneBuilder) -> None:
    """A ball rolls, or a puck slides, behind one or two screens; in half of the scenes another comes the other way.

    Bumpers at both ends send them back: a puck without friction passes again and again, a ball once and then slowly.
    """
    draw = scene.draw
    speed = draw.uniform("speed_m_s", (0.9, 1.5), (0.6, 2.1))
    size = draw.uniform("size_m", (0.20, 0.27), (0.16, 0.31))
    width = draw.uniform("screen_width_m", (0.9, 1.4), (0.7, 1.8))
    places = draw.rng("places")
    two_screens = draw.chance("two_screens", 0.35)
    way = float(places.choice([-1, 1]))
    slides = draw.chance("slides", 0.5)
    for side in (-1, 1):
        scene.add("bumper", Part("box", (0.06, 0.8, 0.2)), (side * 2.0, 0.5, 0.2), fixed=True, colour="brown")
    if two_screens:
        centres, width = [-0.75, 0.75], 0.7 * width
    else:
        centres = [float(places.uniform(-0.4, 0.4))]
    for x in centres:
        scene.add("screen", Part("box", (width / 2, 0.05, 0.42)), (x, -0.4, 0.42), fixed=True)
    _passer(scene, slides, size, (-way * 1.6, 0.25), way * speed, marked=True)
    if draw.chance("second", 0.5):
        _passer(scene, not slides, 0.85 * size, (way * 1.6, 0.9), -0.8 * way * speed, marked=False)
    scene.look_from((0.0, 0.0, 0.4), 4.3, 7, spread_deg=8)


def _passer(
    scene: SceneBuilder, slides: bool, size: float, at: tuple[float, float], speed_m_s: float, marked: bool
) -> None:
    x, y = at
    if slides:
        part, height, spin = Part("cylinder", (size, 0.8 * size), density=700), 0.8 * size, 0.0
        surface = Surface(friction=None, restitution=0.95)
    else:
        part, height, spin = Part("ball", (size,), density=700), size, speed_m_s / size
        surface = Surface(0.6, restitution=0.9)
    scene.add(
        "puck" if slides else "ball", part, (x, y, height), velocity_m_s=(speed_m_s, 0.0, 0.0),
        spin_rad_s=(0.0, spin, 0.0), surface=surface, marked=marked,
    )  # fmt: skip
