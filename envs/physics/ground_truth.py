"""What the scenes know about their present frame."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from envs.physics.look import COLOURS
from envs.physics.scene import GONE, PRESENT, WAITING, Scene
from worldsim.core.types import Camera, GroundTruth, ObjectState


def class_name(scene: Scene, thing: int, colours: NDArray[np.int8]) -> str:
    """What a thing is called: its colour and what it is, "red_ball"."""
    return f"{COLOURS[colours[thing]]}_{scene.things[thing].noun}"


def collect(
    scene: Scene,
    data: mujoco.MjData,
    life: NDArray[np.int8],
    colours: NDArray[np.int8],
    depth: NDArray[np.float32],
    ids: NDArray[np.int32],
    camera: Camera,
) -> GroundTruth:
    """Copies of the buffers, the camera, and all things that are or were in the scene; fixed things are among them."""
    visible = np.bincount(ids.ravel(), minlength=len(scene.things))
    at, velocity = motion(scene, data)
    table = tuple(
        ObjectState(
            thing.id,
            class_name(scene, thing.id, colours),
            tuple(at[thing.id].tolist()),
            tuple(velocity[thing.id].tolist()),
            bool(life[thing.id] == PRESENT),
            int(visible[thing.id]),
        )
        for thing in scene.things[1:]
        if life[thing.id] != WAITING
    )
    return GroundTruth(depth.copy(), ids.copy(), camera, table)


def motion(scene: Scene, data: mujoco.MjData) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where every thing (N, 3) is and how fast it moves (N, 3), in world axes; after ``mj_kinematics``."""
    mujoco.mj_comPos(scene.model, data)
    mujoco.mj_comVel(scene.model, data)
    bodies = [thing.body for thing in scene.things]
    at = data.xpos[bodies]
    # MuJoCo keeps velocities about the centre of mass of the tree that a body belongs to.
    about = data.subtree_com[scene.model.body_rootid[bodies]]
    velocity = data.cvel[bodies, 3:] + np.cross(data.cvel[bodies, :3], at - about)
    return at, velocity


def touching(scene: Scene, data: mujoco.MjData) -> NDArray[np.int64]:
    """Pairs of things that touch, each as one number: the lesser id times the number of things, plus the greater."""
    pairs = np.sort(scene.shapes.things[data.contact.geom], axis=1)
    return pairs[:, 0].astype(np.int64) * len(scene.things) + pairs[:, 1]


def in_vessel(scene: Scene, data: mujoco.MjData, life: NDArray[np.int8]) -> tuple[int, float]:
    """How many grains have their middle in the vessel, and how far it leans, in degrees; after ``mj_kinematics``."""
    vessel = scene.vessel
    assert vessel is not None
    body = scene.things[vessel.thing].body
    rotation = data.xmat[body].reshape(3, 3)
    grains = [scene.things[grain].body for grain in vessel.grains if life[grain] == PRESENT]
    local = (data.xpos[grains] - data.xpos[body]) @ rotation
    inside = (
        (np.hypot(local[:, 0], local[:, 1]) < vessel.radius_m) & (local[:, 2] > 0) & (local[:, 2] < vessel.height_m)
    )
    count = int(inside.sum()) if life[vessel.thing] != GONE else 0
    return count, float(np.degrees(np.arccos(np.clip(rotation[2, 2], -1, 1))))
