"""The oracle: a simulator that is the real game, brought to the context's origin and played with the given actions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGames
from evals.metrics.violation import POSSIBLE, distance_to_worlds
from evals.scenarios import Case, Scenario
from evals.scenes import RealScenes, attributes_of
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Context, Frames, GameOrigin, Prediction


@dataclass(frozen=True)
class OracleSlot:
    """Where one slot is: its origin, and the actions (n, A) taken since."""

    origin: GameOrigin
    taken: NDArray[np.float32]


class Oracle:
    """The real game as a simulator; it reads ``Context.origin`` and no frame, so its score also proves exact replay.

    Raises WorldsimError for a context without an origin. ``rollout`` plays a branch in one go; ``step`` replays what
    came before it in each slot, so it is exact for any number of slots and slow for long histories.
    """

    name = "oracle"

    def __init__(self, games: RealGames):
        self._games = games

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1}

    def choose_actions(self, scenario: Scenario, branch: str) -> NDArray[np.float32]:
        """It is told what a command means: the actions of the branch."""
        return scenario.branches[branch]

    def from_text(
        self, prompts: Sequence[str], seeds: Sequence[int], frames: int, size: tuple[int, int]
    ) -> list[Frames]:
        """Real clips of scenes with the attributes that the prompts name."""
        scenes = RealScenes(*size)
        return [
            scenes.clip(attributes_of(prompt), seed >> 32, frames) for prompt, seed in zip(prompts, seeds, strict=True)
        ]

    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> list[OracleSlot]:
        slots = []
        for context in contexts:
            if context.origin is None:
                raise WorldsimError("the oracle needs a context that says where it comes from (Context.origin).")
            width = context.origin.prefix.shape[1]
            slots.append(OracleSlot(context.origin, np.zeros((0, width), np.float32)))
        return slots

    def step(self, state: list[OracleSlot], actions: NDArray[np.float32]) -> tuple[list[OracleSlot], Prediction]:
        longer = [
            OracleSlot(slot.origin, np.concatenate([slot.taken, action[None]]))
            for slot, action in zip(state, actions, strict=True)
        ]
        branches = [self._games.play(slot.origin, slot.taken) for slot in longer]
        prediction = Prediction(
            np.stack([branch.frames[-1] for branch in branches]),
            np.array([branch.rewards[-1] for branch in branches], np.float32),
            np.array([branch.ended[-1] for branch in branches], np.float32),
        )
        return longer, prediction

    def rollout(self, state: list[OracleSlot], actions: NDArray[np.float32]) -> Prediction:
        branches = []
        for slot, sequence in zip(state, actions, strict=True):
            whole = np.concatenate([slot.taken, sequence])
            branches.append(self._games.play(slot.origin, whole))
        horizon = actions.shape[1]
        return Prediction(
            np.stack([branch.frames[-horizon:] for branch in branches]),
            np.stack([branch.rewards[-horizon:] for branch in branches]),
            np.stack([branch.ended[-horizon:] for branch in branches]).astype(np.float32),
        )

    def branch(self, state: list[OracleSlot], slots: Sequence[int]) -> list[OracleSlot]:
        return [state[slot] for slot in slots]

    def surprise(self, case: Case) -> NDArray[np.float64]:
        """Of who knows the two worlds of a case's clips: how far each frame goes beyond what either could show."""
        clips = case.facts["clips"]
        return distance_to_worlds(clips, clips[POSSIBLE])
