"""Pairs of worlds that differ in one thing, seen by the same camera: what permanence and interaction are asked in.

A pair in which the camera is not at the same place in both worlds is no pair: there the whole picture would differ, and
a simulator that only moves the camera would seem to know of the thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.scenarios import RealBranch
from worldsim.core.types import Edit, GroundTruth

YAW, PITCH = "camera_yaw_right_deg", "camera_pitch_down_deg"
SAME_VIEW = 1e-6  # metres, and of rotation matrices


def same_view(first: Sequence[GroundTruth], second: Sequence[GroundTruth]) -> NDArray[np.bool_]:
    """At which frames (T,) the cameras of two worlds are the same."""
    return np.array(
        [
            a.camera is not None
            and b.camera is not None
            and bool(np.abs(a.camera.T_world_camera - b.camera.T_world_camera).max() < SAME_VIEW)
            for a, b in zip(first, second, strict=True)
        ]
    )


def play_world(
    game: RealGame,
    seed: int,
    prefix: NDArray[np.float32],
    actions: NDArray[np.float32],
    context_frames: int,
    edits: Sequence[Edit] = (),
) -> tuple[RealBranch, RealBranch]:
    """A world with ``edits``: the last frames that ``prefix`` (P, A) leads to, and what ``actions`` (H, A) do then."""
    start = len(prefix) - context_frames
    played = game.branch(seed, prefix[:start], np.concatenate([prefix[start:], actions]), edits, truth=True)
    parts = (slice(0, context_frames), slice(context_frames, None))
    first, second = (
        RealBranch(played.frames[at], played.rewards[at], played.ended[at], played.truth[at]) for at in parts
    )
    return first, second


def visible_pixels(truths: Sequence[GroundTruth], subjects: Sequence[int]) -> NDArray[np.int64]:
    """How many pixels each subject has in each frame (T, K)."""
    return np.array([[np.count_nonzero(truth.instance_ids == one) for one in subjects] for truth in truths])


def longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """Where the longest run of true values begins and where it is over, (0, 0) where there is none."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    if not len(runs):
        return 0, 0
    start, stop = runs[np.argmax(runs[:, 1] - runs[:, 0])].tolist()
    return start, stop


def pixels_at(count_at_64: float, picture: NDArray[Any]) -> float:
    """A number of pixels at 64 x 64 as one of a picture (H, W, ...) of another size."""
    return count_at_64 * picture.shape[0] * picture.shape[1] / 64**2
