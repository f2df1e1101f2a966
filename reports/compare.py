"""Two or more models on the same scenarios: paired differences, scenario by scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.curves import has_mean, point, primary_value
from reports.plots import Series
from reports.runs import Entry, Run, SuiteKey, entries, suite_keys
from worldsim.core.statistics import paired_difference, scenario_means


@dataclass(frozen=True)
class Difference:
    """``other`` minus ``base`` in one metric over the scenarios both completed."""

    key: SuiteKey
    metric: str
    higher_is_better: bool
    base: Entry
    other: Entry
    mean: float
    low: float
    high: float
    pairs: int
    unmatched: int

    @property
    def verdict(self) -> str:
        """In words, so that nobody has to read a sign."""
        if not np.isfinite(self.low):
            return "too few pairs"
        if self.low <= 0 <= self.high:
            return "no difference shown"
        return f"{(self.other if (self.mean > 0) == self.higher_is_better else self.base).label} is better"


def differences(runs: Sequence[Run]) -> list[Difference]:
    """Every later model against the first one of the suite, on its primary metric, matched by scenario hash."""
    found = []
    for key in suite_keys(runs):
        models = [entry for entry in entries(runs, key) if entry.role == "model"]
        for other in models[1:]:
            suite = other.run.suites[key]
            found.append(
                _difference(key, suite["primary"], bool(suite.get("higher_is_better", True)), models[0], other)
            )
    return found


def _difference(key: SuiteKey, metric: str, higher_is_better: bool, base: Entry, other: Entry) -> Difference:
    first, second = _by_hash(base, metric), _by_hash(other, metric)
    shared = sorted(first.keys() & second.keys())
    a = np.array([second[scenario] for scenario in shared])
    b = np.array([first[scenario] for scenario in shared])
    pairs = int((np.isfinite(a) & np.isfinite(b)).sum()) if shared else 0
    mean, low, high = paired_difference(a, b) if shared else (np.nan,) * 3
    unmatched = len(first.keys() | second.keys()) - pairs
    return Difference(key, metric, higher_is_better, base, other, mean, low, high, pairs, unmatched)


def _by_hash(entry: Entry, metric: str) -> dict[str, float]:
    """A value for each scenario, the mean over its seeds."""
    found: dict[str, list[float]] = {}
    for row in entry.rows:
        found.setdefault(row["scenario_hash"], []).append(primary_value(row, metric))
    return {scenario: float(scenario_means([values])[0]) for scenario, values in found.items()}


def compute_series(runs: Sequence[Run], key: SuiteKey) -> tuple[list[Series], str]:
    """Score (else the primary metric) over training FLOPs, one series for each model, and the name of what it is."""
    models = [entry for entry in entries(runs, key) if entry.role == "model"]
    known = [(entry, flops) for entry in models if (flops := model_fact(entry, "train_flops"))]
    scored = all(entry.summary.get("score") for entry, _ in known)
    primary = runs[0].suites.get(key, known[0][0].run.suites[key])["primary"] if known else ""
    series = []
    for entry, flops in known:
        part = entry.summary["score"] if scored else entry.summary["metrics"].get(primary)
        if has_mean(part):
            series.append(Series(entry.label, "model", [point(float(flops), part)]))
    return series, "score" if scored else primary


def model_fact(entry: Entry, name: str) -> Any:
    """A fact of the run's model: kept for each simulator by name, or once where the run has one model."""
    model = entry.run.record.model
    own = model.get(entry.simulator)
    if isinstance(own, dict):
        return own.get(name)
    return model.get(name)
