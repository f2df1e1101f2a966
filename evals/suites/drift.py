"""Drift: the policy plays the real game; a simulator dreams along the same actions without seeing another frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.metrics import drift as metrics
from evals.metrics.pixels import mse, psnr
from evals.scenarios import Case
from evals.suite import Suite
from evals.suites.moments import MomentConfig, draw_recordings, recorded_case
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames

INDEPENDENT_FROM = 500_000  # scenario numbers from here on belong to the independent episodes


@dataclass(frozen=True)
class DriftConfig(MomentConfig):
    """The settings of ``drift.yaml``."""

    horizons: list[int]
    smoothing_frames: int
    independent_episodes: int
    lost_quantile: float
    lively_frames: int


class DriftSuite(Suite):
    """Open loop; the primary is how many frames pass until the dream is as far off as unrelated real episodes are.

    Far off is measured by :func:`evals.metrics.drift.mismatch`, which fading does not deceive, and lost is a dream
    that is no nearer than the nearest tenth (``lost_quantile``) of the unrelated moments.

    Episodes that end inside the horizon are replaced, so termination is seen here only as false alarms; so are those in
    which so little happens that a picture which stops, now or later, would not get lost.
    """

    name = "drift"
    primary = "drift_horizon_frames"
    config_class = DriftConfig
    nulls = ("last_frame", "wrong_action", "copy_context", "other_seed")
    faults = ("freeze", "loop", "scaled", "swapped")
    chance = "last_frame"
    games = ("voxel/arena", "doom/my_way_home")

    def __init__(self, **overrides: Any):
        super().__init__(**overrides)
        self._independent: dict[str, Frames] = {}

    def build(self, game: RealGame, index: int) -> Case:
        """Raises WorldsimError where no episode lasts long enough, or nothing happens in any."""
        independent = self._independent_frames(game)
        mean_frame = independent.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        for recording in draw_recordings(self, game, index):
            start, real = recording.frames[-self.config.horizon - 1 :], recording.frames[-self.config.horizon :]
            facts = {
                "mean_frame": mean_frame,
                "independent_mismatch": metrics.mismatch(independent, real[None], mean_frame),  # (R, H)
                "independent_mse": mse(independent, real[None]).mean(axis=0),  # (H,)
            }
            if self._lively(start, facts):
                return recorded_case(self, game, index, recording, facts)
        raise WorldsimError(
            f"drift: in {self.config.attempts} episodes of {game.env_id} a picture held still did for more than "
            f"lively_frames={self.config.lively_frames} frames; raise it, or take another policy."
        )

    def measure(self, trial: Trial) -> Measurement:
        ((real, dream),) = trial.branches()
        error, start = mse(dream, real), trial.start
        dream_db, still_db = psnr(dream, real), psnr(start[None], real)
        facts = trial.case.facts
        mismatch = metrics.mismatch(dream, real, facts["mean_frame"])
        lost = self._lost(facts)
        horizon, censored = metrics.horizon_frames(mismatch, lost, self.config.smoothing_frames)
        result = Measurement()
        result.add("drift_horizon_frames", horizon)
        result.add("drift_censored", censored)
        for h in self.config.horizons:
            if h <= self.config.horizon:
                result.add(f"psnr@{h}", dream_db[h - 1])
                result.add(f"psnr_gain@{h}", dream_db[h - 1] - still_db[h - 1])
                result.add(f"mismatch@{h}", mismatch[h - 1])
        ratio = metrics.motion_energy_ratio(start, dream, real)
        result.add("motion_energy_ratio", ratio, "" if np.isfinite(ratio) else "nothing moves in the game")
        colours = metrics.colour_drift(dream, real)
        result.add("colour_drift", float(colours.mean()))
        answer, truth = trial.dream["recorded"], trial.case.real["recorded"]
        result.add("reward_mae", metrics.reward_mae(answer.rewards, truth.rewards))
        result.add("termination_false_alarm", metrics.termination_false_alarm(answer.termination_prob, truth.ended))
        result.curves = {
            "psnr": dream_db,
            "psnr_last_frame": still_db,
            "mse": error,
            "mse_independent": facts["independent_mse"],
            "mismatch": mismatch,
            "mismatch_lost": np.full(len(mismatch), lost),
            "colour_drift": colours,
        }
        return result

    def _lively(self, frames: Frames, facts: dict[str, NDArray[Any]]) -> bool:
        """Whether the first of frames (H+1, h, w, 3), and those after a quarter and a half, held still get lost."""
        for stop in (0, self.config.horizon // 4, self.config.horizon // 2):
            rest = frames[stop + 1 :]
            mismatch = metrics.mismatch(frames[stop][None], rest, facts["mean_frame"])
            held, _ = metrics.horizon_frames(mismatch, self._lost(facts), self.config.smoothing_frames)
            if held > self.config.lively_frames:
                return False
        return True

    def _lost(self, facts: dict[str, NDArray[Any]]) -> float:
        return float(np.quantile(facts["independent_mismatch"], self.config.lost_quantile))

    def _independent_frames(self, game: RealGame) -> Frames:
        """The last frames (R, H, h, w, 3) of real episodes of other seeds."""
        if game.key not in self._independent:
            count = self.config.independent_episodes
            episodes = [next(draw_recordings(self, game, INDEPENDENT_FROM + i)) for i in range(count)]
            self._independent[game.key] = np.stack([one.frames[-self.config.horizon :] for one in episodes])
        return self._independent[game.key]
