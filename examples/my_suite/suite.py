"""A suite of one's own, in a page: whoever looks away and back should see again what was there.

    worldsim eval simulator=voxel-base suite=examples/my_suite/suite.py:MySuite limit=20
    worldsim validate suite=examples/my_suite/suite.py:MySuite

From one moment of the real game the camera turns away and back, or away and on. A video that stands still would be
right about "back" alone, so what counts is the difference of the two endings, projected on that of the game's endings.
"""

from dataclasses import dataclass

import numpy as np

from evals.games import RealGame
from evals.metrics import METRICS
from evals.metrics.counterfactual import contrast, project
from evals.metrics.pixels import mean_absolute_difference
from evals.scenarios import Case, Scenario
from evals.suite import Suite
from evals.suites.moments import draw_moment
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError

METRICS.add(
    "seen_again",
    "evals.metrics.counterfactual:project",
    "how much of the difference between looking back and turning on is there at the end; 1 is the game itself",
    higher_is_better=True,
    unit="",
)


@dataclass(frozen=True)
class MySuiteConfig:
    """The settings of ``look_away.yaml``."""

    version: int
    scenarios: int
    policy: str
    context_frames: int
    prefix_steps: tuple[int, int]
    turn_deg: float
    steps: int
    min_difference: float
    attempts: int


class MySuite(Suite):
    """Two branches a scenario, alike until the camera is half way; the primary compares their last frames."""

    name = "look_away"  # of the YAML beside this file, and in every table
    primary = "seen_again"
    config_class = MySuiteConfig
    nulls = ("last_frame", "wrong_action")  # know nothing of what is asked: they must score badly
    faults = ("fade", "scaled", "swapped")  # must score the worse, the more of them is planted

    def misfit(self, game: RealGame) -> str:
        return "" if "camera_yaw_right_deg" in game.codec.names else "it has no camera that turns"

    def build(self, game: RealGame, index: int) -> Case:
        right, left = (
            np.tile(game.codec.vector(camera_yaw_right_deg=turn), (self.config.steps, 1))
            for turn in (self.config.turn_deg, -self.config.turn_deg)
        )
        branches = {"back": np.concatenate([right, left]), "on": np.concatenate([right, right])}
        for attempt in range(self.config.attempts):
            moment = draw_moment(game, self.config, index, attempt)  # on seeds that no model was trained on
            if moment is None:
                continue
            real = {name: game.branch(moment.seed, moment.actions, actions) for name, actions in branches.items()}
            apart = mean_absolute_difference(real["back"].frames[-1:], real["on"].frames[-1:])
            if apart >= self.config.min_difference and not any(branch.ended.any() for branch in real.values()):
                scenario = Scenario(
                    self.name, game.env_id, game.env_kwargs, index, moment.seed, moment.actions, branches
                )
                return Case(scenario, moment.frames[-self.config.context_frames :], real, game.fps)
        raise WorldsimError(f"look_away: turning shows nothing new in {game.env_id}; lower min_difference.")

    def measure(self, trial: Trial) -> Measurement:
        real, dream = trial.case.real, trial.dream
        ends = project(
            contrast(dream["back"].frames[-1:], dream["on"].frames[-1:]),
            contrast(real["back"].frames[-1:], real["on"].frames[-1:]),
        )
        result = Measurement()
        result.add("seen_again", ends.agreement)
        return result
