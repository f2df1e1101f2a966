"""What is known of a game from its name alone: the kind of place, and which world axes are north and east."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worldsim.captions.clip import Clip


@dataclass(frozen=True)
class World:
    """``north`` and ``east`` are world axes (x, y, z); None where nothing in the picture depends on them."""

    places: tuple[str, ...] = ()
    north: tuple[float, float, float] | None = None
    east: tuple[float, float, float] | None = None


_VOXEL = {"north": (0.0, 0.0, -1.0), "east": (1.0, 0.0, 0.0)}
WORLDS = {  # the longest prefix of a game's id counts
    "voxel/": World(("a world of blocks",), **_VOXEL),
    "voxel/arena": World(("a walled arena", "a small arena of blocks", "an arena with four walls"), **_VOXEL),
    "voxel/terrain": World(("open land made of blocks", "a landscape of blocks"), **_VOXEL),
    "voxel/gallery": World(("a gallery made of blocks",), **_VOXEL),
    "voxel/maze": World(("a maze of rooms and corridors",), **_VOXEL),
    "voxel/stage": World(("a stage made of blocks",), **_VOXEL),
    "doom/": World(("a level of Doom", "a dark level")),
    "doom/my_way_home": World(("a maze of rooms", "connected rooms in Doom")),
    "doom/health_gathering": World(("a room with an acid floor",)),
    "physics/": World(("a physics scene", "a table-top scene")),
    "minecraft/": World(("a Minecraft world",)),
}


def world_of(env_id: str) -> World:
    """What is known of ``env_id``; nothing, where it is somebody else's game."""
    known = [prefix for prefix in WORLDS if env_id.startswith(prefix)]
    return WORLDS[max(known, key=len)] if known else World()


def heading(clip: Clip, frame: int) -> str:
    """ "north", ... for a camera that looks within 25 degrees of it, else ""."""
    world = world_of(clip.env_id)
    camera = clip.truth[frame].camera if clip.truth else None
    if world.north is None or world.east is None or camera is None:
        return ""
    forward = camera.T_world_camera[:3, 2]
    ahead, aside = float(forward @ np.array(world.north)), float(forward @ np.array(world.east))
    if np.hypot(ahead, aside) < 0.3:  # straight up or down
        return ""
    angle = float(np.degrees(np.arctan2(aside, ahead)))
    nearest = round(angle / 90)
    return ("north", "east", "south", "west")[nearest % 4] if abs(angle - 90 * nearest) <= 25 else ""
