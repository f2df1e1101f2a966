"""Means with intervals, for suites and reports alike; numpy only, and the same input always gives the same numbers.

The scenario is the unit of every interval: values are one number per scenario. The bootstrap is the percentile
bootstrap (Efron 1979); what is resampled together stays paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from worldsim.core.seeding import stream

DRAWS = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """A mean with its confidence interval; ``low`` and ``high`` are NaN where fewer than two values support it."""

    mean: float
    low: float
    high: float


NOTHING = Interval(float("nan"), float("nan"), float("nan"))


def count_finite(values: ArrayLike) -> int:
    """How many of the values (n,) count: the others, NaN, are dropped by every function here."""
    return int(np.isfinite(_column(values)).sum())


def bootstrap_mean(values: ArrayLike, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """The mean of the finite ones among ``values`` (n,), resampled over scenarios."""
    column = _column(values)
    column = column[np.isfinite(column)]
    if column.size == 0:
        return NOTHING
    mean = float(column.mean())
    if column.size < 2:
        return Interval(mean, float("nan"), float("nan"))
    return Interval(mean, *_quantiles(_weights(column.size, seed, draws) @ column, level))


def paired_difference(a: ArrayLike, b: ArrayLike, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """The mean of ``a - b``, both (n,) and matched by scenario; a pair counts where both are finite."""
    first, second = _column(a), _column(b)
    assert first.shape == second.shape, f"{first.size} values cannot be paired with {second.size}"
    return bootstrap_mean(first - second, seed, draws, level)


def wilson_interval(successes: float, n: int, level: float = LEVEL) -> Interval:
    """A proportion with Wilson's score interval (1927), which stays honest at 0 and 1 where a bootstrap has no width.

    ``successes`` may be fractional (a tie counts one half).
    """
    if n == 0:
        return NOTHING
    assert 0 <= successes <= n, f"{successes} successes of {n}"
    p, z = successes / n, NormalDist().inv_cdf(0.5 + level / 2)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At p = 0 and 1 the bound is the value itself but for rounding.
    return Interval(p, min(max(0.0, float(centre - half)), p), max(min(1.0, float(centre + half)), p))


def normalised_score(
    model: ArrayLike, null: ArrayLike, oracle: ArrayLike, seed: int = 0, draws: int = DRAWS, level: float = LEVEL
) -> Interval:
    """``(m - m_null) / (m_oracle - m_null)`` of the means, with the three (n,) columns resampled together.

    0 is the null, 1 the game itself; not clipped. NaN when oracle and null do not differ. Draws in which they do not
    differ are left out of the interval.
    """
    columns = np.stack([_column(model), _column(null), _column(oracle)])
    columns = columns[:, np.isfinite(columns).all(axis=0)]
    n = columns.shape[1]
    if n == 0:
        return NOTHING
    score = float(_ratio(columns.mean(axis=1)[None])[0])
    if n < 2 or not np.isfinite(score):
        return Interval(score, float("nan"), float("nan"))
    scores = _ratio(_weights(n, seed, draws) @ columns.T)
    return Interval(score, *_quantiles(scores[np.isfinite(scores)], level))


def hierarchical_mean(groups: Sequence[ArrayLike], seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """The mean over scenarios of the mean over each one's seeds: ``groups[i]`` holds scenario i's values.

    Scenarios are resampled, then seeds within each, so that more seeds of few scenarios do not look like more evidence.
    """
    kept = [column[np.isfinite(column)] for column in map(_column, groups)]
    kept = [column for column in kept if column.size]
    if not kept:
        return NOTHING
    means = np.array([column.mean() for column in kept])
    if len(kept) < 2:
        return Interval(float(means[0]), float("nan"), float("nan"))
    rng = stream(seed, "bootstrap", "seeds")
    # (draws, scenarios): each scenario's mean over its own resampled seeds
    within = np.stack([column[rng.integers(column.size, size=(draws, column.size))].mean(axis=1) for column in kept], 1)
    resampled = (_weights(len(kept), seed, draws) * within).sum(axis=1)
    return Interval(float(means.mean()), *_quantiles(resampled, level))


@lru_cache(maxsize=4)
def _weights(n: int, seed: int, draws: int) -> NDArray[np.float64]:
    """(draws, n): the share of each scenario in each resample of n from n."""
    return stream(seed, "bootstrap", n).multinomial(n, np.full(n, 1.0 / n), size=draws) / n


def _quantiles(resampled: NDArray[np.float64], level: float) -> tuple[float, float]:
    low, high = np.quantile(resampled, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _ratio(means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores (k,) of rows (k, 3) of model, null and oracle means."""
    span = means[:, 2] - means[:, 1]
    safe = np.where(np.abs(span) > 1e-9, span, np.nan)
    return (means[:, 0] - means[:, 1]) / safe


def _column(values: ArrayLike) -> NDArray[np.float64]:
    column = np.asarray(values, np.float64)
    assert column.ndim == 1, f"one value per scenario is needed; got shape {column.shape}"
    return column
