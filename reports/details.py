"""How the runs were made: everything a reader needs to repeat them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from html import escape
from typing import Any

from reports.numbers import ABSENT, count, duration, number, words
from reports.runs import Run
from reports.tables import table

MODEL_WORDS = {"params": "parameters", "train_flops": "training FLOPs", "checkpoint_hash": "checkpoint hash"}


def details_table(runs: Sequence[Run]) -> str:
    """Facts down, runs across."""
    columns = [facts(run) for run in runs]
    names = list(dict.fromkeys(name for column in columns for name in column))
    body = [[escape(name), *(column.get(name, ABSENT) for column in columns)] for name in names]
    return table("How each run was made", ["", *(escape(run.name) for run in runs)], body)


def facts(run: Run) -> dict[str, str]:
    """Name to HTML for one run."""
    record = run.record
    shown: dict[str, str] = {}
    model = record.model
    if len(model) == 1 and isinstance(only := next(iter(model.values())), dict):
        model = only  # the run's one model needs no name before each fact
    for path, value in flat(model):
        shown[": ".join(MODEL_WORDS.get(part, words(part)) for part in path)] = _value(value)
    if record.config_as_typed:
        typed = " ".join(shlex.quote(str(word)) for word in record.config_as_typed)
        shown["as typed"] = f"<code>{escape(typed)}</code>"
    shown["suites"] = escape(", ".join(f"{name} v{version}" for name, version in record.suites.items()) or ABSENT)
    shown["seeds"] = escape(", ".join(f"{name} {seed}" for name, seed in record.seeds.items()) or ABSENT)
    shown["scenarios"] = escape(
        f"{record.planned} planned, {record.completed} completed, {record.unscored} unscored, {record.failed} failed"
    )
    times = [time for time in (record.started_utc, record.finished_utc) if time]
    shown["time"] = escape(f"{' to '.join(times)} ({duration(record.wall_s)})" if times else duration(record.wall_s))
    environment = dict(record.environment)
    packages = environment.pop("packages", {})
    shown["versions"] = escape(", ".join(f"{name} {version}" for name, version in packages.items()) or ABSENT)
    for path, value in flat(environment):
        shown[": ".join(words(part) for part in path)] = _value(value)
    return shown


def resolved_configs(runs: Sequence[Run]) -> str:
    """The whole configuration of each run, folded away."""
    return "".join(
        f"<details><summary>Configuration of {escape(run.name)}, as resolved</summary>"
        f'<pre tabindex="0">{escape(json.dumps(run.record.config, indent=2))}</pre></details>'
        for run in runs
    )


def flat(part: dict[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Leaves of nested plain data with the path to each."""
    leaves: list[tuple[tuple[str, ...], Any]] = []
    for name, value in part.items():
        if isinstance(value, dict):
            leaves += flat(value, (*path, str(name)))
        else:
            leaves.append(((*path, str(name)), value))
    return leaves


def _value(value: Any) -> str:
    if isinstance(value, (int, float)):
        return escape(number(value))
    if isinstance(value, list):
        plain = ", ".join(str(part) if not isinstance(part, (dict, list)) else json.dumps(part) for part in value)
        return escape(plain) if len(plain) < 200 else escape(count(len(value), "entry", "entries"))
    return escape(str(value)) if value not in (None, "") else ABSENT
