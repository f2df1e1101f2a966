"""Who is asked what: the suites that a game can carry, and the simulators and controls that play in it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from evals.cases import RealBranches
from evals.controls import CONTROLS
from evals.controls.making import make_controls
from evals.controls.nearest_training_clip import TrainingData
from evals.controls.oracle_vae import OracleVae
from evals.dreaming import AnswersCase, describe
from evals.games import RealGame, RealGames
from evals.runner import Contestant
from evals.suite import Suite
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import Reconstructs, Simulator


class NothingToAsk(WorldsimError):
    """No suite fits any of the games and those who play there."""


def find_asked(
    suites: Sequence[Suite], contests: Mapping[str, tuple[RealGame, list[Contestant]]], real: RealBranches
) -> list[tuple[Suite, RealGame, list[Contestant]]]:
    """Who is asked what where; a suite is left out of a game that cannot carry it, or of whose models it admits none.

    Said on standard error; raises NothingToAsk where nothing is left.
    """
    asked, left_out = [], []
    for game, contestants in contests.values():
        for suite in suites:
            admitted = [contestant for contestant in contestants if _admitted(suite, contestant)]
            models = [contestant.simulator.name for contestant in contestants if contestant.role == "model"]
            misfit = suite.misfit(game) or _why_no_scenario(suite, game, real)
            if misfit:
                left_out.append(f"{suite.name} cannot be asked in {game.env_id}: {misfit}")
            elif models and not any(contestant.role == "model" for contestant in admitted):
                left_out.append(
                    f"{suite.name} cannot be asked of {', '.join(models)}, which do not offer what it needs"
                )
            else:
                asked.append((suite, game, admitted))
    if not asked:
        raise NothingToAsk(f"nothing can be evaluated. {' '.join(map(_sentence, left_out))}")
    for line in left_out:
        print(f"{_sentence(line)} Left out.", file=sys.stderr)
    return asked


def _why_no_scenario(suite: Suite, game: RealGame, real: RealBranches) -> str:
    """What the first scenario fails at, such as a game without branches, or "" where it can be made."""
    try:
        real.get(suite, game, 0)
    except WorldsimError as error:
        return str(error)
    return ""


def _sentence(text: str) -> str:
    return text.removesuffix(".") + "."


def _admitted(suite: Suite, contestant: Contestant) -> bool:
    simulator, role = contestant.simulator, contestant.role
    if isinstance(simulator, OracleVae):
        return suite.admits(simulator.model)
    if role == "null" and simulator.name in CONTROLS.names():
        return simulator.name in suite.nulls
    return role != "model" or suite.admits(simulator)


def find_contestants(
    simulators: Sequence[tuple[Simulator, str]],
    controls: Sequence[str],
    game: RealGame,
    games: RealGames,
    training_data: TrainingData | None,
    ceilings: Sequence[Reconstructs] = (),
) -> list[Contestant]:
    """Who plays in ``game``: simulators that know it, and the controls; ``ceilings`` only lend their autoencoder."""
    playing: list[tuple[Simulator | AnswersCase, str]]
    playing = [(simulator, role) for simulator, role in simulators if _knows(simulator, game)]
    for simulator, _ in playing:
        _check_fit(simulator, game)
    models: list[Reconstructs]
    models = [simulator for simulator, role in playing if role == "model" and isinstance(simulator, Reconstructs)]
    models += [model for model in ceilings if _knows(model, game)]
    if not game.branches_exactly:
        left = [name for name in controls if CONTROLS.entry(name).info.get("replays")]
        controls = [name for name in controls if name not in left]
        if left:
            print(
                f"{game.env_id} cannot be branched exactly: no score, for {', '.join(left)} replay it.", file=sys.stderr
            )
    playing += make_controls(controls, game.env_id, games, models, training_data)
    names = [simulator.name for simulator, _ in playing]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WorldsimError(f"two simulators are called {twice[0]!r}; give each a name of its own.")
    if not playing:
        raise WorldsimError(f"no simulator knows the game {game.env_id!r} and no control was asked for.")
    return [Contestant.of(simulator, role) for simulator, role in playing]


def _knows(simulator: Any, game: RealGame) -> bool:
    return game.env_id in describe(simulator).get("env_ids", [game.env_id])


def _check_fit(simulator: Simulator | AnswersCase, game: RealGame) -> None:
    about = describe(simulator)
    height, width, _ = game.env.observation_space.shape
    size = (about.get("height", height), about.get("width", width))
    if size != (height, width):
        raise WorldsimError(
            f"{simulator.name} dreams {size[0]}x{size[1]} frames and {game.env_id} was made with {height}x{width} "
            f"(height x width); make the game with height={size[0]} width={size[1]}."
        )
    channels = [channel["name"] for channel in about.get("codec") or []]
    if channels and channels != list(game.codec.names):
        raise WorldsimError(
            f"{simulator.name} takes the action channels {', '.join(channels)}; {game.env_id} has "
            f"{', '.join(game.codec.names)}. Evaluate it in a game of its own."
        )
