"""How long something lasts: one number of many scenarios that were each asked after another number of frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from worldsim.core.statistics import half_life


def lasting(rows: Sequence[dict[str, Any]], metric: str) -> dict[str, tuple[float, str]]:
    """The half-life in frames of what rows of a run have as ``metric@lag``, with its interval, for ``Suite.conclude``.

    Where it does not fall by half within the longest lag it is that lag, and the interval is open above.
    """
    found: dict[str, dict[int, list[float]]] = {}  # scenario -> lag -> one value a seed
    for row in rows:
        for name, value in row["values"].items():
            of, at, lag = name.partition("@")
            if of == metric and at and value is not None:
                found.setdefault(row["scenario"], {}).setdefault(int(lag), []).append(value)
    lags = sorted({lag for values in found.values() for lag in values})
    names = ("half_life_frames", "half_life_low_frames", "half_life_high_frames")
    if len(lags) < 2:
        return {name: (np.nan, "it needs scenarios of at least two lags") for name in names}
    table = np.full((len(found), len(lags)), np.nan)
    for line, values in zip(table, found.values(), strict=True):
        for lag, seeds in values.items():
            line[lags.index(lag)] = np.mean(seeds)
    fitted = half_life(lags, table)
    none = f"at lag {lags[0]} nothing is shown to be left that could halve"
    open_above = f"it may be longer than the longest lag, {lags[-1]} frames"
    reasons = {True: "", False: none if np.isnan(fitted.value) else open_above}
    return {
        name: (value if np.isfinite(value) else np.nan, reasons[bool(np.isfinite(value))])
        for name, value in zip(names, fitted[:3], strict=True)
    }
