"""The way in: evaluate simulators and controls on suites in games, into a run folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evals.cards import mark
from evals.cases import RealBranches, default_folder
from evals.contests import find_asked, find_contestants
from evals.controls import UNPLANTED
from evals.controls.nearest_training_clip import TrainingData
from evals.dreaming import describe
from evals.games import RealGames
from evals.progress import Progress
from evals.rows import Rows
from evals.runner import Runner
from evals.suites.making import make_suites
from evals.summary import Group, build_summary
from evals.tidy import write_table
from worldsim.core.energy import EnergyMeter
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import Reconstructs, Simulator
from worldsim.core.records import RunRecord, to_plain, utc_now, write_json

Game = tuple[str, dict[str, Any]]


def evaluate(
    simulators: Sequence[tuple[Simulator, str]],
    suites: Sequence[str],
    games: Sequence[Game] | None,
    out: str | Path,
    limit: int | None = None,
    seed: int = 0,
    seeds: int = 1,
    config: Mapping[str, Any] | None = None,
    config_as_typed: Sequence[str] = (),
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    controls: Sequence[str] = UNPLANTED,
    training_data: TrainingData | None = None,
    ceilings: Sequence[Reconstructs] = (),
    videos: int = 3,
    batch: int = 16,
    cache: str | Path | None = None,
    retry_failed: bool = False,
) -> dict[str, Any]:
    """Evaluate and return the summary; ``out`` gets it and the record, the rows, their tidy table and the videos.

    ``simulators`` are (simulator, role) pairs; one whose description names its games plays in those alone. ``games``
    are (environment id, arguments); None takes the simulators' own. ``limit`` is the number of scenarios per suite and
    game, ``seeds`` how often models dream each of them, from the roots ``seed``, ``seed`` + 1, ...; ``overrides`` are
    settings by suite, ``videos`` how many scenarios per suite and game are filmed, ``batch`` how many slots a simulator
    gets at once, ``cache`` where the real branches are kept, ``training_data`` what the control nearest_training_clip
    knows by heart, ``ceilings`` are models that only lend their autoencoder to an oracle_vae. The same call again goes
    on where it was stopped; failed scenarios stay as they are unless ``retry_failed``. Raises WorldsimError for unknown
    names and for a simulator that does not fit its game.
    """
    started, started_utc = time.monotonic(), utc_now()
    energy = EnergyMeter(gpus=str((config or {}).get("device", "")).startswith("cuda"))
    chosen = make_suites(suites, overrides)
    _check_request(simulators, limit, seeds, videos, batch)
    game_list = list(games) if games is not None else _games_of(simulators)
    _check_games(game_list)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    rows = Rows(out)
    if retry_failed:
        rows.drop_failed()
    record = RunRecord(
        kind="eval",
        name=out.name,
        config=to_plain(dict(config or {})),
        config_as_typed=list(config_as_typed),
        model={simulator.name: describe(simulator) for simulator, role in simulators},
        seeds={"eval": seed, "per_scenario": seeds},
        suites={suite.name: suite.version for suite in chosen},
        started_utc=started_utc,
    )
    record.write(out)
    # The oracle has games of its own, so that finding the same frames again says something about replay.
    stage, backstage = RealGames(), RealGames()
    try:
        contests = {}
        for env_id, env_kwargs in game_list:
            game = stage.get(env_id, env_kwargs)
            contests[env_id] = (game, find_contestants(simulators, controls, game, backstage, training_data, ceilings))
        counts = {suite.name: suite.config.scenarios if limit is None else limit for suite in chosen}
        real = RealBranches(Path(cache) if cache else default_folder())
        asked = find_asked(chosen, contests, real)
        roots = range(seed, seed + seeds)
        dreams = [(counts[suite.name], len(one.seeds(roots))) for suite, _, contestants in asked for one in contestants]
        progress = Progress(sum(count * each for count, each in dreams), beat=energy.update)
        runner = Runner(out, rows, real, roots, batch, videos)
        groups = [
            runner.run(suite, game, contestants, counts[suite.name], progress) for suite, game, contestants in asked
        ]
    finally:
        stage.close()
        backstage.close()
    _set_aside(rows, groups)
    summary = mark(to_plain(build_summary(groups)), chosen, dict(game_list), cache)
    write_json(out / "summary.json", summary)
    write_table(out)
    joules = energy.update()
    if joules is not None:
        record.environment |= {"energy_j": round(joules, 1), "energy_of": energy.parts}
    _finish(record, groups, time.monotonic() - started, runner.spent_s).write(out)
    return summary


def _check_request(
    simulators: Sequence[tuple[Simulator, str]], limit: int | None, seeds: int, videos: int, batch: int
) -> None:
    if limit is not None and limit < 1:
        raise WorldsimError(f"limit={limit}: at least 1 scenario is needed.")
    if seeds < 1:
        raise WorldsimError(f"seeds={seeds}: at least 1 dream of each scenario is needed.")
    if videos < 0 or batch < 1:
        raise WorldsimError(f"videos={videos} and batch={batch}: videos must be at least 0 and batch at least 1.")
    for simulator, role in simulators:
        if role not in ("model", "oracle", "ceiling", "null"):
            raise WorldsimError(f"{simulator.name} has the role {role!r}; use model, oracle, ceiling or null.")


def _games_of(simulators: Sequence[tuple[Simulator, str]]) -> list[Game]:
    found: dict[str, dict[str, Any]] = {}
    for simulator, _ in simulators:
        about = describe(simulator)
        for env_id in about.get("env_ids", []):
            found.setdefault(env_id, dict(about.get("env_kwargs", {})))
    return list(found.items())


def _check_games(games: Sequence[Game]) -> None:
    ids = [env_id for env_id, _ in games]
    if not ids:
        raise WorldsimError("no game was given and no simulator names one; give games=[...].")
    if len(set(ids)) < len(ids):
        raise WorldsimError(f"a game is given twice ({', '.join(ids)}); one run compares in each game once.")


def _set_aside(rows: Rows, groups: Sequence[Group]) -> None:
    keys = {row["key"] for group in groups for answers in group.answers for row in answers.rows}
    before = len(rows)
    changed = rows.set_aside_superseded(keys)
    if changed:
        print(
            f"{before - len(rows)} older rows were made with another {', '.join(changed)}; "
            "they were run again and moved to superseded.jsonl.",
            file=sys.stderr,
        )


def _finish(record: RunRecord, groups: Sequence[Group], wall_s: float, spent_s: Mapping[str, float]) -> RunRecord:
    answers = [part for group in groups for part in group.answers]
    return RunRecord(
        **{
            **asdict(record),
            "planned": sum(part.planned for part in answers),
            "completed": sum(part.count("completed") for part in answers),
            "unscored": sum(part.count("unscored") for part in answers),
            "failed": sum(part.count("failed") for part in answers),
            "finished_utc": utc_now(),
            "wall_s": round(wall_s, 2),
            **{f"{part}_s": round(seconds, 2) for part, seconds in spent_s.items()},
            "harness_s": round(wall_s - sum(spent_s.values()), 2),
        }
    )
