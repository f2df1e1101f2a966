"""Asks a simulator how surprising the clips of a case are, where the case has some and the simulator can say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evals.scenarios import Case
from evals.trial import Trial
from worldsim.core.protocols import Scorable


@runtime_checkable
class KnowsSurprise(Protocol):
    """A control that says how surprising the clips of a case are, and may look at all of it."""

    def surprise(self, case: Case) -> NDArray[np.float64]:
        """Of each frame of ``case.facts["clips"]`` (N, T)."""
        ...


def with_surprise(simulator: Any, trial: Trial, seed: int) -> Trial:
    """The trial with the surprise at its case's clips, or the reason why there is none; one seed for all clips."""
    facts = trial.case.facts
    if "clips" not in facts:
        return trial
    clips = facts["clips"]
    try:
        if isinstance(simulator, Scorable):
            surprise = np.asarray(simulator.score(clips, facts["clip_actions"], [seed] * len(clips)))
        elif isinstance(simulator, KnowsSurprise):
            surprise = simulator.surprise(trial.case)
        else:
            return replace(trial, surprise_reason=f"{simulator.name} cannot say how surprising a clip is")
    except Exception as error:
        return replace(trial, surprise_reason=f"{type(error).__name__}: {error}")
    if surprise.shape != clips.shape[:2] or not np.isfinite(surprise).all():
        reason = f"surprise has shape {surprise.shape}, or is not finite; expected finite numbers {clips.shape[:2]}"
        return replace(trial, surprise_reason=reason)
    return replace(trial, surprise=surprise)
