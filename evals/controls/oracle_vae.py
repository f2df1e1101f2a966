"""The real game seen through a model's autoencoder: the ceiling of what that model can reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.protocols import Describes, Reconstructs


class OracleVae:
    """The real branches, each frame encoded and decoded by ``model.reconstruct``."""

    def __init__(self, model: Reconstructs, name: str = "oracle_vae"):
        self.name, self.model = name, model

    def describe(self) -> dict[str, Any]:
        model = self.model.describe() if isinstance(self.model, Describes) else {}
        return {"kind": "control", "control": "oracle_vae", "version": 2, "model": model}

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        real = [case.real[name] for name in case.scenario.branches]
        seen = np.asarray(self.model.reconstruct(np.concatenate([one.frames for one in real])))
        frames = np.split(seen, np.cumsum([len(one.frames) for one in real])[:-1])
        return {
            name: DreamBranch(part, one.rewards, one.ended.astype(np.float32))
            for name, part, one in zip(case.scenario.branches, frames, real, strict=True)
        }
