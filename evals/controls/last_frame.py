"""The simplest null: nothing ever changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.types import Context, Frames, Prediction


class LastFrame:
    """Repeats the last context frame, gives no reward and never ends."""

    name = "last_frame"

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1}

    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> Frames:
        return np.stack([context.frames[-1] for context in contexts])

    def step(self, state: Frames, actions: NDArray[np.float32]) -> tuple[Frames, Prediction]:
        zeros = np.zeros(len(state), np.float32)
        return state, Prediction(state.copy(), zeros, zeros.copy())

    def branch(self, state: Frames, slots: Sequence[int]) -> Frames:
        return state[list(slots)]
