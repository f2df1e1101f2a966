"""Control: from one moment of the real game two action sequences are played; does each dream follow its own?

After the action-swap test of DESIGN section 6; a pair is state-matched because both branches start at the same point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.metrics.choice import action_swap_2afc
from evals.metrics.pixels import mean_absolute_difference, psnr
from evals.scenarios import Case, Scenario
from evals.suite import Suite
from evals.suites.moments import MomentConfig, draw_moment
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError


@dataclass(frozen=True)
class ControlConfig(MomentConfig):
    """The settings of ``control.yaml``; WorldsimError for a family that is not a pair."""

    horizons: list[int]
    min_difference: float
    families: dict[str, dict[str, dict[str, float]]]

    def __post_init__(self) -> None:
        for name, pair in self.families.items():
            if set(pair) != {"a", "b"}:
                raise WorldsimError(f"control family {name!r} has {sorted(pair)}; give the two sides a and b.")


class ControlSuite(Suite):
    """State-matched pairs; the primary is the share of frames in which dreams are nearer to their own real branches.

    ``other_seed`` is no null here: in another world it still does what the action says, which is what is asked.
    """

    name = "control"
    primary = "action_swap_2afc"
    config_class = ControlConfig
    faults = ("delayed", "ignored", "swapped")
    chance = 0.5
    games = ("voxel/arena", "doom/my_way_home")

    def build(self, game: RealGame, index: int) -> Case:
        """Families take turns; a moment at which the two real branches look alike, or end, is replaced by another one.

        Raises WorldsimError when no family can be told apart anywhere.
        """
        pairs = self.pairs(game)
        names = list(pairs)
        for turn in range(len(names)):
            family = names[(index + turn) % len(names)]
            for attempt in range(self.config.attempts):
                moment = draw_moment(game, self.config, index, turn * self.config.attempts + attempt)
                if moment is None:
                    continue
                scenario = Scenario(
                    self.name, game.env_id, game.env_kwargs, index, moment.seed, moment.actions, pairs[family], family
                )
                real = {
                    side: game.branch(moment.seed, moment.actions, actions) for side, actions in pairs[family].items()
                }
                ends = any(branch.ended.any() for branch in real.values())
                apart = mean_absolute_difference(real["a"].frames, real["b"].frames)
                if not ends and apart >= self.config.min_difference:
                    context = moment.frames[-self.config.context_frames :]
                    return Case(scenario, context, real, game.fps, {"difference": np.array([apart])})
        raise WorldsimError(
            f"control: no pair of actions made a visible difference in {game.env_id} after "
            f"{len(names) * self.config.attempts} moments; lower min_difference or raise attempts."
        )

    def pairs(self, game: RealGame) -> dict[str, dict[str, NDArray[np.float32]]]:
        """The families that the game has channels for, as action sequences (horizon, A); other channels do nothing."""
        found = {}
        for family, pair in self.config.families.items():
            if all(channel in game.codec.names for side in pair.values() for channel in side):
                found[family] = {
                    side: np.tile(game.codec.vector(**values), (self.config.horizon, 1))
                    for side, values in pair.items()
                }
        if not found:
            raise WorldsimError(
                f"control: no family fits the channels of {game.env_id} ({', '.join(game.codec.names)}); "
                "give families=... with its own."
            )
        return found

    def measure(self, trial: Trial) -> Measurement:
        (real_a, dream_a), (real_b, dream_b) = trial.branches()
        result = Measurement()
        score = action_swap_2afc(dream_a, dream_b, real_a, real_b, self.config.min_difference)
        result.add("action_swap_2afc", score)
        dream_db = np.mean([psnr(dream, real) for real, dream in trial.branches()], axis=0)
        still_db = np.mean([psnr(trial.start[None], real) for real, _ in trial.branches()], axis=0)
        for h in self.config.horizons:
            if h <= self.config.horizon:
                at = slice(h - 1, h)
                result.add(f"action_swap_2afc@{h}", action_swap_2afc(dream_a[at], dream_b[at], real_a[at], real_b[at]))
                result.add(f"psnr@{h}", dream_db[h - 1])
                result.add(f"psnr_gain@{h}", dream_db[h - 1] - still_db[h - 1])
        result.curves = {"psnr": dream_db, "psnr_last_frame": still_db}
        return result
