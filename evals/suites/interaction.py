"""Interaction: what was done to the world is still done later, wherever one has looked or gone meanwhile.

Each scenario is played twice from one moment: the act is done, or nothing is, and everything else is the same. What is
scored is what then differs in the real game, in frames that the same camera sees. Counterfactual projection of DESIGN
section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from envs.policies.voxel_reacher import ACTS
from evals.games import RealGame
from evals.metrics.counterfactual import contrast, looked_away, project, strength
from evals.metrics.lasting import lasting
from evals.scenarios import Case, Scenario
from evals.suite import Suite
from evals.suites import acts
from evals.suites.acts import LOOK_AWAY, VIEWPOINTS, Interaction
from evals.suites.worlds_apart import pixels_at, play_world, same_view
from evals.trial import Measurement, Trial
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.seeding import stream

DONE, NOT_DONE = "done", "not_done"


@dataclass(frozen=True)
class InteractionConfig:
    """The settings of ``interaction.yaml``; UnknownNameError or WorldsimError for those that cannot be played."""

    version: int
    scenarios: int
    policy: str
    context_frames: int
    acts: list[str]
    lags: list[int]
    viewpoints: list[str]
    frames_after: int
    turn_deg: float
    away_deg: tuple[float, float]
    shift_deg: tuple[float, float]
    around_deg: float
    min_pixels: int
    reach_steps: int
    attempts: int

    def __post_init__(self) -> None:
        for kind, names, known in (("act", self.acts, ACTS), ("viewpoint", self.viewpoints, VIEWPOINTS)):
            for name in names:
                if name not in known:
                    raise UnknownNameError(kind, name, known)
        if not self.lags or min(self.lags) < 8:
            raise WorldsimError(f"lags={self.lags}: give at least one of 8 frames or more; one has to look away in it.")
        if self.frames_after < 1:
            raise WorldsimError(f"frames_after={self.frames_after}: at least 1 frame has to be scored.")


class InteractionSuite(Suite):
    """Acts, lags and viewpoints take turns; the primary is the projection of what is left of the act."""

    name = "interaction"
    primary = "persistence"
    config_class = InteractionConfig
    nulls = ("last_frame", "wrong_action", "copy_context")  # other_seed does it too, if elsewhere: it knows something
    faults = ("revert_edit", "fade_edit", "edit_elsewhere")
    games = ("voxel/arena", "voxel/gallery")

    def __init__(self, **overrides: Any):
        super().__init__(**overrides)
        self._acts: dict[str, list[str]] = {}

    def misfit(self, game: RealGame) -> str:
        try:
            self.acts(game)
        except WorldsimError as error:
            return str(error)
        return ""

    def build(self, game: RealGame, index: int) -> Case:
        """A script that cannot be played, or changes too little, is replaced by another one.

        Raises WorldsimError where there is nothing to act on.
        """
        names = self.acts(game)
        plan = list(product(names, self.config.viewpoints, self.config.lags))
        order = stream(0, "eval", "interaction", len(plan)).permutation(len(plan))
        act, viewpoint, lag = plan[int(order[index % len(plan)])]
        for turn in range(len(names)):
            name = names[(names.index(act) + turn) % len(names)]
            for attempt in range(turn * self.config.attempts, (turn + 1) * self.config.attempts):
                script = acts.interaction(game, self.config, index, attempt, name, viewpoint, lag)
                case = self._case(game, index, name, viewpoint, lag, script) if script else None
                if case is not None:
                    return case
        raise WorldsimError(
            f"interaction: nothing could be done visibly in {game.env_id} in {len(names) * self.config.attempts} "
            f"attempts ({viewpoint}, lag {lag}); lower min_pixels, or raise attempts or reach_steps."
        )

    def acts(self, game: RealGame) -> list[str]:
        """Those that the game has something for."""
        if game.key not in self._acts:
            self._acts[game.key] = acts.possible_acts(game, self.config.acts)
        if not self._acts[game.key]:
            raise WorldsimError(
                f"interaction: {game.env_id} has nothing for any of {', '.join(self.config.acts)}; "
                "try game=voxel/gallery."
            )
        return self._acts[game.key]

    def _case(self, game: RealGame, index: int, act: str, viewpoint: str, lag: int, script: Interaction) -> Case | None:
        """Both branches; None where the act changes too little that is seen, or the way of the camera."""
        branches = {DONE: script.done, NOT_DONE: script.not_done}
        worlds = {
            name: play_world(game, script.seed, script.prefix, actions, self.config.context_frames)
            for name, actions in branches.items()
        }
        real = {name: branch for name, (_, branch) in worlds.items()}
        covered, acted, after = game.hud_mask(), script.act_steps, -self.config.frames_after
        apart = contrast(real[DONE].frames, real[NOT_DONE].frames, covered)
        pixels = (apart != 0).any(-1).sum((1, 2))
        away = (pixels == 0) & (np.arange(len(pixels)) >= acted)
        if (
            any(branch.ended.any() for branch in real.values())
            or not same_view(real[DONE].truth[acted - 1 :], real[NOT_DONE].truth[acted - 1 :]).all()
            or (pixels[after:] < pixels_at(self.config.min_pixels, real[DONE].frames[0])).any()
            or pixels[acted - 1] == 0
            or (viewpoint == LOOK_AWAY) != bool(away.any())
        ):
            return None
        facts = {
            "hidden": covered,
            "away": away,
            "acted": np.array(acted),
            "lag": np.array(lag),
            "viewpoint": np.array(viewpoint),
        }
        scenario = Scenario(self.name, game.env_id, game.env_kwargs, index, script.seed, script.prefix, branches, act)
        return Case(scenario, worlds[DONE][0].frames, real, game.fps, facts)

    def measure(self, trial: Trial) -> Measurement:
        facts, after = trial.case.facts, slice(-self.config.frames_after, None)
        real, dream = (
            contrast(branch[DONE].frames, branch[NOT_DONE].frames, facts["hidden"])
            for branch in (trial.case.real, trial.dream)
        )
        found, turned, at_once = project(dream[after], real[after]), 1.0, slice(facts["acted"] - 1, facts["acted"])
        if facts["away"].any():
            turned = looked_away(dream[facts["away"]], real[at_once])
        kept, lag = found.agreement * turned, int(facts["lag"])
        result = Measurement()
        result.add("persistence", kept)
        result.add(f"persistence@{lag}", kept)
        result.add("rho", found.rho)
        result.add(f"rho@{lag}", found.rho)
        result.add("at_once", project(dream[at_once], real[at_once]).agreement)
        result.add("leak", found.leak)
        result.add("looked_away", turned)
        result.curves = {"contrast": strength(dream), "contrast_real": strength(real)}
        return result

    def conclude(self, rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, str]]:
        """The half-life: after how long half of it is gone."""
        return lasting(rows, "persistence")
