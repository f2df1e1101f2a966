"""A null for suites that ask for detail: everything is right, and nothing can be made out."""

from __future__ import annotations

from typing import Any

import numpy as np

from evals.controls.planted.pictures import blurred
from evals.scenarios import Case
from evals.trial import DreamBranch


class BlurredOracle:
    """The real game, blurred by a tenth of its height: what ``planted/blur@1`` is, in the part of a null."""

    name = "blurred_oracle"

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1}

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        return {
            name: DreamBranch(blurred(real.frames, 1.0), real.rewards, real.ended.astype(np.float32))
            for name, real in case.real.items()
        }
