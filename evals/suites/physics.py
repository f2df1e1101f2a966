"""Physics: a mechanical scene plays on by itself; are the dreamt bodies where real ones are, and why not?

The scores are relative to the better of two forecasts that know no physics: every body stays, and every body keeps the
velocity it had. Bodies are found in real and dreamt frames by one instrument (evals.instruments.bodies).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.instruments.bodies import BodyFinder, learn_colours, sight
from evals.metrics.trajectory import distance, lost_at_most, persistence
from evals.scenarios import Case, RealBranch, Scenario
from evals.suite import Suite
from evals.suites.hidden_swaps import four_clips
from evals.suites.moments import SCENARIOS_APART, MomentConfig
from evals.suites.physics_measures import measure_physics
from evals.suites.physics_worlds import Bodies, another_take, at_start, bodies_of, empty_stage, motion_facts
from evals.trial import Measurement, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import game_seed, stream

FAMILY = "physics/"
HIDES = ("physics/occluder",)  # games in which a body passes out of sight
SPLITS = ("in", "out")
Facts = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class PhysicsConfig(MomentConfig):
    """The settings of ``physics.yaml``; WorldsimError for a context that does not fit before the branch."""

    min_error: float
    instrument_error: float
    moved: float
    jitter: float
    swaps: list[str]
    swap_frames: int
    swap_seen: int
    swap_longest: int

    def __post_init__(self) -> None:
        low, high = self.prefix_steps
        if not 1 < self.context_frames <= low <= high:
            raise WorldsimError(
                f"prefix_steps={[low, high]} must rise from context_frames={self.context_frames} at least, "
                "and those are 2 or more."
            )


class PhysicsSuite(Suite):
    """The primary is the skill of the bodies' trajectories: 1 is the game, 0 no better than a forecast without physics.

    Half of the scenarios have parameters outside of the usual range ("out"), unless the game's arguments say which.
    """

    name = "physics"
    primary = "trajectory_skill"
    config_class = PhysicsConfig
    nulls = ("last_frame", "copy_context", "constant_velocity", "other_seed")
    games = ("physics/free_fall", "physics/collision", "physics/shatter", "physics/occluder")
    faults = ("double_gravity", "half_gravity", "pass_through", "time_warp")

    def __init__(self, **overrides: Any):
        super().__init__(**overrides)
        self._games: dict[tuple[str, str], RealGame] = {}

    def misfit(self, game: RealGame) -> str:
        return "" if game.env_id.startswith(FAMILY) else f"its bodies are found in the scenes of {FAMILY}* alone"

    def build(self, game: RealGame, index: int) -> Case:
        """Raises WorldsimError when nothing happens in any scene that is tried."""
        split = game.env_kwargs.get("split", SPLITS[index % 2])
        game = self._with_split(game, split)
        for attempt in range(self.config.attempts):
            case = self._attempt(game, index, attempt, split)
            if case is not None:
                return case
        raise WorldsimError(
            f"physics: nothing happened in {self.config.attempts} scenes of {game.env_id} (split {split!r}); "
            "lower min_error or raise attempts."
        )

    def measure(self, trial: Trial) -> Measurement:
        facts = trial.case.facts
        finder = BodyFinder(facts["stage"], facts["colours"], facts["many"], facts["start_shapes"])
        return measure_physics(trial, finder.find(trial.dream["plays"].frames), self.config.moved)

    def _with_split(self, game: RealGame, split: str) -> RealGame:
        if game.env_kwargs.get("split") == split:
            return game
        key = (game.key, split)
        if key not in self._games:
            self._games[key] = RealGame(game.env_id, {**game.env_kwargs, "split": split})
        return self._games[key]

    def _attempt(self, game: RealGame, index: int, attempt: int, split: str) -> Case | None:
        """The case of one seed; None where too little happens, or where the instrument fails."""
        seed = game_seed(0, "test", index + attempt * SCENARIOS_APART)
        rng = stream(seed, "eval physics")
        prefix = int(rng.integers(self.config.prefix_steps[0], self.config.prefix_steps[1] + 1))
        actions = np.tile(game.codec.vector(), (prefix + self.config.horizon, 1))
        # Frame t of ``whole`` is what action t led to: the last context frame is the one at prefix - 1.
        context, after = slice(prefix - self.config.context_frames, prefix), slice(prefix, None)
        bodies = bodies_of(game, seed)
        whole = game.branch(seed, actions[:0], actions, truth=True)
        take = another_take(game, seed, actions, self.config.jitter, rng)
        stage = empty_stage(game, seed, actions)
        facts = {
            "stage": stage if len(stage) == 1 else stage[after],
            "colours": learn_colours(take.frames, bodies.labels(take.truth), len(bodies.things)),
            "many": bodies.many,
            "take": take.frames[after],
        }
        seen = self._where(facts, whole, bodies, context, after)
        if seen is None:
            return None
        facts |= seen | motion_facts(game, bodies, whole.truth, after) | self._clips(game, seed, index, rng)
        scenario = Scenario(
            self.name, game.env_id, game.env_kwargs, index, seed, actions[:prefix], {"plays": actions[prefix:]}, split
        )
        real = RealBranch(whole.frames[after], whole.rewards[after], whole.ended[after])
        return Case(scenario, whole.frames[context], {"plays": real}, game.fps, facts)

    def _where(self, facts: Facts, whole: RealBranch, bodies: Bodies, context: slice, after: slice) -> Facts | None:
        """Where the bodies are, truly and as the instrument finds them; None if nothing happens that it could see."""
        labels = bodies.labels(whole.truth)
        truly = sight(labels, bodies.many)
        before = truly.shapes[context]
        height, width = whole.frames.shape[1:3]
        forecasts = persistence(before, self.config.horizon, width / height)
        found = BodyFinder(facts["stage"], facts["colours"], bodies.many, before[-1]).find(whole.frames[after])
        off = distance(found.shapes, truly.shapes[after])
        # A body counts where it is to be seen, was seen before, and can be found.
        known = np.isfinite(before[..., 0, 0]).sum(0) > 1
        scored = (off < self.config.instrument_error) & known
        if not scored.any():
            return None
        naive = np.array([lost_at_most(distance(one, found.shapes))[scored].mean() for one in forecasts])
        if naive.min() < self.config.min_error:
            return None
        return {
            "start_labels": labels[context][-1],
            "start_shapes": before[-1],
            "forecasts": forecasts.astype(np.float32),
            "naive_error": naive,
            "shapes": found.shapes,
            "areas": found.areas,
            "pieces": found.pieces,
            "instrument_error": off,
            "visible": truly.seen[after] & known,
            "scored": scored,
        }

    def _clips(self, game: RealGame, seed: int, index: int, rng: np.random.Generator) -> Facts:
        """Clips for violation of expectation; nothing in a game that hides nothing, or where no kind of swap works."""
        if game.env_id not in HIDES:
            return {}
        actions = np.tile(game.codec.vector(), (self.config.swap_frames, 1))
        marked = int(at_start(game, seed).scene.marked)
        first = index // 2 % len(self.config.swaps)  # splits take turns first
        for kind in self.config.swaps[first:] + self.config.swaps[:first]:
            clips = four_clips(
                game, seed, actions, marked, kind, rng, self.config.swap_seen, self.config.swap_longest
            )  # fmt: skip
            if clips is not None:
                none = np.tile(game.codec.vector(), (*clips.shape[:1], clips.shape[1] - 1, 1))
                return {"clips": clips, "clip_actions": none.astype(np.float32), "swap": np.array(kind)}
        return {}
