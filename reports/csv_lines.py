"""What the CSV files of a report hold: a head and lines of plain values, at full precision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from reports.compare import Difference
from reports.cost import Cost
from reports.curves import curve_names, curve_table
from reports.runs import Run, entries, suite_keys
from reports.training import Stage
from reports.trends import Trend


def summary_lines(runs: Sequence[Run]) -> list[list[Any]]:
    head = ["run", "suite", "suite_version", "game", "valid", "simulator", "role", "planned", "completed", "unscored"]
    lines: list[list[Any]] = [[*head, "failed", "metric", "primary", "mean", "low", "high", "n"]]
    for run in runs:
        for key, suite in run.suites.items():
            for one in suite["simulators"]:
                counts = [one.get(name) for name in ("planned", "completed", "unscored", "failed")]
                start = [run.name, key.suite, key.version, key.game, suite.get("valid")]
                start += [one["simulator"], one.get("role"), *counts]
                parts = {**one["metrics"], "score": one.get("score")}
                for name, part in parts.items():
                    if part:
                        ends = [part.get(field) for field in ("mean", "low", "high", "n")]
                        lines.append([*start, name, name == suite["primary"], *ends])
    return lines


def scenario_lines(runs: Sequence[Run]) -> list[list[Any]]:
    plain = ["suite", "suite_version", "game", "simulator", "role", "scenario", "scenario_hash", "family", "seed"]
    names = list(dict.fromkeys(name for run in runs for row in run.rows for name in row.get("values") or {}))
    lines: list[list[Any]] = [["run", *plain, "status", "reason", *names]]
    for run in runs:
        for row in run.rows:
            values = row.get("values") or {}
            start = [run.name, *(row.get(name) for name in plain), row["status"], row.get("reason")]
            lines.append([*start, *(values.get(name) for name in names)])
    return lines


def curve_lines(runs: Sequence[Run]) -> list[list[Any]]:
    lines: list[list[Any]] = [["run", "suite", "game", "simulator", "role", "curve", "horizon", "mean", "scenarios"]]
    for key in suite_keys(runs):
        listed = entries(runs, key)
        for name in curve_names(listed):
            for entry in listed:
                values = curve_table(entry, name)
                for horizon in range(values.shape[1]):
                    finite = [v for v in values[:, horizon] if math.isfinite(v)]
                    mean = sum(finite) / len(finite) if finite else None
                    start = [entry.run.name, key.suite, key.game, entry.simulator, entry.role]
                    lines.append([*start, name, horizon + 1, mean, len(finite)])
    return lines


def difference_lines(differences: Sequence[Difference]) -> list[list[Any]]:
    head = ["suite", "game", "valid", "metric", "model", "minus", "mean", "low", "high", "p_value", "p_holm"]
    lines: list[list[Any]] = [[*head, "pairs", "unmatched", "verdict"]]
    for d in differences:
        key, found = d.primary.key, d.found
        start = [key.suite, key.game, d.primary.valid, d.primary.metric, d.other.label, d.base.label]
        numbers = [found.mean, found.low, found.high, found.p_value, d.adjusted_p]
        lines.append([*start, *map(_finite, numbers), found.pairs, d.unmatched, d.verdict])
    return lines


def trend_lines(trends: Sequence[Trend]) -> list[list[Any]]:
    head = ["suite", "game", "valid", "metric", "slope_per_decade", "low", "high", "p_value", "p_holm", "scenarios"]
    lines: list[list[Any]] = [[*head, "trend", "steps", "models", "train_flops"]]
    for t in trends:
        key, slope = t.primary.key, t.slope
        start = [key.suite, key.game, t.primary.valid, t.primary.metric]
        numbers = [slope.mean, slope.low, slope.high, slope.p_value, t.adjusted_p]
        names = " ".join(t.primary.entries[place].label for place in t.places)
        end = [slope.pairs, t.verdict, t.steps, names, " ".join(f"{flops:.6g}" for flops in t.flops)]
        lines.append([*start, *map(_finite, numbers), *end])
    return lines


def cost_lines(costs: Sequence[Cost]) -> list[list[Any]]:
    head = ["model", "parameters", "train_flops", "autoencoder_flops", "train_s", "energy_j", "trained_on", "dream_s"]
    rest = ("params", "network_flops", "autoencoder_flops", "train_s", "energy_j", "machine", "dream_s", "answers")
    return [[*head, "answers"], *([cost.label, *(getattr(cost, name) for name in rest)] for cost in costs)]


def training_lines(stages: Sequence[Stage]) -> list[list[Any]]:
    """Every number of every loss trace."""
    names = list(dict.fromkeys(name for stage in stages for row in stage.trace for name in row))
    lines: list[list[Any]] = [["models", "part", *names]]
    for stage in stages:
        lines += [[" ".join(stage.models), stage.part, *(row.get(name) for name in names)] for row in stage.trace]
    return lines


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
