"""A null for suites that ask whether the dream obeys: everything is right but the actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evals.play import roll_out
from evals.scenarios import Scenario
from worldsim.core.protocols import Describes, Simulator
from worldsim.core.types import Context, Prediction


@runtime_checkable
class ChoosesActions(Protocol):
    """A control that is to be played with other actions than the scenario's; the runner asks it for them."""

    def choose_actions(self, scenario: Scenario, branch: str) -> NDArray[np.float32]:
        """The actions (H, A) to play where the scenario asks for those of ``branch``."""
        ...


class WrongAction:
    """A simulator (the oracle, unless another is given) played with the wrong actions.

    Of a scenario with several branches it plays the next one's; of a single branch the same actions rolled by half the
    horizon, which keeps how often each is used and takes away when.
    """

    def __init__(self, simulator: Simulator, name: str = "wrong_action"):
        self.name, self._simulator = name, simulator

    def describe(self) -> dict[str, Any]:
        inner = self._simulator
        of = inner.describe() if isinstance(inner, Describes) else {"name": inner.name}
        return {"kind": "control", "control": "wrong_action", "version": 1, "of": of}

    @staticmethod
    def other(scenario: Scenario, branch: str) -> NDArray[np.float32]:
        """The actions (H, A) that are obeyed instead of those of ``branch``."""
        names = list(scenario.branches)
        if len(names) > 1:
            return scenario.branches[names[(names.index(branch) + 1) % len(names)]]
        return np.roll(scenario.branches[branch], scenario.horizon // 2, axis=0)

    def choose_actions(self, scenario: Scenario, branch: str) -> NDArray[np.float32]:
        return self.other(scenario, branch)

    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        return self._simulator.reset(contexts, prompts, seeds)

    def step(self, state: Any, actions: NDArray[np.float32]) -> tuple[Any, Prediction]:
        return self._simulator.step(state, actions)

    def rollout(self, state: Any, actions: NDArray[np.float32]) -> Prediction:
        return roll_out(self._simulator, state, actions)

    def branch(self, state: Any, slots: Sequence[int]) -> Any:
        return self._simulator.branch(state, slots)
