"""Faults of control: the real game, played with other actions than those that were asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from evals.controls.planted import CannotPlant
from evals.controls.wrong_action import WrongAction
from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import DreamBranch

Actions = NDArray[np.float32]  # (H, A)
LARGEST_DELAY, LONGEST_DELAY = 0.5, 16  # of the horizon, in frames


def delayed(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Actions take effect late, after those before the branch; severity is how late, up to half the horizon or 16."""
    steps = max(1, round(severity * min(LONGEST_DELAY, LARGEST_DELAY * case.scenario.horizon)))
    if len(case.scenario.prefix) < steps:
        raise CannotPlant(f"{len(case.scenario.prefix)} actions before the branch cannot fill a delay of {steps}")
    before = case.scenario.prefix[-steps:]
    return played(case, game, lambda actions, branch: np.concatenate([before, actions[:-steps]]))


def scaled(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Actions do too little; severity is the share that is missing: of angles, and of the steps a key is held."""
    buttons = np.array([channel.kind == "binary" for channel in game.codec.channels])
    choices = np.array([channel.kind == "choice" for channel in game.codec.channels])

    def scale(actions: Actions, branch: str) -> Actions:
        less = actions * np.float32(1 - severity)
        # A key that is held for n steps is held for (1 - severity) n of them, evenly spread.
        held = np.floor(np.cumsum(less, axis=0, dtype=np.float64) + 1e-6)
        pressed = np.diff(held, axis=0, prepend=0.0)
        kept = np.diff(np.floor(np.arange(len(actions) + 1) * (1 - severity) + 1e-6)) > 0
        chosen = np.where(kept[:, None], actions, game.codec.vector())
        return np.where(buttons, pressed, np.where(choices, chosen, less)).astype(np.float32)

    return played(case, game, scale)


def ignored(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Nothing is done for a while; severity is the share of steps, the first ones, for which actions do nothing."""
    steps = max(1, round(severity * case.scenario.horizon))
    nothing = np.tile(game.codec.vector(), (steps, 1))
    return played(case, game, lambda actions, branch: np.concatenate([nothing, actions[steps:]]))


def swapped(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Actions not asked for are obeyed (those of ``wrong_action``); severity is the share of steps, here and there.

    The first step is always among them: half of them, if they came late, would never lead to the wrong side.
    """
    horizon = case.scenario.horizon
    order = np.concatenate([[0], 1 + rng.permutation(horizon - 1)])
    wrong = np.isin(np.arange(horizon), order[: max(1, round(severity * horizon))])
    return played(
        case, game, lambda actions, branch: np.where(wrong[:, None], WrongAction.other(case.scenario, branch), actions)
    )


def played(case: Case, game: RealGame, change: Callable[[Actions, str], Actions]) -> dict[str, DreamBranch]:
    """Every branch with changed actions; CannotPlant where there are no actions or the changed ones make no difference.

    A scenario of words alone has none, and neither has a game where nobody does anything.
    """
    scenario, changed = case.scenario, {}
    if scenario.from_nothing:
        raise CannotPlant("videos are made of words alone, there are no actions")
    for name, actions in scenario.branches.items():
        real = game.branch(scenario.seed, scenario.prefix, change(actions, name), scenario.edits.get(name, ()))
        changed[name] = real
    if all(np.array_equal(changed[name].frames, case.real[name].frames) for name in changed):
        raise CannotPlant("the changed actions lead to the same frames")
    return {
        name: DreamBranch(real.frames, real.rewards, real.ended.astype(np.float32)) for name, real in changed.items()
    }
