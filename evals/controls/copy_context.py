"""A null that moves: what was seen is seen again."""

from __future__ import annotations

from typing import Any

import numpy as np

from evals.scenarios import Case
from evals.trial import DreamBranch


class CopyContext:
    """The stored context frames of a branch, again and again; no reward, no end."""

    name = "copy_context"

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1}

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        horizon = case.scenario.horizon
        zeros = np.zeros(horizon, np.float32)
        found = {}
        for name in case.scenario.branches:
            seen = case.contexts.get(name, case.context_frames)
            found[name] = DreamBranch(seen[np.arange(horizon) % len(seen)], zeros, zeros.copy())
        return found
