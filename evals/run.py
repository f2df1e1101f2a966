"""The way in: evaluate simulators and controls on suites in games, into a run folder."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evals.cases import RealBranches, default_folder
from evals.controls import CONTROLS, UNPLANTED
from evals.controls.making import make_controls
from evals.controls.nearest_training_clip import TrainingData
from evals.controls.oracle_vae import OracleVae
from evals.dreaming import AnswersCase, describe
from evals.games import RealGame, RealGames
from evals.progress import Progress
from evals.rows import Rows
from evals.runner import Contestant, Runner
from evals.suite import Suite
from evals.suites import SUITES
from evals.summary import Group, build_summary
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
    config: Mapping[str, Any] | None = None,
    config_as_typed: Sequence[str] = (),
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    controls: Sequence[str] = UNPLANTED,
    training_data: TrainingData | None = None,
    videos: int = 3,
    batch: int = 16,
    cache: str | Path | None = None,
    retry_failed: bool = False,
) -> dict[str, Any]:
    """Evaluate, write ``record.json``, ``rows.jsonl``, ``summary.json`` and ``videos/`` in ``out``, return the summary.

    ``simulators`` are (simulator, role) pairs; one whose description names its games plays in those alone. ``games``
    are (environment id, arguments); None takes the simulators' own. ``limit`` is the number of scenarios per suite and
    game, ``overrides`` settings by suite, ``videos`` how many scenarios per suite and game are filmed, ``batch`` how
    many slots a simulator gets at once, ``cache`` where the real branches are kept,
    ``training_data`` what the control nearest_training_clip knows by heart. The same call again goes on where
    it was stopped; failed scenarios stay as they are unless ``retry_failed``. Raises WorldsimError for unknown names
    and for a simulator that does not fit its game.
    """
    started, started_utc = time.monotonic(), utc_now()
    overrides = overrides or {}
    for name in (*overrides, *suites):
        SUITES.entry(name)
    chosen: list[Suite] = [SUITES.load(name)(**overrides.get(name, {})) for name in dict.fromkeys(suites)]
    _check_request(simulators, chosen, limit, videos, batch)
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
        seeds={"eval": seed},
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
            contests[env_id] = (game, _contestants(simulators, controls, game, backstage, training_data))
        counts = {suite.name: suite.config.scenarios if limit is None else limit for suite in chosen}
        asked = _asked(chosen, contests)
        progress = Progress(sum(counts[suite.name] * len(contestants) for suite, _, contestants in asked))
        runner = Runner(out, rows, RealBranches(Path(cache) if cache else default_folder()), seed, batch, videos)
        groups = [
            runner.run(suite, game, contestants, counts[suite.name], progress) for suite, game, contestants in asked
        ]
    finally:
        stage.close()
        backstage.close()
    _set_aside(rows, groups)
    summary = to_plain(build_summary(groups))
    write_json(out / "summary.json", summary)
    _finish(record, groups, time.monotonic() - started).write(out)
    return summary


def _asked(
    suites: Sequence[Suite], contests: Mapping[str, tuple[RealGame, list[Contestant]]]
) -> list[tuple[Suite, RealGame, list[Contestant]]]:
    """Who is asked what where: a suite is left out of a game that does not fit it, or of whose models it admits none."""
    asked, left_out = [], []
    for game, contestants in contests.values():
        for suite in suites:
            admitted = [contestant for contestant in contestants if _admitted(suite, contestant)]
            models = [contestant.simulator.name for contestant in contestants if contestant.role == "model"]
            misfit = suite.misfit(game)
            if misfit:
                left_out.append(f"{suite.name} cannot be asked in {game.env_id}: {misfit}")
            elif models and not any(contestant.role == "model" for contestant in admitted):
                left_out.append(
                    f"{suite.name} cannot be asked of {', '.join(models)}, which do not offer what it needs"
                )
            else:
                asked.append((suite, game, admitted))
    if not asked:
        raise WorldsimError(f"nothing can be evaluated: {'; '.join(left_out)}.")
    for line in left_out:
        print(f"{line}; left out.", file=sys.stderr)
    return asked


def _admitted(suite: Suite, contestant: Contestant) -> bool:
    simulator, role = contestant.simulator, contestant.role
    if isinstance(simulator, OracleVae):
        return suite.admits(simulator.model)
    if role == "null" and simulator.name in CONTROLS.names():
        return simulator.name in suite.nulls
    return role != "model" or suite.admits(simulator)


def _contestants(
    simulators: Sequence[tuple[Simulator, str]],
    controls: Sequence[str],
    game: RealGame,
    games: RealGames,
    training_data: TrainingData | None,
) -> list[Contestant]:
    """Who plays in ``game``: the simulators that know it, and the controls."""
    playing: list[tuple[Simulator | AnswersCase, str]]
    playing = [(s, role) for s, role in simulators if game.env_id in describe(s).get("env_ids", [game.env_id])]
    for simulator, _ in playing:
        _check_fit(simulator, game)
    models = [simulator for simulator, role in playing if role == "model" and isinstance(simulator, Reconstructs)]
    playing += make_controls(controls, game.env_id, games, models, training_data)
    names = [simulator.name for simulator, _ in playing]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise WorldsimError(f"two simulators are called {twice[0]!r}; give each a name of its own.")
    if not playing:
        raise WorldsimError(f"no simulator knows the game {game.env_id!r} and no control was asked for.")
    return [Contestant.of(simulator, role) for simulator, role in playing]


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


def _check_request(
    simulators: Sequence[tuple[Simulator, str]], suites: Sequence[Suite], limit: int | None, videos: int, batch: int
) -> None:
    if not suites:
        raise WorldsimError(f"no suite was asked for; give suite=[...] of {', '.join(SUITES.names())}.")
    if limit is not None and limit < 1:
        raise WorldsimError(f"limit={limit}: at least 1 scenario is needed.")
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


def _finish(record: RunRecord, groups: Sequence[Group], wall_s: float) -> RunRecord:
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
        }
    )
