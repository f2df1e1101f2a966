"""``worldsim validate``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldsim.cli import names
from worldsim.cli.commands.eval import open_table
from worldsim.cli.settings import setting
from worldsim.cli.simulators import SimulatorSettings, load_simulators
from worldsim.core.errors import WorldsimError
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim validate suite=control env=voxel/arena",
    "worldsim validate suite=all limit=24",
    "worldsim validate suite=control simulator=voxel-base",
)


@dataclass(kw_only=True)
class ValidateConfig:
    suite: list[str] = setting("suites, or all", default=["all"], names="worldsim.cli.names:suite_names")
    env: list[str] = setting(
        "games, or auto: those that each suite names",
        default=["auto"],
        example="voxel/arena",
        names="worldsim.cli.names:environment_ids",
    )
    limit: int = setting("scenarios of each suite in each game", default=24)
    simulator: list[str] = setting(
        "checkpoints through whose autoencoder the game is also seen; faults then have to be told from that",
        default=[],
        example="voxel-base",
        names="worldsim.cli.names:checkpoint_names",
        path=True,
    )
    training_data: str | None = setting(
        "a recorded table, for the control nearest_training_clip", default=None, example="data/arena.lance", path=True
    )
    out: str = setting("folder for the cards and the runs behind them", default="runs/validate", path=True)
    overrides: dict[str, Any] = setting("settings of suites, by suite", default={}, example="{control:{horizon:16}}")
    device: str = setting("where the autoencoder runs", default="cpu", example="cuda")


def run(config: ValidateConfig) -> None:
    """Runs each suite on the real game, on nulls and on planted faults: does it measure what it says?

    Writes a page and JSON; eval and report then say of the suite's numbers whether they are valid.
    """
    if config.limit < 1:
        raise WorldsimError(f"limit={config.limit}: at least 1 scenario is needed.")
    suites = names.chosen(names.suites(), config.suite)
    cards = import_ours("evals.validation").validate(
        suites,
        None if config.env == ["auto"] else [(env_id, {}) for env_id in config.env],
        config.out,
        config.limit,
        ceilings=load_simulators(config.simulator, SimulatorSettings(device=config.device)),
        overrides=config.overrides,
        training_data=open_table(config.training_data),
        config_as_typed=sys.argv[1:],
    )
    out = import_ours("reports.validity").write_cards(cards, Path(config.out) / "validity.html")
    print(import_ours("evals.cards").format_cards(cards))
    print(f"\n{out}")
