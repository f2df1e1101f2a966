"""Faults of what should move and does not: a thing that nobody looks at, or a part of the picture."""

from __future__ import annotations

import numpy as np

from evals.controls.planted import CannotPlant
from evals.controls.planted.pictures import redrawn
from evals.controls.planted.worlds import partly
from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.types import Frames


def stop(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """The subject is where it was last seen, in the frames that are scored; severity is the share of it."""
    if "frozen" not in case.facts:
        raise CannotPlant("nothing moves while it is out of sight")
    first, after = next(iter(case.real)), len(case.facts["frozen"])
    wrong = np.concatenate([case.real[first].frames[:-after], case.facts["frozen"]])
    return redrawn(case, lambda frames, branch: partly(frames, wrong, severity) if branch == first else frames)


def still(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """A part of the picture stays as it was at the start; severity is the share of the pixels that should change."""

    def draw(frames: Frames, branch: str) -> Frames:
        start = case.contexts.get(branch, case.context_frames)[-1]
        return partly(frames, np.broadcast_to(start, frames.shape), severity)

    return redrawn(case, draw)
