"""Faults of motion: bodies fall too fast or too slowly, go through each other, or all too slowly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from envs.physics import is_physics
from evals.controls.planted import CannotPlant
from evals.controls.planted.pictures import redrawn
from evals.games import RealGame
from evals.scenarios import Case
from evals.trial import DreamBranch

if TYPE_CHECKING:  # it needs MuJoCo, and time can be warped in games without it
    from envs.physics.env import PhysicsEnv

FALLS_M = 0.1  # a body whose height changes less is not moved by gravity
MOST_THINGS = 100  # in a scene
THINNEST = 0.02  # of their size; what is left of the bodies that go through each other


def double_gravity(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Gravity from the branch on is 2 to the power of the severity times as strong."""
    return _with_gravity(case, game, 2.0**severity)


def half_gravity(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Gravity from the branch on is 2 to the power of the severity times weaker."""
    return _with_gravity(case, game, 0.5**severity)


def pass_through(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Bodies sink into each other and the floor by this share of their size; of grains this share do so wholly."""
    order = rng.permutation(MOST_THINGS)

    def thin(env: PhysicsEnv) -> None:
        model, vessel = env.scene.model, env.scene.vessel
        if vessel is None:
            moves = model.body_dofnum[model.geom_bodyid] > 0
            model.geom_size[moves] *= max(1 - severity, THINNEST)
            return
        # Grains a little thinner all pour through the gaps of the glass: that would be no matter of degree.
        chosen = [grain for grain in order if grain in vessel.grains][: round(severity * len(vessel.grains))]
        model.geom_size[np.isin(env.scene.shapes.things, chosen)] *= THINNEST

    return _replayed(case, game, thin)


def time_warp(case: Case, game: RealGame, severity: float, rng: np.random.Generator) -> dict[str, DreamBranch]:
    """Everything happens too slowly: at this severity's share of the speed less; at 1 time stands still."""
    start = case.context_frames[-1:]

    def slow(frames: NDArray[np.uint8], branch: str) -> NDArray[np.uint8]:
        times = np.rint((1 - severity) * np.arange(1, len(frames) + 1)).astype(int)
        return np.concatenate([start, frames])[times]

    return redrawn(case, slow)


def _with_gravity(case: Case, game: RealGame, factor: float) -> dict[str, DreamBranch]:
    if not _something_falls(case, game):
        raise CannotPlant(f"nothing rises or falls in this scene of {game.env_id}.")

    def multiply(env: PhysicsEnv) -> None:
        env.scene.model.opt.gravity[:] *= factor

    return _replayed(case, game, multiply)


def _something_falls(case: Case, game: RealGame) -> bool:
    scenario = case.scenario
    for name, actions in scenario.branches.items():
        played = game.branch(scenario.seed, scenario.prefix, actions, scenario.edits.get(name, ()), truth=True)
        heights: dict[int, list[float]] = {}
        for truth in played.truth:
            for one in truth.objects or ():
                heights.setdefault(one.id, []).append(one.position_m[2])
        if any(max(of_one) - min(of_one) > FALLS_M for of_one in heights.values()):
            return True
    return False


def _replayed(case: Case, game: RealGame, change: Callable[[PhysicsEnv], None]) -> dict[str, DreamBranch]:
    """The game played with its model changed from the branch on; CannotPlant where that makes no difference to see."""
    env = game.env
    if not is_physics(env):
        raise CannotPlant(f"{game.env_id} is no physics scene.")
    scenario = case.scenario
    answers = {}
    for name, actions in scenario.branches.items():
        game.bring(scenario.seed, scenario.prefix, scenario.edits.get(name, ()))
        with _own_model(env):
            change(env)
            real = game.branch(scenario.seed, scenario.prefix, actions, scenario.edits.get(name, ()))
        game.bring(scenario.seed, scenario.prefix, scenario.edits.get(name, ()))  # for where it is, no actions lead
        answers[name] = DreamBranch(real.frames, real.rewards, real.ended.astype(np.float32))
    if all((answers[name].frames == real.frames).all() for name, real in case.real.items()):
        raise CannotPlant(f"it makes no difference in this scene of {game.env_id}.")
    return answers


@contextmanager
def _own_model(env: PhysicsEnv) -> Iterator[None]:
    """What is changed in the model's gravity and sizes is put back."""
    model = env.scene.model
    gravity, sizes = model.opt.gravity.copy(), model.geom_size.copy()
    try:
        yield
    finally:
        model.opt.gravity[:], model.geom_size[:] = gravity, sizes
