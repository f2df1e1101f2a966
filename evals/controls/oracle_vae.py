"""The oracle seen through a model's autoencoder: the ceiling of what that model can reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.controls.oracle import Oracle, OracleSlot
from evals.scenarios import Scenario
from worldsim.core.protocols import Describes, Reconstructs
from worldsim.core.types import Context, Frames, Prediction


class OracleVae:
    """The real game, each frame encoded and decoded by ``model.reconstruct``."""

    def __init__(self, oracle: Oracle, model: Reconstructs, name: str = "oracle_vae"):
        self.name, self._oracle, self.model = name, oracle, model

    def describe(self) -> dict[str, Any]:
        model = self.model.describe() if isinstance(self.model, Describes) else {}
        return {"kind": "control", "control": "oracle_vae", "version": 1, "model": model}

    def choose_actions(self, scenario: Scenario, branch: str) -> NDArray[np.float32]:
        return self._oracle.choose_actions(scenario, branch)

    def from_text(
        self, prompts: Sequence[str], seeds: Sequence[int], frames: int, size: tuple[int, int]
    ) -> list[Frames]:
        return [self.model.reconstruct(clip) for clip in self._oracle.from_text(prompts, seeds, frames, size)]

    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> list[OracleSlot]:
        return self._oracle.reset(contexts, prompts, seeds)

    def step(self, state: list[OracleSlot], actions: NDArray[np.float32]) -> tuple[list[OracleSlot], Prediction]:
        state, prediction = self._oracle.step(state, actions)
        return state, self._through(prediction)

    def rollout(self, state: list[OracleSlot], actions: NDArray[np.float32]) -> Prediction:
        return self._through(self._oracle.rollout(state, actions))

    def branch(self, state: list[OracleSlot], slots: Sequence[int]) -> list[OracleSlot]:
        return self._oracle.branch(state, slots)

    def _through(self, prediction: Prediction) -> Prediction:
        frames: Frames = prediction.frames
        seen = self.model.reconstruct(frames.reshape(-1, *frames.shape[-3:]))
        return Prediction(np.asarray(seen).reshape(frames.shape), prediction.reward, prediction.termination_prob)
