"""Controls from their names."""

from __future__ import annotations

from collections.abc import Sequence

from evals.controls import CONTROLS
from evals.controls.nearest_training_clip import TrainingData
from evals.controls.oracle import Oracle
from evals.controls.planted.fault import PlantedFault
from evals.dreaming import AnswersCase
from evals.games import RealGames
from worldsim.core.protocols import Reconstructs, Simulator


def make_controls(
    names: Sequence[str],
    env_id: str,
    games: RealGames,
    models: Sequence[Reconstructs],
    training_data: TrainingData | None = None,
) -> list[tuple[Simulator | AnswersCase, str]]:
    """The controls of one game with their roles.

    "oracle_vae" is one for each of ``models``, so none where there are none, and "nearest_training_clip" is left out
    where there is no data of this game.

    Raises UnknownNameError for a name that is no control, and WorldsimError for an argument it does not take.
    """
    made: list[tuple[Simulator | AnswersCase, str]] = []
    oracle = Oracle(games)
    for name in dict.fromkeys(names):
        entry = CONTROLS.entry(name)
        role = entry.info["role"]
        if name == "oracle":
            made.append((oracle, role))
        elif name == "oracle_vae":
            for model in models:
                label = name if len(models) == 1 else f"{name}:{getattr(model, 'name', '')}"
                made.append((entry.load()(model, label), role))
        elif name in ("wrong_action", "ignore_prompt"):
            made.append((entry.load()(oracle), role))
        elif name == "other_seed":
            made.append((entry.load()(games), role))
        elif name == "nearest_training_clip":
            if training_data is not None and training_data.env_id == env_id:
                made.append((entry.load()(training_data), role))
        elif role == "fault":
            made.append((PlantedFault(name, games), role))
        else:
            made.append((entry.load()(), role))
    return made
