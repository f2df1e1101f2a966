"""Breaking: a rigid whole gives way to its shards, in the substep in which it is pressed too hard.

The shards take over where the whole is and how it moves, so mass and momentum are kept; then they part from its middle.
"""

from __future__ import annotations

import mujoco
import numpy as np

from envs.physics.scene import Scene, Shattering
from envs.physics.surface import IMPACT_PER_SPEED


def pressed_n(scene: Scene, data: mujoco.MjData, thing: int) -> float:
    """The sum of the normal forces that touch a thing now, in newtons."""
    touching = (scene.shapes.things[data.contact.geom] == thing).any(axis=1)
    force = np.zeros(6)
    total = 0.0
    for index in np.flatnonzero(touching):
        mujoco.mj_contactForce(scene.model, data, int(index), force)
        total += float(force[0])
    return total


def break_up(scene: Scene, data: mujoco.MjData, rule: Shattering, force_n: float) -> None:
    """Put the shards where the whole is, with its motion; what is present is up to the caller."""
    model = scene.model
    whole = scene.things[rule.whole].body
    place, speed = int(model.jnt_qposadr[model.body_jntadr[whole]]), int(model.body_dofadr[whole])
    at, quat = data.qpos[place : place + 3].copy(), data.qpos[place + 3 : place + 7].copy()
    velocity, spin = data.qvel[speed : speed + 3].copy(), data.qvel[speed + 3 : speed + 6].copy()
    matrix = np.zeros(9)
    mujoco.mju_quat2Mat(matrix, quat)
    rotation = matrix.reshape(3, 3)
    bodies = [scene.things[shard].body for shard in rule.shards]
    centres = model.body_pos[bodies]  # of the shards in the whole
    spread = float(np.sqrt((centres**2).sum(1).mean()))
    parting = rule.scatter * force_n / (model.body_mass[whole] * IMPACT_PER_SPEED) / spread
    for body, centre in zip(bodies, centres, strict=True):
        place, speed = int(model.jnt_qposadr[model.body_jntadr[body]]), int(model.body_dofadr[body])
        data.qpos[place : place + 3] = at + rotation @ centre
        data.qpos[place + 3 : place + 7] = quat
        # Linear velocity is in world axes, spin in the body's own.
        data.qvel[speed : speed + 3] = velocity + rotation @ (np.cross(spin, centre) + parting * centre)
        data.qvel[speed + 3 : speed + 6] = spin
