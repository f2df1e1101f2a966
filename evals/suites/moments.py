"""Moments of held-out games at which scenarios begin: a test seed and a random number of a policy's steps."""

from __future__ import annotations

from typing import Any

from evals.games import RealGame, Recording
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import game_seed, stream

SCENARIOS_APART = 1_000_000  # attempt k of scenario i plays test seed i + k * this: no two scenarios share a seed


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
