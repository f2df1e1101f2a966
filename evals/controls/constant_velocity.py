"""A null for physics: every body goes on as fast as it was, through everything, and nothing pulls it down."""

from __future__ import annotations

from typing import Any

import numpy as np

from evals.metrics.trajectory import middle
from evals.scenarios import Case
from evals.trial import DreamBranch


class ConstantVelocity:
    """The bodies of the last context frame, cut out and moved along before the empty stage; for the physics suite."""

    name = "constant_velocity"

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1}

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        facts, start = case.facts, case.context_frames[-1]
        horizon, height = case.scenario.horizon, start.shape[0]
        frames = np.broadcast_to(facts["stage"], (horizon, *start.shape)).copy()
        moves = middle(facts["forecasts"][1] - facts["forecasts"][0]) * height  # (H, C, 2) right and down, pixels
        for body in range(moves.shape[1]):
            y, x = np.nonzero(facts["start_labels"] == body + 1)
            for t in range(horizon):
                right, down = np.rint(np.nan_to_num(moves[t, body])).astype(int)
                inside = (y + down >= 0) & (y + down < height) & (x + right >= 0) & (x + right < start.shape[1])
                frames[t, (y + down)[inside], (x + right)[inside]] = start[y[inside], x[inside]]
        zeros = np.zeros(horizon, np.float32)
        return {name: DreamBranch(frames, zeros, zeros.copy()) for name in case.scenario.branches}
