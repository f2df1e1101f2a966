"""A planted fault as a control: its score must fall as its severity grows, or the suite does not see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from evals.controls.planted import FAULTS, fault_name, parse_fault
from evals.games import RealGame, RealGames
from evals.scenarios import Case
from evals.trial import DreamBranch
from worldsim.core.seeding import stream

Fault = Callable[[Case, RealGame, float, np.random.Generator], dict[str, DreamBranch]]


class PlantedFault:
    """The real game with one thing wrong, in a degree; ``name`` is ``planted/<fault>@<severity>``.

    Raises UnknownNameError and WorldsimError as ``parse_fault`` does.
    """

    def __init__(self, name: str, games: RealGames):
        self.fault, self.severity = parse_fault(name)
        self.name = fault_name(self.fault, self.severity)
        self._games = games
        self._make: Fault = FAULTS.load(self.fault)

    def describe(self) -> dict[str, Any]:
        return {"kind": "control", "control": "planted", "fault": self.fault, "severity": self.severity, "version": 1}

    def answer(self, case: Case, seed: int) -> dict[str, DreamBranch]:
        game = self._games.get(case.scenario.env_id, case.scenario.env_kwargs)
        return self._make(case, game, self.severity, stream(seed, "planted", self.fault))
