"""Control: from one moment of the real game two action sequences are played; does each dream follow its own?

After the action-swap test of DESIGN section 6; a pair is state-matched because both branches start at the same point.
Beside it: can the side be told from the dream alone, how far does it turn, and how late does it answer?
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.instruments.inverse_dynamics import SideTeller, motion_features_of
from evals.metrics.answering import balanced_share, dose_response
from evals.metrics.choice import action_swap_2afc
from evals.metrics.latency import latency_frames
from evals.metrics.pixels import mean_absolute_difference, psnr
from evals.metrics.turning import NOT_TRACKED, Steps, compare_turns, turn_steps
from evals.scenarios import Case, RealBranch, Scenario
from evals.suite import Suite
from evals.suites.moments import MomentConfig, draw_moment
from evals.suites.sides import Told, learn_sides
from evals.suites.worlds_apart import YAW
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames


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
    facts_version = 2

    def __init__(self, **overrides: Any):
        super().__init__(**overrides)
        self._told: dict[str, dict[str, Told]] = {}

    def build(self, game: RealGame, index: int) -> Case:
        """Families take turns; a moment at which the two real branches look alike, or end, is replaced by another one.

        Raises WorldsimError when no family can be told apart anywhere.
        """
        pairs, told = self.pairs(game), self.told(game)
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
                    facts = {"difference": np.array([apart]), "hidden": game.hud_mask()}
                    facts |= _facts(told[family], context[-1], real)
                    if self._is_turn(family):
                        facts |= {
                            f"turn_{side}": np.stack(turn_steps(context[-1], branch.frames, facts["hidden"]))
                            for side, branch in real.items()
                        }
                    return Case(scenario, context, real, game.fps, facts)
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

    def told(self, game: RealGame) -> dict[str, Told]:
        """What tells the sides of each family apart in a clip alone, learnt when a game's first scenario is built."""
        if game.key not in self._told:
            self._told[game.key] = learn_sides(game, self.config, self.pairs(game))
        return self._told[game.key]

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
        result.add("latency_frames", latency_frames(dream_a, dream_b, real_a, real_b))
        self._tell(trial, result)
        self._turn(trial, result)
        result.curves = {"psnr": dream_db, "psnr_last_frame": still_db}
        return result

    def conclude(self, rows: Sequence[dict[str, Any]]) -> dict[str, tuple[float, str]]:
        """Inverse dynamics over that of real frames, all families weighing the same, and the slope of the turns."""
        return balanced_share(rows, "inverse_dynamics") | dose_response(rows, "turn")

    def _tell(self, trial: Trial, result: Measurement) -> None:
        """Inverse dynamics: is the side that was played told from each branch alone, with the frame before it?"""
        facts = trial.case.facts
        reason, dream = str(facts["teller_reason"]), np.nan
        if not reason:
            teller = SideTeller(facts["teller_weights"], float(facts["teller_bias"]))
            dream = _right(teller, trial.start, trial.dream["a"].frames, trial.dream["b"].frames)
        result.add("inverse_dynamics", dream, reason)
        result.add("inverse_dynamics_real", float(facts["teller_right"]), reason)

    def _turn(self, trial: Trial, result: Measurement) -> None:
        """The dose of turns: of pairs in which the camera is turned and nothing else is done."""
        facts, found = trial.case.facts, NOT_TRACKED
        reason = "only turns have a dose that can be seen"
        if self._is_turn(trial.case.scenario.family):
            real = Steps(*facts["turn_a"]), Steps(*facts["turn_b"])
            dream_a, dream_b = (
                turn_steps(trial.start, trial.dream[side].frames, facts["hidden"]) for side in ("a", "b")
            )
            found = compare_turns(real, (dream_a, dream_b))
            reason = "" if np.isfinite(found.real) else "the turn is not tracked in the real frames"
        result.add("turn", found.dream, reason)
        result.add("turn_real", found.real, reason)
        result.add("turn_response", found.dream / found.real, reason)

    def _is_turn(self, family: str) -> bool:
        return all(set(side) == {YAW} for side in self.config.families[family].values())


def _facts(told: Told, start: Frames, real: dict[str, RealBranch]) -> dict[str, NDArray[Any]]:
    """A family's instrument as facts of a case, and how it does on the case's own real branches."""
    if told.teller is None:
        return {"teller_reason": np.array(told.reason), "teller_right": np.array(np.nan)}
    return {
        "teller_reason": np.array(""),
        "teller_right": np.array(_right(told.teller, start, real["a"].frames, real["b"].frames)),
        "teller_weights": told.teller.weights,
        "teller_bias": np.array(told.teller.bias),
    }


def _right(teller: SideTeller, start: Frames, a: Frames, b: Frames) -> float:
    """Of two branches (H, h, w, 3) that follow ``start``, the share that is told rightly."""
    return teller.accuracy(*motion_features_of([np.concatenate([start[None], clip]) for clip in (a, b)]))
