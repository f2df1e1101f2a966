"""From rows to ``summary.json``: means with intervals, counts, the normalised score, and whether to believe a suite.

Nothing is dropped: a failed scenario counts as 0 in the primary metric, an unscored one is counted, and coverage is
what was completed of what was planned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.metrics import metric_entry
from worldsim.core.statistics import (
    Interval,
    bootstrap_mean,
    count_finite,
    normalised_score,
    proportion_mean,
    scenario_means,
)

SUMMARY_SCHEMA = 1
ENOUGH_SCENARIOS = 5  # below it a suite is neither valid nor invalid


@dataclass
class Answers:
    """One simulator's rows in one suite and game; ``planned`` counts scenarios times seeds."""

    simulator: str
    role: str
    planned: int
    rows: list[dict[str, Any]] = field(default_factory=list)
    whole: dict[str, tuple[float, str]] = field(default_factory=dict)  # what all rows together say, see Suite.conclude

    def count(self, status: str) -> int:
        return sum(row["status"] == status for row in self.rows)

    def by_seed(self, metric: str, failed: float = np.nan, family: str | None = None) -> NDArray[np.float64]:
        """A metric (scenarios, seeds) in the order of the scenarios: ``failed`` where a row is, NaN where none is."""
        rows = [row for row in self.rows if family in (None, row["family"])]
        lines, columns = (list(dict.fromkeys(row[key] for row in rows)) for key in ("scenario", "seed"))
        table = np.full((len(lines), len(columns)), np.nan)
        for row in rows:
            value = failed if row["status"] == "failed" else row["values"].get(metric)
            table[lines.index(row["scenario"]), columns.index(row["seed"])] = np.nan if value is None else value
        return table

    def primary(self, metric: str) -> NDArray[np.float64]:
        """The primary metric of every scenario: 0 where it failed, NaN where it could not be scored."""
        return scenario_means(self.by_seed(metric, failed=0.0))


@dataclass
class Group:
    """One suite in one game, with everybody's answers to the same scenarios."""

    suite: str
    suite_version: int
    game: str
    primary: str
    answers: list[Answers]
    familiar: bool = False  # see Suite.familiar

    @property
    def sign(self) -> int:
        return 1 if metric_entry(self.primary).info["higher_is_better"] else -1

    def oracle(self) -> Answers | None:
        return next((answers for answers in self.answers if answers.role == "oracle"), None)

    def nulls(self) -> list[Answers]:
        """The nulls, the best one first."""
        nulls = [answers for answers in self.answers if answers.role == "null"]
        return sorted(nulls, key=lambda answers: -self.sign * _mean(answers.primary(self.primary)))


def build_summary(groups: Sequence[Group]) -> dict[str, Any]:
    """The content of ``summary.json``, one entry for each suite in each game."""
    return {"schema": SUMMARY_SCHEMA, "suites": [_summarise(group) for group in groups]}


def _summarise(group: Group) -> dict[str, Any]:
    valid, valid_reason = judge(group)
    nulls = group.nulls()
    return {
        "suite": group.suite,
        "suite_version": group.suite_version,
        "game": group.game,
        "primary": group.primary,
        "higher_is_better": group.sign > 0,
        "familiar": group.familiar,
        "best_null": nulls[0].simulator if nulls else None,
        "valid": valid,
        "valid_reason": valid_reason,
        "simulators": [_summarise_answers(group, answers) for answers in group.answers],
    }


def _summarise_answers(group: Group, answers: Answers) -> dict[str, Any]:
    names = list(dict.fromkeys([group.primary, *(name for row in answers.rows for name in row["values"])]))
    families = sorted({row["family"] for row in answers.rows if row["family"]})
    score, score_reason = _score(group, answers)
    return {
        "simulator": answers.simulator,
        "role": answers.role,
        "planned": answers.planned,
        "completed": answers.count("completed"),
        "unscored": answers.count("unscored"),
        "failed": answers.count("failed"),
        "coverage": answers.count("completed") / answers.planned if answers.planned else 0.0,
        "metrics": {
            name: _metric(name, answers.by_seed(name, failed=0.0 if name == group.primary else np.nan))
            for name in names
        },
        "whole": {name: {"value": value, "reason": reason} for name, (value, reason) in answers.whole.items()},
        "families": {
            family: _metric(group.primary, answers.by_seed(group.primary, 0.0, family)) for family in families
        },
        "score": score,
        "score_reason": score_reason,
        "failures": _reasons(answers),
    }


def _metric(name: str, values: NDArray[np.float64]) -> dict[str, Any]:
    n = count_finite(values)
    return {**interval(name, values)._asdict(), "n": n, "missing": len(values) - n}


def interval(name: str, values: NDArray[np.float64]) -> Interval:
    """A metric's mean over scenarios (n,), or over them and their seeds (n, S), with its interval."""
    return (proportion_mean if metric_entry(name).info.get("proportion") else bootstrap_mean)(values)


def _score(group: Group, answers: Answers) -> tuple[dict[str, float] | None, str]:
    oracle, nulls = group.oracle(), group.nulls()
    if oracle is None or not nulls:
        return None, "needs an oracle and a null on the same scenarios"
    if not answers.rows:
        return None, "no scenario was run"
    model, null, real = (part.by_seed(group.primary, failed=0.0) for part in (answers, nulls[0], oracle))
    score = normalised_score(model, null, real, bool(metric_entry(group.primary).info.get("proportion")))
    if not np.isfinite(score.mean):
        return None, f"the oracle and the best null ({nulls[0].simulator}) do not differ"
    return score._asdict(), ""


def judge(group: Group) -> tuple[bool | None, str]:
    """Whether the suite measures anything here: valid only if the oracle's interval excludes every null's mean."""
    oracle, nulls = group.oracle(), group.nulls()
    if oracle is None or not nulls:
        return None, "needs an oracle and a null"
    n = int(np.isfinite(oracle.primary(group.primary)).sum())
    if n < ENOUGH_SCENARIOS:
        return None, f"{n} scenarios are too few, at least {ENOUGH_SCENARIOS} are needed"
    real = interval(group.primary, oracle.by_seed(group.primary, failed=0.0))
    best = nulls[0]
    null_mean = _mean(best.primary(group.primary))
    worst_side = real.low if group.sign > 0 else real.high
    text = f"oracle {real.mean:.3g} [{real.low:.3g}, {real.high:.3g}], best null {best.simulator} {null_mean:.3g}"
    if group.sign * (worst_side - null_mean) > 0:
        return True, f"the oracle's interval excludes every null: {text}"
    return False, f"a null is inside or beyond the oracle's interval: {text}"


def _reasons(answers: Answers) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for row in answers.rows:
        if row["reason"]:
            counts[row["reason"]] = counts.get(row["reason"], 0) + 1
    return [{"reason": reason, "count": count} for reason, count in sorted(counts.items(), key=lambda item: -item[1])]


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else float("-inf")
