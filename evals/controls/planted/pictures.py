"""Faults of the picture: what happens is right and looks wrong."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.types import Frames

LARGEST_BLUR = 0.1  # standard deviation, in frame heights


def blur(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """A Gaussian blur of every frame; severity is its width, at most a tenth of the height."""
    sigma = severity * LARGEST_BLUR * case.context_frames.shape[1]
    return redrawn(case, lambda frames, branch: np.stack([cv2.GaussianBlur(one, (0, 0), sigma) for one in frames]))


def redrawn(case: Case, draw: Callable[[Frames, str], Frames]) -> dict[str, DreamBranch]:
    """Every real branch with other frames: ``draw`` takes frames (H, h, w, 3) and the branch's name."""
    return {
        name: DreamBranch(draw(real.frames, name), real.rewards, real.ended.astype(np.float32))
        for name, real in case.real.items()
    }
