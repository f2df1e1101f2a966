"""Faults of the camera and of space: it goes elsewhere than told, or what it sees bends as it goes by."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.controls.planted.pictures import redrawn
from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.types import Frames

OPPOSITES = (("left", "right"), ("forward", "back"))
TURNS = ("camera_yaw_right_deg", "camera_pitch_down_deg")
LARGEST_RIPPLE = 0.06  # in frame heights
RIPPLES = 3  # a frame


def wrong_camera(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The real game in which a share of the steps, by severity, moves and turns the camera the opposite way."""
    order = rng.permutation(case.scenario.horizon)
    answers = {}
    for name, actions in case.scenario.branches.items():
        played = actions.copy()
        for step in order[: round(severity * len(order))]:
            played[step] = _opposite(game, actions[step])
        real = game.branch(case.scenario.seed, case.scenario.prefix, played, case.scenario.edits.get(name, ()))
        answers[name] = DreamBranch(real.frames, real.rewards, real.ended.astype(np.float32))
    return answers


def warped_geometry(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Every frame behind rippled glass, which stays where it is while the world goes by; severity is how uneven it is.

    The ripples are at most 6 % of the height, and the same in every frame.
    """
    height, width, _ = case.context_frames.shape[1:]
    row, column = np.mgrid[:height, :width].astype(np.float32)
    phases = rng.uniform(0, 2 * np.pi, 2)
    wave = 2 * np.pi * RIPPLES / height
    size = severity * LARGEST_RIPPLE * height
    from_column = (column + size * np.sin(wave * row + phases[0])).astype(np.float32)
    from_row = (row + size * np.sin(wave * column + phases[1])).astype(np.float32)

    def bend(frame: Frames) -> Frames:
        bent = cv2.remap(frame, from_column, from_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(bent, np.uint8)

    return redrawn(case, lambda frames, branch: np.stack([bend(one) for one in frames]))


def _opposite(game: RealGame, action: NDArray[np.float32]) -> NDArray[np.float32]:
    mirrored = action.copy()
    names = game.codec.names
    for one, other in OPPOSITES:
        if one in names and other in names:
            i, j = game.codec.index(one), game.codec.index(other)
            mirrored[[i, j]] = action[[j, i]]
    for name in TURNS:
        if name in names:
            mirrored[game.codec.index(name)] *= -1
    return mirrored
