"""A null for suites that ask whether prompts are followed: everything is real and nobody read the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.controls.oracle import Oracle, OracleSlot
from evals.scenarios import Scenario
from evals.scenes import RealScenes
from worldsim.core.types import Context, Frames, Prediction


class IgnorePrompt:
    """The real game, doing the same whatever is said: the first branch's actions, or a scene that its seed draws."""

    name = "ignore_prompt"

    def __init__(self, oracle: Oracle):
        self._oracle = oracle

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1}

    def choose_actions(self, scenario: Scenario, branch: str) -> NDArray[np.float32]:
        return next(iter(scenario.branches.values()))

    def from_text(
        self, prompts: Sequence[str], seeds: Sequence[int], frames: int, size: tuple[int, int]
    ) -> list[Frames]:
        return [RealScenes(*size).clip({}, seed >> 32, frames) for seed in seeds]

    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> list[OracleSlot]:
        return self._oracle.reset(contexts, prompts, seeds)

    def step(self, state: list[OracleSlot], actions: NDArray[np.float32]) -> tuple[list[OracleSlot], Prediction]:
        return self._oracle.step(state, actions)

    def rollout(self, state: list[OracleSlot], actions: NDArray[np.float32]) -> Prediction:
        return self._oracle.rollout(state, actions)

    def branch(self, state: list[OracleSlot], slots: Sequence[int]) -> list[OracleSlot]:
        return self._oracle.branch(state, slots)
