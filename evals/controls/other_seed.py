"""A null for suites that ask for this world: another one of the same game, in which the same things are done."""

from __future__ import annotations

from typing import Any

import numpy as np

from evals.games import RealGames
from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import game_seed
from worldsim.core.types import GameOrigin

ATTEMPTS = 16  # worlds tried, where episodes end before the branch begins
OTHERS_FROM = 900_000  # test seeds that no suite uses


class OtherSeed:
    """A real continuation that is independent of the context: the branches' actions in the world of another seed."""

    name = "other_seed"

    def __init__(self, games: RealGames):
        self._games = games

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": self.name, "version": 1}

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        """Raises WorldsimError for videos made of words alone, and where no other world lasts long enough."""
        scenario = case.scenario
        if scenario.from_nothing:
            raise WorldsimError("other_seed plays actions, and a video of words alone has none.")
        for attempt in range(ATTEMPTS):
            other = game_seed(0, "test", OTHERS_FROM + attempt + ATTEMPTS * scenario.index)
            origin = GameOrigin(scenario.env_id, scenario.env_kwargs, other, scenario.prefix)
            try:
                real = {name: self._games.play(origin, actions) for name, actions in scenario.branches.items()}
            except WorldsimError:  # the episode ends before the branch begins
                continue
            return {
                name: DreamBranch(one.frames, one.rewards, one.ended.astype(np.float32)) for name, one in real.items()
            }
        raise WorldsimError(
            f"{ATTEMPTS} other worlds of {scenario.env_id} ended within {len(scenario.prefix)} steps of the prefix."
        )
