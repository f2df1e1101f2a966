"""What a scene looks like: colours, textures, light, sky and camera, drawn by seed apart from the physics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.physics.render import CHECKER, PLAIN, STRIPES
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Camera

PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (214, 52, 44),  # the body that pushes act on wears it, and nothing else does
    "orange": (238, 140, 38),
    "yellow": (240, 210, 70),
    "green": (70, 160, 74),
    "cyan": (70, 190, 200),
    "blue": (52, 92, 200),
    "purple": (142, 78, 182),
    "pink": (236, 130, 176),
    "white": (236, 234, 228),
    "grey": (132, 134, 140),
    "brown": (140, 94, 58),
}
COLOURS = tuple(PALETTE)
MARKED = "red"
_BASE = np.array(list(PALETTE.values()), np.float64)
SHADES = np.stack([_BASE, 0.55 * _BASE], axis=1)  # (colours, 2, 3), the two colours of a texture
_FLOORS = ((196, 186, 168), (150, 160, 150), (176, 150, 124), (120, 130, 146), (206, 204, 200), (108, 104, 100))
_SKIES = (
    ((208, 222, 236), (108, 156, 214)),
    ((236, 216, 196), (142, 150, 190)),
    ((226, 228, 226), (168, 178, 186)),
    ((66, 72, 92), (24, 28, 48)),
)
VERTICAL_FOV_DEG = 45.0  # of the shorter side


@dataclass(frozen=True)
class Light:
    """One distant light with hard shadows; ``ambient`` is the share of it that is everywhere."""

    direction: NDArray[np.float64]  # (3,), to the light
    ambient: float
    tint: NDArray[np.float64]  # (3,)
    sky: NDArray[np.float64]  # (2, 3), horizon and zenith
    floor: NDArray[np.float64]  # (2, 3)
    floor_texture: int
    floor_scale_m: float


@dataclass(frozen=True)
class View:
    """Where the camera stands: around ``target_m``, at azimuth 0 in front of the scene (towards -y), looking at it."""

    target_m: tuple[float, float, float]
    distance_m: float
    azimuth_deg: float  # counter-clockwise seen from above
    elevation_deg: float
    orbit_deg_s: float  # how fast the orbiting camera goes round

    def pose(self, turned_deg: float) -> NDArray[np.float64]:
        """T_world_camera (4, 4) after the camera has gone round by so much."""
        azimuth, elevation = math.radians(self.azimuth_deg + turned_deg), math.radians(self.elevation_deg)
        out = np.array(
            [math.sin(azimuth) * math.cos(elevation), -math.cos(azimuth) * math.cos(elevation), math.sin(elevation)]
        )
        right = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
        T = np.eye(4)
        T[:3, 0], T[:3, 1], T[:3, 2] = right, np.cross(-out, right), -out
        T[:3, 3] = np.array(self.target_m) + self.distance_m * out
        return T


def focal_px(height: int, width: int) -> float:
    """Focal length in pixels: the shorter side of the frame shows ``VERTICAL_FOV_DEG``."""
    return min(height, width) / 2 / math.tan(math.radians(VERTICAL_FOV_DEG) / 2)


def pinhole(pose: NDArray[np.float64], height: int, width: int) -> Camera:
    """The camera; pixel (row v, column u) has its centre at the image point (u, v)."""
    focal = focal_px(height, width)
    K = np.array([[focal, 0, (width - 1) / 2], [0, focal, (height - 1) / 2], [0, 0, 1]])
    return Camera(K, pose)


def draw_light(rng: np.random.Generator) -> Light:
    """Light, sky and floor of a scene."""
    # From the camera's side, so that the faces one sees are not all in the shade.
    azimuth, elevation = math.radians(rng.uniform(-170, -10)), math.radians(rng.uniform(38, 68))
    direction = np.array(
        [math.cos(azimuth) * math.cos(elevation), math.sin(azimuth) * math.cos(elevation), math.sin(elevation)]
    )
    sky = np.array(_SKIES[rng.integers(len(_SKIES))], np.float64)
    floor = np.array(_FLOORS[rng.integers(len(_FLOORS))], np.float64)
    return Light(
        direction=direction,
        ambient=float(rng.uniform(0.45, 0.6)),
        tint=1 + rng.uniform(-0.06, 0.06) * np.array([1.0, 0.0, -1.0]),
        sky=sky,
        floor=np.stack([floor, floor * rng.uniform(0.72, 0.88)]),
        floor_texture=int(rng.choice([CHECKER, CHECKER, STRIPES, PLAIN])),
        floor_scale_m=float(rng.uniform(0.4, 0.9)),
    )


def nearest_colour(rgb: Sequence[int]) -> int:
    """The place in ``COLOURS`` of the colour that is most like ``rgb`` (0 to 255)."""
    values = np.asarray(rgb, np.float64)
    if values.shape != (3,) or not ((values >= 0) & (values <= 255)).all():
        raise WorldsimError(
            f"colour={rgb!r}: give the name of one ({', '.join(COLOURS)}) or (red, green, blue) to 255."
        )
    return int(((_BASE - values) ** 2).sum(1).argmin())
