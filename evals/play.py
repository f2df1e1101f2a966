"""Play whole action sequences in a simulator, step by step or as it likes best."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.protocols import RollsOut, Simulator
from worldsim.core.types import Prediction


def roll_out(simulator: Simulator, state: Any, actions: NDArray[np.float32]) -> Prediction:
    """Play actions (B, H, A) from ``state``; the arrays of the result have a time axis after the batch."""
    if isinstance(simulator, RollsOut):
        return simulator.rollout(state, actions)
    steps = []
    for t in range(actions.shape[1]):
        state, prediction = simulator.step(state, actions[:, t])
        # Copied, because the simulator may reuse its memory in the next step.
        steps.append([np.array(part) for part in (prediction.frames, prediction.reward, prediction.termination_prob)])
    return Prediction(*(np.stack(part, axis=1) for part in zip(*steps, strict=True)))
