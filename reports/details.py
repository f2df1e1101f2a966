"""How the runs were made: everything a reader needs to repeat them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from reports.numbers import ABSENT, count, duration, number, words
from reports.runs import Run
from reports.tables import table

MODEL_WORDS = {"params": "parameters", "train_flops": "training FLOPs", "checkpoint_hash": "checkpoint hash"}


def details_section(runs: Sequence[Run], labels: Sequence[str]) -> str:
    """The models with their facts, the runs with their commands, the machines, and every configuration folded away."""
    facts = {label: run.facts(name) for run in runs for name, label in run.labels.items()}
    described = {label: facts[label] for label in labels if facts[label]}
    parts = [facts_table("The models", described)] if described else []
    environments: dict[str, dict[str, Any]] = {}
    for run in runs:
        same = json.dumps(run.record.environment, sort_keys=True)
        environments.setdefault(same, {"runs": [], **run.record.environment})["runs"].append(run.name)
    machines = {
        ", ".join(one.pop("runs")) if len(environments) > 1 else "all runs": one for one in environments.values()
    }
    return "".join([*parts, runs_table(runs), facts_table("Machine and versions", machines), resolved_configs(runs)])


def facts_table(title: str, columns: Mapping[str, Mapping[str, Any]]) -> str:
    """Facts down, what they are of across."""
    plain = {
        column: {": ".join(MODEL_WORDS.get(part, words(part)) for part in path): _value(v) for path, v in flat(facts)}
        for column, facts in columns.items()
    }
    names = list(dict.fromkeys(name for facts in plain.values() for name in facts))
    body = [[escape(name), *(facts.get(name, ABSENT) for facts in plain.values())] for name in names]
    return f"<h3>{escape(title)}</h3>{table(title, ['', *map(escape, columns)], body)}"


def runs_table(runs: Sequence[Run]) -> str:
    """A line for each run."""
    body = []
    for run in runs:
        record = run.record
        typed = " ".join(shlex.quote(str(word)) for word in record.config_as_typed)
        suites = ", ".join(f"{name} v{version}" for name, version in record.suites.items())
        seeds = ", ".join(f"{words(name)} {seed}" for name, seed in record.seeds.items())
        counts = [(record.planned, "planned"), (record.completed, "completed"), (record.unscored, "unscored")]
        answers = ", ".join(f"{amount:,} {word}" for amount, word in [*counts, (record.failed, "failed")] if amount)
        body.append(
            [
                escape(run.name),
                f"<code>{escape(typed)}</code>" if typed else ABSENT,
                *(escape(text or ABSENT) for text in (suites, seeds, answers, record.started_utc)),
                escape(duration(record.wall_s)),
            ]
        )
    head = ["run", "as typed", "suites", "seeds", "answers", "started", "took"]
    return f"<h3>The runs</h3>{table('The runs', head, body)}"


def resolved_configs(runs: Sequence[Run]) -> str:
    """The whole configuration of each run, folded away."""
    return "".join(
        f"<details><summary>Configuration of {escape(run.name)}, as resolved</summary>"
        f'<pre tabindex="0">{escape(json.dumps(run.record.config, indent=2))}</pre></details>'
        for run in runs
    )


def flat(part: Mapping[str, Any], path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
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
