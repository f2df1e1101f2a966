"""Means with intervals, contrasts and rank statistics, for suites and reports alike; equal input gives equal numbers.

The scenario is the unit of every interval. ``values`` are one number per scenario, (n,), or one per scenario and seed,
(n, S), with NaN where there is none: the seeds of a scenario are averaged first, so that more seeds of few scenarios do
not look like more evidence. Drawing seeds again within the scenarios drawn would count their scatter twice (Davison and
Hinkley 1997, section 3.8).

Intervals of means are studentised (bootstrap-t, Efron 1982): with 16 scenarios, of skewed values or such that are 0
where a simulator failed, the percentile bootstrap holds the truth in only 88 to 92 % instead of 95 %. Where values come
near to having two values only (censored at both ends, all or nothing) it is the other way round, the studentised one
holds it in 98 to 99.7 %; there the interval goes over into the expanded percentile bootstrap (Hesterberg 2015). How far
to go, and where between, was found by simulation, see tests/core/test_interval_coverage.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from worldsim.core.seeding import stream

DRAWS = 5000
LEVEL = 0.95
FLOOR = 0.25  # of the standard error, for that of a resample: in some, few distinct values are left and hardly differ
STUDENTISED = 0.7  # of the way to the studentised quantiles, which hold values with a heap at an end too often
SAME = 1e-9  # an oracle and a null that are nearer than this do not differ


class Interval(NamedTuple):
    """A mean with its confidence interval; ``low`` and ``high`` are NaN where fewer than two values support it."""

    mean: float
    low: float
    high: float


class Contrast(NamedTuple):
    """The mean paired difference with its interval, and the p-value of "there is none", over ``pairs`` scenarios."""

    mean: float
    low: float
    high: float
    p_value: float
    pairs: int


class HalfLife(NamedTuple):
    """Where a curve has fallen by half, in the units of its lags; NaN where nothing is there that could fall.

    ``censored``: it did not within the longest lag, which ``value`` then is; ``high`` is infinite where this may be so.
    """

    value: float
    low: float
    high: float
    censored: bool


NOTHING = Interval(float("nan"), float("nan"), float("nan"))


def scenario_means(values: ArrayLike) -> NDArray[np.float64]:
    """One number per scenario (n,): the mean over its seeds, NaN where it has none."""
    table = np.asarray(values, np.float64)
    assert table.ndim in (1, 2), f"one value per scenario, or per scenario and seed; got shape {table.shape}"
    if table.ndim == 1:
        return table
    count = np.isfinite(table).sum(axis=1)
    total = np.where(np.isfinite(table), table, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def count_finite(values: ArrayLike) -> int:
    """How many scenarios count: the others, NaN, are dropped by every function here."""
    return int(np.isfinite(scenario_means(values)).sum())


def bootstrap_mean(values: ArrayLike, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """The mean over scenarios, resampled over scenarios."""
    column = _finite(values)
    return _ratio(column, np.ones_like(column), seed, draws, level)


def paired_difference(a: ArrayLike, b: ArrayLike, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """The mean of ``a - b``, matched by scenario; a pair counts where both are finite."""
    return bootstrap_mean(_differences(a, b), seed, draws, level)


def paired_contrast(a: ArrayLike, b: ArrayLike, seed: int = 0) -> Contrast:
    """Whether ``a`` and ``b`` differ, as :func:`paired_difference` and :func:`paired_p_value` say.

    Of several at once, such as two models in the primaries of all suites, the p-values go through :func:`holm`.
    """
    difference, p_value = paired_difference(a, b, seed), paired_p_value(a, b, seed)
    return Contrast(*difference, p_value, count_finite(_differences(a, b)))


def paired_p_value(a: ArrayLike, b: ArrayLike, seed: int = 0, draws: int = 9999) -> float:
    """Two-sided p of "``a`` and ``b`` do not differ", by flipping the signs of paired differences; NaN without a pair.

    Exact where there are no more than ``draws`` ways to flip, see scipy.stats.permutation_test.
    """
    from scipy.stats import permutation_test

    differences = _finite(_differences(a, b))
    if not differences.size:
        return float("nan")
    if len(differences) == 1 or not differences.any():
        return 1.0  # every flip is as far from 0
    found = permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=draws,
        rng=stream(seed, "sign flips"),
    )  # fmt: skip
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number (Holm 1979): those below 0.05 all hold at once with 95 % confidence.

    A NaN stays one and is not counted.
    """
    adjusted = [float("nan")] * len(p_values)
    order = sorted((p, i) for i, p in enumerate(p_values) if np.isfinite(p))
    largest = 0.0
    for rank, (p, i) in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p))
        adjusted[i] = largest
    return adjusted


def wilson_interval(successes: float, n: float, level: float = LEVEL) -> Interval:
    """A proportion with Wilson's score interval (1927), which stays honest at 0 and 1 where a bootstrap has no width.

    ``successes`` may be fractional (a tie counts one half), and so may ``n`` (what dependent ones are worth).
    """
    if n == 0:
        return NOTHING
    assert 0 <= successes <= n, f"{successes} successes of {n}"
    p, z = successes / n, _z(level)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At p = 0 and 1 the bound is the value itself but for rounding.
    return Interval(p, min(max(0.0, float(centre - half)), p), max(min(1.0, float(centre + half)), p))


def proportion_mean(values: ArrayLike, level: float = LEVEL) -> Interval:
    """The mean of values within 0 and 1 with Wilson's interval, for as many trials as the values are worth.

    Those are the scenarios, or more where values are themselves shares of several tries (seeds, frames) that differ:
    the trials whose mean would scatter like that of the scenarios (Korn and Graubard 1998).
    """
    from scipy.special import stdtrit

    means = _finite(values)
    n = float(means.size)
    if n == 0:
        return NOTHING
    p = float(means.mean())
    scatter = float(means.var(ddof=1)) / n if n > 1 else 0.0
    if scatter > 0:
        n = max(n, p * (1 - p) / scatter * (_z(level) / stdtrit(n - 1, 0.5 + level / 2)) ** 2)
    return wilson_interval(p * n, n, level)


def normalised_score(
    model: ArrayLike,
    null: ArrayLike,
    oracle: ArrayLike,
    proportions: bool = False,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval:
    """``(m - m_null) / (m_oracle - m_null)`` of the means, with the three columns resampled together.

    0 is the null, 1 the game itself; not clipped. NaN when oracle and null do not differ. Of ``proportions``, which can
    all be 1 and leave a bootstrap without width, the interval is the model's :func:`proportion_mean`, joined to what
    the scatter of null and oracle adds by the sum of squares (Zou and Donner 2008).
    """
    columns = np.stack([scenario_means(part) for part in (model, null, oracle)])
    kept = np.isfinite(columns).all(axis=0)
    model_, null_, oracle_ = columns[:, kept]
    score = _ratio(model_ - null_, oracle_ - null_, seed, draws, level)
    if not proportions or not np.isfinite(score.low):
        return score
    span = float((oracle_ - null_).mean())
    mean, low, high = proportion_mean(np.asarray(model, np.float64)[kept], level)
    controls = (1 - score.mean) * null_ + score.mean * oracle_
    added = _z(level) * controls.std(ddof=1) / np.sqrt(len(controls))
    down, up = np.hypot([mean - low, high - mean], added) / abs(span)
    down, up = (down, up) if span > 0 else (up, down)
    return Interval(score.mean, float(score.mean - down), float(score.mean + up))


def half_life(lags: ArrayLike, values: ArrayLike, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> HalfLife:
    """When ``values`` (n scenarios, L), measured at rising ``lags`` (L,), have fallen by half: ``a 2^(-lag / h)``.

    Least squares on the means over scenarios, which are resampled for the interval; NaN where a scenario has no value.
    Its percentiles are those of a normal distribution as wide as Student's is for n scenarios (Hesterberg 2015).
    A mean at the shortest lag that is not shown to be above 0 has no half-life.
    """
    lag, table = np.asarray(lags, np.float64), np.asarray(values, np.float64)
    assert table.ndim == 2 and lag.shape == table.shape[1:] and (np.diff(lag) > 0).all(), f"{lag}, {table.shape}"
    n = len(table)
    if not bootstrap_mean(table[:, 0], seed, draws, level).low > 0:
        return HalfLife(float("nan"), float("nan"), float("nan"), False)
    tail = _expanded_tail(n, level)
    resampled = _fitted_half_lives(lag, table, _weights(n, seed, draws))
    low, high = np.quantile(resampled, [tail, 1 - tail], method="inverted_cdf")
    value = float(_fitted_half_lives(lag, table, np.full((1, n), 1.0 / n))[0])
    longest = float(lag[-1])
    return HalfLife(min(value, longest), min(float(low), longest), float(high), not value <= longest)


def slope(x: ArrayLike, y: ArrayLike, seed: int = 0, draws: int = DRAWS, level: float = LEVEL) -> Interval:
    """By how much ``y`` rises with ``x``, by least squares with an intercept, over the scenarios that have both.

    It is a ratio of means, of products and of squares about the mean of ``x``, whose own scatter is left out of the
    interval. NaN where ``x`` does not vary.
    """
    pairs = np.stack([scenario_means(x), scenario_means(y)])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if not pairs.size:
        return NOTHING
    x_, y_ = pairs - pairs.mean(axis=1, keepdims=True)
    return _ratio(x_ * y_, x_ * x_, seed, draws, level)


def auroc(positives: ArrayLike, negatives: ArrayLike) -> float:
    """The share of pairs in which the positive one is larger; a tie counts one half. NaN where either is empty."""
    from scipy.stats import mannwhitneyu

    high, low = _finite(positives), _finite(negatives)
    if not high.size or not low.size:
        return float("nan")
    return float(mannwhitneyu(high, low, method="asymptotic").statistic) / (high.size * low.size)


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Rank correlation over the pairs that are finite; NaN where either does not vary."""
    from scipy.stats import spearmanr

    pairs = np.stack([np.asarray(x, np.float64), np.asarray(y, np.float64)])
    pairs = pairs[:, np.isfinite(pairs).all(axis=0)]
    if pairs.shape[1] < 2 or not np.ptp(pairs, axis=1).all():
        return float("nan")
    return float(spearmanr(*pairs).statistic)


def _ratio(top: NDArray[np.float64], bottom: NDArray[np.float64], seed: int, draws: int, level: float) -> Interval:
    """The ratio of the means of two columns (n,) with the interval of all that the data do not speak against (Fieller).

    A mean is a ratio to ones. No bounds where the mean of ``bottom`` may be 0.
    """
    n = len(top)
    below = float(bottom.mean()) if n else 0.0
    if abs(below) < SAME:
        return NOTHING
    value = float(top.mean()) / below
    if n < 2:
        return Interval(value, float("nan"), float("nan"))
    rest = top - value * bottom  # what the ratio leaves unexplained; its mean is 0
    if np.sqrt((rest**2).mean() / (n - 1)) <= 1e-12 * max(1.0, abs(value)) * abs(below):
        return Interval(value, value, value)
    # Another ratio is held if mean(top - ratio * bottom), in its standard errors, lies between these quantiles.
    between = _quantiles(rest, seed, draws, level)
    rr, rb, bb = np.cov(rest, bottom)[[0, 0, 1], [0, 1, 1]] / n
    room = below**2 - between**2 * bb
    if (room <= 0).any():
        return Interval(value, float("nan"), float("nan"))
    apart = -between * (between * rb + np.sign(below) * np.sqrt(between**2 * rb**2 + room * rr)) / room
    return Interval(value, value + float(apart.min()), value + float(apart.max()))


def _quantiles(rest: NDArray[np.float64], seed: int, draws: int, level: float) -> NDArray[np.float64]:
    """Between which (2,) the mean of values like ``rest`` (n,), less the true one, lies in its standard errors."""
    n = len(rest)
    error = np.sqrt((rest**2).mean() / (n - 1))
    shift, square = (_weights(n, seed, draws) @ np.stack([rest, rest**2], axis=1)).T
    errors = np.sqrt(np.maximum(square - shift**2, 0) / (n - 1))
    studentised = np.quantile(shift / np.maximum(errors, FLOOR * error), [0.5 - level / 2, 0.5 + level / 2])
    tail = _expanded_tail(n, level)
    percentile = -np.quantile(shift, [1 - tail, tail]) / error
    trust = STUDENTISED * min(1.0, _spread_of_squares(rest)) ** 8
    return trust * studentised + (1 - trust) * percentile


def _spread_of_squares(rest: NDArray[np.float64]) -> float:
    """How far values (n,) of mean 0 are from having two values only: kurtosis - skewness^2 - 1, 2 for a normal one.

    It is what of the squares' variance the values do not explain (Pearson 1916: never below 0).
    """
    unit = rest / np.sqrt((rest**2).mean())
    return float((unit**4).mean() - (unit**3).mean() ** 2 - 1)


def _expanded_tail(n: int, level: float) -> float:
    """The normal distribution's tail beyond Student's quantile, in units of a resample's scatter (Hesterberg 2015)."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(np.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.5 - level / 2)))


def _fitted_half_lives(
    lag: NDArray[np.float64], table: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Of each resample (draws,), infinite where it is beyond the longest lag: the best of a fine grid."""
    grid = np.append(np.geomspace(lag[0] / 8, lag[-1], 400), np.geomspace(lag[-1], 64 * lag[-1], 40)[1:])
    basis = 2.0 ** (-lag / grid[:, None])  # (G, L)
    weight = weights @ np.isfinite(table)  # (draws, L), shares of scenarios that have a value at the lag
    total = weights @ np.where(np.isfinite(table), table, 0.0)
    product = np.maximum(total @ basis.T, 0.0)  # a curve below 0 fits no amplitude
    # With the best amplitude, the squared error is a constant less product^2 / norm.
    best = np.argmax(product**2 / np.maximum(weight @ (basis**2).T, 1e-300), axis=1)
    return np.where(grid[best] > lag[-1], np.inf, grid[best])


@lru_cache(maxsize=4)
def _weights(n: int, seed: int, draws: int) -> NDArray[np.float64]:
    """(draws, n): the share of each scenario in each resample of n from n."""
    return stream(seed, "bootstrap", n).multinomial(n, np.full(n, 1.0 / n), size=draws) / n


def _z(level: float) -> float:
    return NormalDist().inv_cdf(0.5 + level / 2)


def _finite(values: ArrayLike) -> NDArray[np.float64]:
    column = scenario_means(values)
    return column[np.isfinite(column)]


def _differences(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    first, second = scenario_means(a), scenario_means(b)
    assert first.shape == second.shape, f"{first.size} values cannot be paired with {second.size}"
    return first - second
