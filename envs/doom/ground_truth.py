"""What Doom knows of a frame: exact depth from the level's geometry, ids and objects from the engine, the camera.

World axes: x east, y north, z up, as in the level; 32 map units are a metre, which makes the player 1.75 m tall.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import vizdoom as vzd
from numpy.typing import NDArray

from envs.doom.depth import level_view
from envs.doom.level import Level
from worldsim.core.types import Camera, GroundTruth, ObjectState

UNITS_PER_METRE = 32.0
TICS_PER_SECOND = 35.0
PLAYER = "DoomPlayer"
FIRST_DOOR_ID = 100_000  # beyond the engine's ids of an episode
WEAPON_UNITS = 8.0  # in front of everything: the weapon is a picture on the screen and has no place in the level

# In the order in which the engine hands them over with each frame.
CAMERA_VARIABLES = (
    vzd.GameVariable.CAMERA_POSITION_X,
    vzd.GameVariable.CAMERA_POSITION_Y,
    vzd.GameVariable.CAMERA_POSITION_Z,
    vzd.GameVariable.CAMERA_ANGLE,
)


@dataclass(frozen=True)
class View:
    """The camera of one frame in map units and the frame's size; no button tilts it, so it looks level."""

    position: NDArray[np.float64]  # (3,)
    angle_deg: float  # counter-clockwise from x
    K: NDArray[np.float64]  # (3, 3)
    height: int
    width: int

    @property
    def axes(self) -> NDArray[np.float64]:
        """World directions of right, down and forward, the columns of (3, 3)."""
        cos, sin = np.cos(np.deg2rad(self.angle_deg)), np.sin(np.deg2rad(self.angle_deg))
        return np.array([[sin, 0, cos], [-cos, 0, sin], [0, -1, 0]])


def intrinsics(screen: tuple[int, int], height: int, width: int) -> NDArray[np.float64]:
    """K (3, 3) of a frame of ``height`` x ``width`` resized from the engine's 4:3 ``screen`` (width, height).

    Pixel (0, 0) has its centre at (0, 0). Doom's pixels are not square: its picture was drawn for a screen where
    320x200 fill 4:3. The half pixels off the centre are the engine's own; all four numbers were fitted to the edges
    between walls and floors at 160x120, 320x240 and 640x480 (rms below the pixel grid).
    """
    screen_width, screen_height = screen
    scale = np.array([width / screen_width, height / screen_height])
    focal = np.array([2 / 3, 4 / 5]) * screen_height * scale
    centre = np.array([screen_width / 2 + 0.5, screen_height / 2 - 0.5]) * scale - 0.5
    return np.array([[focal[0], 0, centre[0]], [0, focal[1], centre[1]], [0, 0, 1]])


def describe(state: vzd.GameState, level: Level, screen: tuple[int, int], height: int, width: int) -> GroundTruth:
    """The ground truth of the frame ``state`` shows, which needs the engine's labels; sizes in pixels."""
    assert state.game_variables is not None
    x, y, z, angle_deg = state.game_variables.tolist()[: len(CAMERA_VARIABLES)]
    view = View(np.array([x, y, z]), angle_deg, intrinsics(screen, height, width), height, width)
    heights = _heights(state, level)
    depth, doors = level_view(level, heights, view.position, view.axes, view.K, height, width)
    ids = _instance_ids(state, height, width)
    is_door = (ids == 0) & (doors >= 0)
    ids[is_door] = FIRST_DOOR_ID + doors[is_door]
    numbers, counts = np.unique(ids, return_counts=True)
    pixels = dict(zip(numbers.tolist(), counts.tolist(), strict=True))
    objects = _doors(level, heights, pixels)
    axes = view.axes
    assert state.objects is not None
    for thing in state.objects:
        number = thing.id + 1
        position = (thing.position_x, thing.position_y, thing.position_z)
        if number in pixels:
            # A sprite is a picture that faces the viewer: all of it is as far away as its object.
            depth_of_object = axes[:, 2] @ (np.array(position) - view.position)
            depth[ids == number] = WEAPON_UNITS if thing.name == PLAYER else depth_of_object
        elif thing.name == PLAYER:
            continue  # what is seen of the player is the weapon
        vx, vy, vz = (speed * TICS_PER_SECOND for speed in (thing.velocity_x, thing.velocity_y, thing.velocity_z))
        objects.append(
            ObjectState(
                id=number,
                cls=thing.name,
                position_m=_metres(*position),
                velocity_m_s=_metres(vx, vy, vz),
                alive=True,
                visible_pixels=pixels.get(number, 0),
            )
        )
    pose = np.eye(4)
    pose[:3, :3] = axes
    pose[:3, 3] = view.position / UNITS_PER_METRE
    depth_m = (depth / UNITS_PER_METRE).astype(np.float32)
    return GroundTruth(depth_m, ids, Camera(view.K, pose), tuple(objects))


def _doors(level: Level, heights: NDArray[np.float64], pixels: dict[int, int]) -> list[ObjectState]:
    """Doors as objects, each at the middle of its lower edge, which rises as it opens."""
    objects = []
    for sector, (x, y) in level.door_middles.items():
        number = FIRST_DOOR_ID + sector
        place = _metres(x, y, float(heights[sector, 1]))
        objects.append(ObjectState(number, "Door", place, (0.0, 0.0, 0.0), True, pixels.get(number, 0)))
    return objects


def _heights(state: vzd.GameState, level: Level) -> NDArray[np.float64]:
    """Floor and ceiling (S, 2) of every sector at this moment: doors move."""
    if state.sectors is None:
        return level.heights
    return np.array([(sector.floor_height, sector.ceiling_height) for sector in state.sectors])


def _instance_ids(state: vzd.GameState, height: int, width: int) -> NDArray[np.int32]:
    """The engine's labels at the pixel centres as persistent ids, its own (they start at 0) plus one."""
    labels = state.labels_buffer
    assert labels is not None and state.labels is not None, "the engine runs without labels"
    id_of_label = np.zeros(256, np.int32)
    for label in state.labels:
        id_of_label[label.value] = label.object_id + 1
    return id_of_label[labels[_centres(*labels.shape, height, width)]]


@cache
def _centres(rows: int, columns: int, height: int, width: int) -> tuple[NDArray[np.int64], ...]:
    """Indices of the pixels of a screen (rows, columns) in which the pixel centres of a frame lie."""
    down = ((np.arange(height) + 0.5) * rows / height).astype(int)
    across = ((np.arange(width) + 0.5) * columns / width).astype(int)
    return np.ix_(down, across)


def _metres(x: float, y: float, z: float) -> tuple[float, float, float]:
    return x / UNITS_PER_METRE, y / UNITS_PER_METRE, z / UNITS_PER_METRE
