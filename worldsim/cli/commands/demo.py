"""``worldsim demo``."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from worldsim.cli.commands import eval as evaluation
from worldsim.cli.commands import rollout
from worldsim.cli.progress import duration
from worldsim.cli.settings import setting
from worldsim.core.errors import MissingDependencyError, WorldsimError
from worldsim.core.siblings import import_ours

EXAMPLES = ("worldsim demo", "worldsim demo simulator=voxel-base limit=30 out=runs/look")
SUITES = ["control", "drift"]


@dataclass(kw_only=True)
class DemoConfig:
    out: str = setting("folder for videos, run and report", default="runs/demo", path=True)
    simulator: list[str] = setting(
        "whose dreams to show", default=["voxel-32x", "doom-base"], names="worldsim.cli.names:checkpoint_names"
    )
    episodes: int = setting("held-out episodes to roll out with each", default=2)
    frames: int = setting("frames of each roll-out", default=100)
    limit: int = setting("scenarios of each suite in each game", default=24)


def run(config: DemoConfig) -> None:
    """Rolls each simulator out beside its real game, evaluates control and drift with controls, writes the report.

    Run again, it goes on with the evaluation where it was stopped.
    """
    begun = time.monotonic()
    simulators = [name for name in config.simulator if _is_playable(name)]
    if not simulators:
        raise WorldsimError("none of the games is installed that the simulators need: pip install 'worldsim[doom]'.")
    out = Path(config.out)
    steps = len(simulators) + 2
    for number, name in enumerate(simulators, start=1):
        _announce(number, steps, begun, f"{name} beside its real game, under the same actions")
        folder = out / f"rollout-{name}"
        rollout.run(
            rollout.RolloutConfig(simulator=name, episodes=config.episodes, frames=config.frames, out=str(folder))
        )
    _announce(
        steps - 1, steps, begun, f"{' and '.join(SUITES)} on {config.limit} held-out scenarios each, with controls"
    )
    folder = evaluation.evaluate(
        evaluation.EvalConfig(simulator=simulators, suite=SUITES, limit=config.limit, out=str(out / "eval"))
    )
    _announce(steps, steps, begun, "report")
    report = import_ours("reports.html").write_report([folder], out / "report.html")
    print(f"done in {duration(time.monotonic() - begun)}; open in a browser:", file=sys.stderr)
    print(report.resolve())


def _is_playable(name: str) -> bool:
    """Whether the checkpoint's games are installed; says on stderr what is missing."""
    from worldsim.simulators.checkpoints import find_checkpoint

    registration = import_ours("envs.registration")
    for env_id in find_checkpoint(name).config["env_ids"]:
        entry = registration.GAMES.entry(env_id)
        if registration.missing_dependency(entry):
            package, extra = entry.info["requires"]
            print(f"{name} is left out: {MissingDependencyError(package, extra, env_id)}", file=sys.stderr)
            return False
    return True


def _announce(number: int, steps: int, begun: float, what: str) -> None:
    print(f"\n[{number}/{steps}] {what}  ({duration(time.monotonic() - begun)} so far)", file=sys.stderr, flush=True)
