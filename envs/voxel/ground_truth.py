"""What a voxel world knows about its present frame, from the buffers the ray-caster filled together with it."""

from __future__ import annotations

import numpy as np
from numba import njit
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
    rx, ry, rz, wx, wy, wz, fx, fy, fz = axes(yaw_deg, pitch_deg)
    x, y, z = eye
    K = np.array([[focal_px, 0.0, (width - 1) / 2], [0.0, focal_px, (height - 1) / 2], [0.0, 0.0, 1.0]])
    # Columns: right, down, forward, eye.
    T = np.array([[rx, wx, fx, x], [ry, wy, fy, y], [rz, wz, fz, z], [0.0, 0.0, 0.0, 1.0]])
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


@njit(cache=True)
def count_ids(ids, count):
    """How often each id below ``count`` occurs in ``ids`` (N,); neighbours, mostly alike, are counted at once."""
    counts = np.zeros(count, np.int64)
    begin = 0
    for i in range(1, len(ids) + 1):
        if i == len(ids) or ids[i] != ids[begin]:
            if ids[begin] < count:
                counts[ids[begin]] += i - begin
            begin = i
    return counts


class RestingRows:
    """The rows of objects as they stand, kept from frame to frame: making all anew is most of what a table costs."""

    def __init__(self) -> None:
        self._seen: list[tuple[Placed, bool, int]] = []
        self._rows: list[ObjectState] = []

    def update(self, objects: list[Placed], alive: list[bool], visible: list[int]) -> list[ObjectState]:
        """The rows (N,); ``alive`` and ``visible`` pixels are by id, that is from object 0, which is terrain."""
        seen = list(zip(objects, alive[1:], visible[1:], strict=True))
        if len(seen) != len(self._seen):
            self._rows = [_at_rest(*one) for one in seen]
        else:
            for i, (now, before) in enumerate(zip(seen, self._seen, strict=True)):
                if now != before:
                    self._rows[i] = _at_rest(*now)
        self._seen = seen
        return self._rows.copy()


def _at_rest(placed: Placed, alive: bool, visible: int) -> ObjectState:
    number, cls, x, y, z = placed
    return ObjectState(number, cls, (x, y, z), (0.0, 0.0, 0.0), alive, visible)


def collect(
    world: World,
    objects: list[Placed],
    alive: list[bool],
    resting: RestingRows,
    depth: NDArray[np.float32],
    instance: NDArray[np.int32],
    eye: tuple[float, float, float],
    focal_px: float,
    steps_per_s: int,
) -> GroundTruth:
    """Copies of the buffers, the camera, and the table of all objects; ``alive`` says by id whose blocks are left.

    An object lives while a block of it is left or an entity bears its id; the place of a moving one is its middle.
    """
    visible = count_ids(instance.ravel(), len(objects) + 1).tolist()
    table = resting.update(objects, alive, visible)
    for row in world.entities[world.entities[:, state.SORT] > 0].tolist():
        number = int(row[state.ID])
        middle = (row[state.X], row[state.Y] + row[state.HEIGHT_Y] / 2, row[state.Z])
        velocity = (row[state.VX] * steps_per_s, row[state.VY] * steps_per_s, row[state.VZ] * steps_per_s)
        table[number - 1] = ObjectState(number, objects[number - 1][1], middle, velocity, True, visible[number])
    place = camera(eye, float(world.body[state.YAW]), float(world.body[state.PITCH]), focal_px, depth.shape)
    return GroundTruth(depth.copy(), instance.copy(), place, tuple(table))
