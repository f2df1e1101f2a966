"""Models on the same scenarios: paired contrasts of the suites' primary metrics, corrected by Holm over all of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reports.curves import primary_value
from reports.marks import validity_of
from reports.runs import Entry, Run, SuiteKey, models, suite_keys
from worldsim.core.statistics import Contrast, holm, paired_contrast, scenario_means

LEVEL = 0.05


@dataclass(frozen=True)
class Primary:
    """One suite's primary metric of every model: ``values_SM``, a row for each scenario, NaN where there is none.

    ``judged`` says whether it is one of the report's primaries: not where the suite is invalid or only familiar.
    """

    key: SuiteKey
    metric: str
    higher_is_better: bool
    valid: bool | None
    familiar: bool
    entries: list[Entry]
    scenarios: list[str]  # hashes
    values_SM: NDArray[np.float64] = field(repr=False)

    @property
    def judged(self) -> bool:
        return self.valid is not False and not self.familiar

    @property
    def set_aside(self) -> str:
        """Why it is not judged."""
        return "suite not valid: no verdict" if self.valid is False else "a familiar number, no primary"

    def better(self, difference: float) -> bool:
        """Whether a difference of this sign is an improvement."""
        return (difference > 0) == self.higher_is_better


@dataclass(frozen=True)
class Difference:
    """``other`` minus ``base`` in one primary over the scenarios both have; ``adjusted_p`` by Holm, or NaN."""

    primary: Primary
    base: Entry
    other: Entry
    found: Contrast
    unmatched: int
    adjusted_p: float = float("nan")

    @property
    def shown(self) -> bool:
        return self.adjusted_p < LEVEL

    @property
    def verdict(self) -> str:
        """In words, so that nobody has to read a sign."""
        if not self.primary.judged:
            return self.primary.set_aside
        if not np.isfinite(self.found.low):
            return "too few pairs"
        if self.shown:
            return f"{(self.other if self.primary.better(self.found.mean) else self.base).label} is better"
        if self.found.low > 0 or self.found.high < 0:
            return "no difference shown among so many"
        return "no difference shown"


def primaries(runs: Sequence[Run]) -> list[Primary]:
    """The primary of every suite and game that has a model, models by training compute."""
    found = []
    for key in suite_keys(runs):
        listed = models(runs, key)
        if not listed:
            continue
        suite = listed[0].run.suites[key]
        columns = [_by_hash(entry, suite["primary"]) for entry in listed]
        scenarios = sorted(set().union(*columns))
        values = np.array([[column.get(one, np.nan) for column in columns] for one in scenarios])
        found.append(
            Primary(
                key,
                suite["primary"],
                bool(suite.get("higher_is_better", True)),
                validity_of(runs, key),
                bool(suite.get("familiar")),
                listed,
                scenarios,
                values.reshape(len(scenarios), len(listed)),
            )
        )
    return found


def differences(found: Sequence[Primary]) -> list[Difference]:
    """Every model against every one of less compute, in every primary; p-values by Holm over all that are judged."""
    contrasts = [
        _contrast(primary, base, other)
        for primary in found
        for base, other in itertools.combinations(range(len(primary.entries)), 2)
    ]
    adjusted = holm([one.found.p_value if one.primary.judged else float("nan") for one in contrasts])
    return [
        Difference(one.primary, one.base, one.other, one.found, one.unmatched, p)
        for one, p in zip(contrasts, adjusted, strict=True)
    ]


def contrast(a: NDArray[np.float64], b: NDArray[np.float64]) -> Contrast:
    """``a - b`` over the scenarios (S,) that both have; one pair has a difference, but nothing can be said of it."""
    differences = (a - b)[np.isfinite(a - b)]
    if len(differences) < 2:
        nan = float("nan")
        return Contrast(float(differences[0]) if len(differences) else nan, nan, nan, nan, len(differences))
    return paired_contrast(a, b)


def _contrast(primary: Primary, base: int, other: int) -> Difference:
    a, b = primary.values_SM[:, other], primary.values_SM[:, base]
    found = contrast(a, b)
    seen = int((np.isfinite(a) | np.isfinite(b)).sum())
    return Difference(primary, primary.entries[base], primary.entries[other], found, seen - found.pairs)


def _by_hash(entry: Entry, metric: str) -> dict[str, float]:
    """A value for each scenario, the mean over its seeds."""
    found: dict[str, list[float]] = {}
    for row in entry.rows:
        found.setdefault(row["scenario_hash"], []).append(primary_value(row, metric))
    return {scenario: float(scenario_means([values])[0]) for scenario, values in found.items()}
