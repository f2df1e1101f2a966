"""Predictions of rare events (an ending, a reward) against what happened: average precision and calibration.

Accuracy says nothing here: "nothing ever happens" is right in 99 of 100 steps. Numpy only, for training, suites and
reports alike. The episode is the unit of every interval: its steps are resampled together.

Legend: N steps, E episodes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from worldsim.core.seeding import stream
from worldsim.core.statistics import LEVEL, Interval

DRAWS = 1000
RELIABILITY_EDGES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def average_precision(score_N: ArrayLike, happened_N: ArrayLike, weight_N: ArrayLike | None = None) -> float:
    """The area under the steps of precision over recall, as sklearn.metrics.average_precision_score has it.

    Chance is the share of events. Equal scores count as one threshold; NaN where nothing happened.
    """
    ranking = _Ranking(score_N, happened_N)
    weight = np.ones(ranking.size) if weight_N is None else np.asarray(weight_N, np.float64)
    return ranking.average_precision(weight)


def average_precision_interval(
    score_N: ArrayLike, happened_N: ArrayLike, episode_N: ArrayLike, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Average precision with the percentile bootstrap over episodes; draws without an event are left out."""
    ranking = _Ranking(score_N, happened_N)
    _, episode = np.unique(np.asarray(episode_N), return_inverse=True)
    count = int(episode.max()) + 1 if episode.size else 0
    mean = ranking.average_precision(np.ones(ranking.size))
    if count < 2 or not np.isfinite(mean):
        return Interval(mean, float("nan"), float("nan"))
    rng = stream(seed, "bootstrap", "average precision", count)
    drawn = [rng.multinomial(count, np.full(count, 1.0 / count))[episode] for _ in range(draws)]
    values = np.array([ranking.average_precision(weight.astype(np.float64)) for weight in drawn])
    low, high = np.nanquantile(values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return Interval(mean, float(low), float(high))


class _Ranking:
    """Steps in falling order of their score, for any number of weightings."""

    def __init__(self, score_N: ArrayLike, happened_N: ArrayLike):
        score, happened = np.asarray(score_N, np.float64), np.asarray(happened_N, np.bool_)
        assert score.ndim == 1, f"one score a step is needed; got shape {score.shape}"
        assert score.shape == happened.shape, f"{score.size} scores for {happened.size} steps"
        assert np.isfinite(score).all(), "scores must be finite"
        self.size = score.size
        self._order = np.argsort(-score, kind="stable")
        self._happened = happened[self._order]
        ranked = score[self._order]
        self._last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))[: score.size]

    def average_precision(self, weight_N: NDArray[np.float64]) -> float:
        weight = weight_N[self._order]
        found = np.cumsum(weight * self._happened)[self._last_of_ties]
        alarms = np.cumsum(weight)[self._last_of_ties]
        if not found.size or found[-1] == 0:
            return float("nan")
        precision = np.divide(found, alarms, out=np.zeros_like(found), where=alarms > 0)
        return float(np.sum(np.diff(found, prepend=0.0) * precision) / found[-1])


@dataclass(frozen=True)
class ReliabilityBin:
    """Steps whose predicted probability (or expected share) lies in [low, high), and what came of them."""

    low: float
    high: float
    steps: int
    predicted: float  # mean probability
    happened: float  # share of events, or mean outcome


def reliability(probability_N: ArrayLike, happened_N: ArrayLike) -> list[ReliabilityBin]:
    """The reliability table over ``RELIABILITY_EDGES`` (finer near 0, where a rare event's steps are); filled bins."""
    probability, happened = np.asarray(probability_N, np.float64), np.asarray(happened_N, np.float64)
    place = np.clip(np.searchsorted(RELIABILITY_EDGES, probability, side="right") - 1, 0, len(RELIABILITY_EDGES) - 2)
    bins = []
    for number in np.unique(place):
        here = place == number
        low, high = RELIABILITY_EDGES[number : number + 2]
        shares = float(probability[here].mean()), float(happened[here].mean())
        bins.append(ReliabilityBin(low, high, int(here.sum()), *shares))
    return bins


def calibration_error(probability_N: ArrayLike, happened_N: ArrayLike) -> float:
    """Expected calibration error (Naeini et al. 2015) over the bins of :func:`reliability`."""
    bins = reliability(probability_N, happened_N)
    steps = sum(part.steps for part in bins)
    return sum(part.steps * abs(part.predicted - part.happened) for part in bins) / steps if steps else float("nan")


def judge_events(
    score_N: ArrayLike,
    happened_N: ArrayLike,
    episode_N: ArrayLike,
    expected_N: ArrayLike,
    outcome_N: ArrayLike | None = None,
) -> dict[str, Any]:
    """All figures of one kind of event as plain data.

    Calibrated is ``expected_N``, in [0, 1], to the mean of ``outcome_N``: whether it happened, unless given.
    """
    happened = np.asarray(happened_N, np.bool_)
    expected = np.asarray(expected_N, np.float64)
    outcome = happened.astype(np.float64) if outcome_N is None else np.asarray(outcome_N, np.float64)
    return {
        "steps": happened.size,
        "events": int(happened.sum()),
        "episodes": int(np.unique(np.asarray(episode_N)).size),
        "prevalence": float(happened.mean()),  # the average precision of chance
        "average_precision": average_precision_interval(score_N, happened, episode_N)._asdict(),
        "calibration_error": calibration_error(expected, outcome),
        "expected_over_outcome": float(expected.sum() / outcome.sum()) if outcome.any() else float("nan"),
        "reliability": [asdict(part) for part in reliability(expected, outcome)],
    }
