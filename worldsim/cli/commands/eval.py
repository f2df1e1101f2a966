"""``worldsim eval``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from worldsim.cli import names
from worldsim.cli.settings import setting
from worldsim.cli.simulators import SimulatorSettings, load_simulators
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim eval simulator=voxel-base suite=control limit=20",
    "worldsim eval simulator=[voxel-base,runs/mine] out=runs/compare",
    "worldsim eval simulator=voxel-base suite=examples/my_suite/suite.py:MySuite limit=20",
    "worldsim eval simulator=oracle game=doom/my_way_home suite=drift limit=5",
)


@dataclass(kw_only=True)
class EvalConfig(SimulatorSettings):
    simulator: list[str] = setting(
        "checkpoint names, folders, or controls (worldsim ls simulators)",
        example="voxel-base",
        names="worldsim.cli.names:simulator_names",
        path=True,
    )
    suite: list[str] = setting(
        "suites, or all; FILE.py:CLASS for one of your own",
        default=["all"],
        names="worldsim.cli.names:suite_names",
        path=True,
    )
    game: list[str] = setting(
        "games, or auto: those the simulators were trained on",
        default=["auto"],
        example="voxel/arena",
        names="worldsim.cli.names:environment_ids",
    )
    limit: int | None = setting(
        "scenarios of each suite in each game; the suite's own number unless given", default=None
    )
    out: str | None = setting("run folder; runs/SIMULATOR unless given", default=None, example="runs/a", path=True)
    controls: list[str] = setting(
        "controls to run beside, which make scores and validity possible; auto: oracle, ceiling and nulls; [] for none",
        default=["auto"],
        names="worldsim.cli.names:control_names",
    )
    training_data: str | None = setting(
        "a recorded table, for the control nearest_training_clip", default=None, example="data/arena.lance", path=True
    )
    seed: int = setting("root seed of the dreams", default=0)
    seeds: int = setting("dreams of each scenario by each model, from seeds of their own", default=1)
    videos: int = setting("scenarios of each suite in each game to film", default=3)
    batch: int = setting("dreams at once", default=16)
    overrides: dict[str, Any] = setting("settings of suites, by suite", default={}, example="{control:{horizon:16}}")
    retry_failed: bool = setting("run scenarios again that failed in an earlier run", default=False)


def run(config: EvalConfig) -> None:
    """Dreams beside the real game on held-out scenarios, scored between the best null (0) and the game itself (1).

    The same command goes on where it was stopped.
    """
    evaluate(config)


def evaluate(config: EvalConfig) -> Path:
    """Evaluate, print the table and the run folder, and return the folder."""
    suites = names.chosen(names.suites(), config.suite)
    controls = chosen_controls(config.controls)
    models = [name for name in config.simulator if not names.is_control(name)]
    controls += [name for name in config.simulator if names.is_control(name) and name not in controls]
    out = Path(config.out or Path("runs") / "+".join(Path(name).name for name in config.simulator))

    from worldsim.core.records import read_json

    simulators = load_simulators(models, config)
    summary = import_ours("evals.run").evaluate(
        [(simulator, "model") for simulator in simulators],
        suites,
        None if config.game == ["auto"] else [(env_id, _env_kwargs(env_id, simulators)) for env_id in config.game],
        out,
        limit=config.limit,
        seed=config.seed,
        seeds=config.seeds,
        config=asdict(config),
        config_as_typed=sys.argv[1:],
        overrides=config.overrides,
        controls=controls,
        training_data=open_table(config.training_data),
        videos=config.videos,
        batch=config.batch,
        retry_failed=config.retry_failed,
    )
    table = import_ours("evals.table")
    print(f"{table.format_table(summary)}\n\n{table.format_times(read_json(out / 'record.json'))}\n{out}")
    return out


def chosen_controls(wanted: Sequence[str]) -> list[str]:
    """The controls by name; "auto" is all but the planted faults."""
    if list(wanted) == ["auto"]:
        return list(import_ours("evals.controls").UNPLANTED)
    return names.chosen(names.controls(), wanted) if wanted else []


def open_table(path: str | None) -> Any:
    if path is None:
        return None
    from worldsim.data.store import EpisodeTable

    return EpisodeTable.open(path)


def _env_kwargs(env_id: str, simulators: Sequence[Any]) -> dict[str, Any]:
    """The arguments a game was made with when the simulators learned it."""
    for simulator in simulators:
        about = simulator.describe()
        if env_id in about["env_ids"]:
            return dict(about.get("env_kwargs", {}))
    return {}
