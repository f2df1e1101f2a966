"""The scenes by name; each is a function that fills a SceneBuilder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from envs.physics.parameters import Parameters
from envs.physics.scene import Scene, SceneBuilder
from envs.physics.scenes import breaking, collisions, falling, hanging, occluding, pouring, sliding, stacks
from worldsim.core.errors import UnknownNameError

SCENES: dict[str, Callable[[SceneBuilder], None]] = {
    "free_fall": falling.free_fall,
    "projectile": falling.projectile,
    "collision": collisions.two,
    "collision_many": collisions.many,
    "ramp": sliding.ramp,
    "pendulum": hanging.pendulum,
    "tower": stacks.tower,
    "dominoes": stacks.dominoes,
    "occluder": occluding.passage,
    "shatter": breaking.shatter,
    "pour": pouring.pour,
}


Addition = tuple[str, tuple[float, float, float]]  # class and place of a thing that was added later


def build_scene(name: str, seed: int, split: str, added: Sequence[Addition] = ()) -> Scene:
    """The scene ``name`` of this seed, and what was added to it; equal arguments give equal scenes to the bit.

    What is added comes last: ids, and the places in MuJoCo's arrays, of everything before it stay.
    Raises UnknownNameError for a scene or class that does not exist and WorldsimError for a split that does not.
    """
    if name not in SCENES:
        raise UnknownNameError("physics scene", name, SCENES)
    builder = SceneBuilder(Parameters(name, seed, split))
    SCENES[name](builder)
    for cls, place in added:
        builder.add_another(cls, place)
    return builder.build()
