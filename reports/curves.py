"""From rows to the points of plots: means over scenarios with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.plots import Point, Series
from reports.runs import Entry
from worldsim.core.statistics import bootstrap_mean, scenario_means

MOST_HORIZONS = 48  # points of a line; longer curves are thinned, evenly on a logarithmic axis
ERROR_CURVES = ("psnr", "mse", "ssim", "lpips")  # curves against horizon, in the order they are shown


def curve_names(entries: Sequence[Entry]) -> list[str]:
    """Names of the curves in the rows, picture error first."""
    names = list(dict.fromkeys(name for entry in entries for row in entry.rows for name in row.get("curves") or {}))
    return sorted(names, key=lambda name: ERROR_CURVES.index(name) if name in ERROR_CURVES else len(ERROR_CURVES))


def curve_series(entries: Sequence[Entry], name: str) -> tuple[list[Series], list[str]]:
    """A line for each simulator with finite values, and the labels of those without (the oracle's PSNR is infinite)."""
    drawn, absent = [], []
    for entry in entries:
        values = curve_table(entry, name)
        points = [
            Point(horizon + 1, *interval)
            for horizon in thinned(values.shape[1])
            if np.isfinite((interval := bootstrap_mean(values[:, horizon])).mean)
        ]
        if points:
            drawn.append(Series(entry.label, entry.role, points))
        elif values.size:
            absent.append(entry.label)
    return drawn, absent


def reference_series(entries: Sequence[Entry], name: str) -> list[Series]:
    """Lines that the models' rows carry beside a curve, such as "psnr_last_frame" beside "psnr"; nulls.

    One whose simulator is in the suite itself is left out.
    """
    models = [entry for entry in entries if entry.role == "model"]
    prefix, present = f"{name}_", {entry.simulator for entry in entries}
    found = []
    for reference in curve_names(models):
        rest = reference.removeprefix(prefix)
        if reference.startswith(prefix) and rest not in present:
            (series, *_), _ = curve_series(models, reference)
            found.append(Series(rest.replace("_", " "), "null", series.points))
    return found


def curve_table(entry: Entry, name: str) -> NDArray[np.float64]:
    """Values (scenarios, horizons) of one curve, means over the seeds of a scenario; NaN where there is none."""
    found: dict[str, list[list[float | None]]] = {}
    for row in entry.rows:
        if name in (row.get("curves") or {}):
            found.setdefault(row["scenario"], []).append(row["curves"][name])
    if not found:
        return np.empty((0, 0))
    longest = max((len(curve) for curves in found.values() for curve in curves), default=0)
    table = np.full((len(found), longest, max(map(len, found.values()))), np.nan)
    for lines, curves in zip(table, found.values(), strict=True):
        for seed, curve in enumerate(curves):
            lines[: len(curve), seed] = [np.nan if value is None else value for value in curve]
    return scenario_means(table.reshape(-1, table.shape[2])).reshape(table.shape[:2])


def thinned(length: int) -> list[int]:
    """At most MOST_HORIZONS indices below ``length``, denser at the start, first and last among them."""
    if length <= MOST_HORIZONS:
        return list(range(length))
    return sorted({round(place) - 1 for place in np.geomspace(1, length, MOST_HORIZONS)})


def family_series(entries: Sequence[Entry], names: Sequence[str]) -> list[Series]:
    """The primary metric's mean in each family, as the summaries have it; ``Point.x`` is the place in ``names``."""
    series = []
    for entry in entries:
        parts = entry.summary.get("families") or {}
        points = [point(names.index(name), parts[name]) for name in names if has_mean(parts.get(name))]
        if points:
            series.append(Series(entry.label, entry.role, points))
    return series


def has_mean(part: dict[str, Any] | None) -> bool:
    return bool(part) and part.get("mean") is not None  # type: ignore[union-attr]


def point(x: float, part: dict[str, Any]) -> Point:
    """A summary's {"mean", "low", "high"} as a point; absent bounds become NaN."""
    low, high = (float("nan") if part.get(side) is None else float(part[side]) for side in ("low", "high"))
    return Point(x, float(part["mean"]), low, high)


def value(row: dict[str, Any], metric: str) -> float:
    """A row's value; NaN where it has none."""
    found = (row.get("values") or {}).get(metric)
    return float("nan") if found is None else float(found)


def primary_value(row: dict[str, Any], metric: str) -> float:
    """A row's value of its suite's primary metric: a failed scenario counts as 0, as in the summary."""
    return 0.0 if row["status"] == "failed" else value(row, metric)
