"""What is in view in one frame: which things, how many, where in the picture, how far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worldsim.captions.camera import to_image
from worldsim.captions.words import Noun, noun_of
from worldsim.core.types import GroundTruth, ObjectState

MIN_SHARE = 0.0015  # of the frame's pixels: 6 of 64x64, below that nobody could say what it is
NEAR_M, FAR_M = 3.0, 9.0
# The middle of a thing in the picture, in widths: between the bands a place is not named, since a thing is wide.
LEFT_BELOW, MIDDLE, RIGHT_ABOVE = 0.36, (0.42, 0.58), 0.64
MAX_WIDTH_SHARE = 0.3  # what may fill more of the picture than this has no place in it
# Nor has what is so close or so wide that the part of it in view may be far from its middle.
TOO_CLOSE_M = 2.6
WIDE = ("platform", "wall", "floor", "ramp", "table", "canvas", "bridge", "house", "tree", "boulder")


@dataclass(frozen=True)
class Seen:
    """One thing in view; ``side`` and ``reach`` are "" where they would be a matter of opinion."""

    noun: Noun
    side: str  # "left", "middle", "right" or ""
    reach: str  # "near", "far" or ""
    pixels: int
    id: int


def visible(one: ObjectState, frame_shape: tuple[int, int, int]) -> bool:
    """Whether enough of an object is in the picture to be spoken of."""
    if noun_of(one.cls).name == "player":  # who looks is not what is seen
        return False
    return one.alive and one.visible_pixels >= max(3.0, MIN_SHARE * frame_shape[0] * frame_shape[1])


def things_in_view(truth: GroundTruth, frame_shape: tuple[int, int, int]) -> list[Seen]:
    """The objects of a frame that can be seen, those with most pixels first."""
    seen = []
    for one in truth.objects or ():
        if visible(one, frame_shape):
            side, reach = _place(one, truth, frame_shape)
            seen.append(Seen(noun_of(one.cls), side, reach, one.visible_pixels, one.id))
    return sorted(seen, key=lambda thing: (-thing.pixels, thing.id))


def grouped(seen: Sequence[Seen], most: int) -> list[tuple[Noun, int, str, str]]:
    """Equal things counted together: (noun, count, side, reach), a side or reach only where all of them share it."""
    groups: dict[Noun, list[Seen]] = {}
    for thing in seen:
        groups.setdefault(thing.noun, []).append(thing)
    out = []
    for noun, members in list(groups.items())[:most]:
        sides, reaches = {thing.side for thing in members}, {thing.reach for thing in members}
        out.append(
            (noun, len(members), sides.pop() if len(sides) == 1 else "", reaches.pop() if len(reaches) == 1 else "")
        )
    return out


def _place(one: ObjectState, truth: GroundTruth, frame_shape: tuple[int, int, int]) -> tuple[str, str]:
    if truth.camera is None:
        return "", ""
    height, width, _ = frame_shape
    distance_m = float(np.linalg.norm(np.asarray(one.position_m) - truth.camera.T_world_camera[:3, 3]))
    reach = "near" if distance_m < NEAR_M else "far" if distance_m > FAR_M else ""
    u, v, depth_m = to_image(truth.camera, one.position_m)
    share = u / width
    inside = depth_m > 0.2 and 0 <= share < 1 and 0 <= v < height
    wide = np.sqrt(one.visible_pixels) > MAX_WIDTH_SHARE * width or noun_of(one.cls).name.endswith(WIDE)
    if not inside or distance_m < TOO_CLOSE_M or (wide and distance_m < FAR_M):
        return "", reach
    side = "left" if share < LEFT_BELOW else "right" if share > RIGHT_ABOVE else ""
    return side or ("middle" if MIDDLE[0] < share < MIDDLE[1] else ""), reach
