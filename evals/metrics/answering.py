"""What all answers of a simulator to actions say together: how clear they are, and whether they grow with the dose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.statistics import NOTHING, slope

FEWEST = 3  # scenarios through which a line says something


def balanced_share(rows: Sequence[dict[str, Any]], metric: str) -> dict[str, tuple[float, str]]:
    """``metric`` over ``metric_real`` for ``Suite.conclude``, each the mean of the families' means.

    A failed scenario counts as 0; a family without real numbers is left out.
    """
    dreams, reals = [], []
    for family in sorted({row["family"] for row in rows}):
        mine = [row for row in rows if row["family"] == family]
        real = [value for row in mine if (value := row["values"].get(f"{metric}_real")) is not None]
        real = [value for value in real if np.isfinite(value)]
        if real:
            dream = [0.0 if row["status"] == "failed" else row["values"].get(metric) for row in mine]
            dreams.append(np.nanmean(np.array(dream, np.float64)))
            reals.append(np.mean(real))
    name = f"{metric}_share"
    if not reals:
        return {name: (np.nan, "no family can be told apart in real frames")}
    return {name: (float(np.mean(dreams) / np.mean(reals)), "")}


def dose_response(rows: Sequence[dict[str, Any]], metric: str) -> dict[str, tuple[float, str]]:
    """The slope of ``metric`` over ``metric_real`` over scenarios with its interval, for ``Suite.conclude``."""
    dream, real = (_by_scenario(rows, name) for name in (metric, f"{metric}_real"))
    found, reason = slope(real, dream), ""
    if np.isfinite(real).sum() < FEWEST or not np.isfinite(found.mean):
        found, reason = NOTHING, f"it needs {FEWEST} scenarios that are tracked, of unlike doses"
    return {
        f"{metric}_slope{end}": (value, "" if np.isfinite(value) else reason or "too few scenarios bound it")
        for end, value in zip(("", "_low", "_high"), found, strict=True)
    }


def _by_scenario(rows: Sequence[dict[str, Any]], metric: str) -> NDArray[np.float64]:
    """The mean over the seeds of each scenario (n,), NaN where it has none."""
    found: dict[str, list[float]] = {}
    for row in rows:
        value = row["values"].get(metric)
        found.setdefault(row["scenario"], []).append(np.nan if value is None else value)
    return np.array([np.nanmean(values) if np.isfinite(values).any() else np.nan for values in found.values()])
