"""Moments of held-out games at which scenarios begin: a test seed and a random number of a policy's steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame, Recording
from evals.scenarios import Case, RealBranch, Scenario
from evals.suite import Suite
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import game_seed, stream

SCENARIOS_APART = 1_000_000  # attempt k of scenario i plays test seed i + k * this: no two scenarios share a seed


@dataclass(frozen=True)
class MomentConfig:
    """Settings of a suite whose scenarios begin at moments."""

    version: int
    scenarios: int
    policy: str
    context_frames: int
    prefix_steps: tuple[int, int]
    horizon: int
    attempts: int


def draw_moment(game: RealGame, config: Any, index: int, attempt: int, steps_beyond: int = 0) -> Recording | None:
    """The policy's play up to a random moment and ``steps_beyond`` it, on held-out test seeds; None if it ends before.

    ``config`` has ``policy``, ``prefix_steps`` and ``context_frames``. Raises WorldsimError when the shortest prefix
    does not hold the context.
    """
    low, high = config.prefix_steps
    if not 0 < config.context_frames - 1 <= low <= high:
        raise WorldsimError(
            f"prefix_steps={[low, high]} must rise, and its lower end must hold context_frames={config.context_frames}."
        )
    seed = game_seed(0, "test", index + attempt * SCENARIOS_APART)
    steps = int(stream(seed, "eval prefix").integers(low, high + 1))
    recording = game.record(config.policy, seed, steps + steps_beyond)
    return None if recording.ended else recording


def draw_recordings(suite: Suite, game: RealGame, index: int) -> Iterator[Recording]:
    """Recordings that go the suite's ``horizon`` beyond a moment; WorldsimError where there is none."""
    config, found = suite.config, False
    for attempt in range(config.attempts):
        moment = draw_moment(game, config, index, attempt, config.horizon)
        if moment is not None:
            found = True
            yield moment
    if not found:
        raise WorldsimError(
            f"{suite.name}: {config.attempts} episodes of {game.env_id} ended before {config.prefix_steps[0]} "
            f"steps and horizon={config.horizon}; shorten them."
        )


def recorded_case(
    suite: Suite, game: RealGame, index: int, recording: Recording, facts: dict[str, NDArray[Any]]
) -> Case:
    """The last ``horizon`` steps of a recording as the one branch "recorded" of a scenario."""
    config = suite.config
    prefix = len(recording.actions) - config.horizon
    scenario = Scenario(
        suite.name, game.env_id, game.env_kwargs, index, recording.seed, recording.actions[:prefix],
        {"recorded": recording.actions[prefix:]},
    )  # fmt: skip
    ended = np.zeros(config.horizon, np.bool_)
    real = {"recorded": RealBranch(recording.frames[prefix + 1 :], recording.rewards[prefix:], ended)}
    context = recording.frames[prefix + 1 - config.context_frames : prefix + 1]
    return Case(scenario, context, real, game.fps, facts)
