"""What a voxel world knows about its present frame, from the buffers the ray-caster filled together with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from envs.voxel import kinds, state
from envs.voxel.map import Placed
from envs.voxel.motion import axes
from envs.voxel.state import World
from worldsim.core.types import Camera, GroundTruth, ObjectState

STATEFUL = [kind.number for kind in kinds.KINDS if kind.seen_as] + [kinds.CANVAS]
_IS_STATEFUL = np.isin(np.arange(kinds.KIND_COUNT), STATEFUL)
_NAMES = tuple({kinds.NAMES[kind] for kind in STATEFUL})


def camera(eye: tuple[float, float, float], yaw_deg: float, pitch_deg: float, focal_px: float, shape: tuple[int, int]):
    """The pinhole camera; pixel (row v, column u) has its centre at the image point (u, v)."""
    height, width = shape
    K = np.array([[focal_px, 0, (width - 1) / 2], [0, focal_px, (height - 1) / 2], [0, 0, 1]])
    T = np.eye(4)
    T[:3, :3] = np.array(axes(yaw_deg, pitch_deg)).reshape(3, 3).T  # columns: right, down, forward
    T[:3, 3] = eye
    return Camera(K, T)


def with_states(world: World, objects: list[Placed]) -> list[Placed]:
    """The objects with classes that follow their state, the list itself where none has any.

    A "door" is a "closed_door" or an "open_door", a "lamp" is "lit" or "unlit", a "switch" "on" or "off". Once bitten a
    cake is a "bitten_cake_N" with N bites left, and once painted a canvas is a "painted_canvas_N" with paint on N of
    the squares it is made of, PAINT_SIZE across a block; a stroke over paint alone does not show.
    """
    if not any(cls.endswith(_NAMES) for _, cls, *_ in objects):
        return objects
    cells = np.flatnonzero(_IS_STATEFUL[world.blocks.ravel()])
    kind_of = dict(zip(world.ids.flat[cells].tolist(), world.blocks.flat[cells].tolist(), strict=True))
    painted = _squares_painted(world)
    shown = list(objects)
    for number, kind in kind_of.items():
        if number == 0:
            continue
        _, cls, x, y, z = objects[number - 1]
        seen_as = kinds.BY_NUMBER[kind].seen_as
        if kind == kinds.CANVAS and number in painted:
            seen_as = f"painted_canvas_{painted[number]}"
        if seen_as:  # a blank canvas has its name only
            shown[number - 1] = (number, cls.removesuffix(kinds.NAMES[kind]) + seen_as, x, y, z)
    return shown


def _squares_painted(world: World) -> dict[int, int]:
    """How many squares have paint, of each canvas that is not blank."""
    squares: dict[int, int] = {}
    counts = np.count_nonzero(world.paint, axis=(1, 2))
    for number, count in zip(world.ids.flat[world.canvas_cells].tolist(), counts.tolist(), strict=True):
        if count and number:
            squares[number] = squares.get(number, 0) + count
    return squares


def collect(
    world: World,
    objects: list[Placed],
    cells_left: NDArray[np.intp],
    depth: NDArray[np.float32],
    instance: NDArray[np.int32],
    eye: tuple[float, float, float],
    focal_px: float,
    steps_per_s: int,
) -> GroundTruth:
    """Copies of the buffers, the camera, and the table of all objects; ``cells_left`` counts the cells of each id.

    An object lives while a block of it is left or an entity bears its id; the place of a moving one is its middle.
    """
    visible = np.bincount(instance.ravel(), minlength=len(objects) + 1).tolist()
    left = cells_left.tolist()
    table = [
        ObjectState(number, cls, (x, y, z), (0.0, 0.0, 0.0), left[number] > 0, visible[number])
        for number, cls, x, y, z in objects
    ]
    for row in world.entities[world.entities[:, state.SORT] > 0].tolist():
        number = int(row[state.ID])
        middle = (row[state.X], row[state.Y] + row[state.HEIGHT_Y] / 2, row[state.Z])
        velocity = (row[state.VX] * steps_per_s, row[state.VY] * steps_per_s, row[state.VZ] * steps_per_s)
        table[number - 1] = ObjectState(number, objects[number - 1][1], middle, velocity, True, visible[number])
    place = camera(eye, float(world.body[state.YAW]), float(world.body[state.PITCH]), focal_px, depth.shape)
    return GroundTruth(depth.copy(), instance.copy(), place, tuple(table))
