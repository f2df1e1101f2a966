"""Average precision and calibration of rare events, against figures worked out by hand and by brute force."""

import numpy as np
import pytest

from worldsim.core.rare_events import (
    average_precision,
    average_precision_interval,
    calibration_error,
    judge_events,
    reliability,
)


def by_brute_force(score, happened, weight):
    """Precision at every threshold, times the recall gained there, in falling order of the threshold."""
    total, area, recall_before = (weight * happened).sum(), 0.0, 0.0
    for threshold in sorted(set(score), reverse=True):
        alarm = score >= threshold
        recall = (weight * happened)[alarm].sum() / total
        if weight[alarm].sum():
            area += (recall - recall_before) * (weight * happened)[alarm].sum() / weight[alarm].sum()
        recall_before = recall
    return area


def test_worked_examples():
    # The example of sklearn.metrics.average_precision_score.
    assert average_precision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == pytest.approx(5 / 6)
    assert average_precision([3.0, 2.0, 1.0], [1, 0, 0]) == 1.0
    assert average_precision([1.0, 2.0, 4.0, 3.0], [1, 0, 0, 0]) == pytest.approx(1 / 4)
    assert np.isnan(average_precision([0.2, 0.3], [0, 0]))
    assert np.isnan(average_precision([], []))


def test_a_constant_score_is_chance():
    happened = np.arange(200) % 50 == 0
    assert average_precision(np.ones(200), happened) == pytest.approx(happened.mean())


def test_against_brute_force_with_ties_and_weights():
    rng = np.random.default_rng(0)
    for _ in range(20):
        score, happened = rng.integers(0, 8, 60) / 7, rng.random(60) < 0.2
        happened[0] = True
        weight = rng.integers(0, 4, 60).astype(float)
        weight[0] = 1
        assert average_precision(score, happened, weight) == pytest.approx(by_brute_force(score, happened, weight))


def test_a_weight_is_a_repetition():
    score, happened, weight = np.array([0.9, 0.7, 0.5, 0.1]), np.array([1, 0, 1, 0]), np.array([1, 3, 2, 1])
    repeated = average_precision(score.repeat(weight), happened.repeat(weight))
    assert average_precision(score, happened, weight) == pytest.approx(repeated)


def test_the_interval_resamples_episodes():
    """Twenty copies of an episode's steps are one episode: they make the interval no narrower."""
    rng = np.random.default_rng(1)
    episode = np.arange(400) // 20
    happened = rng.random(400) < 0.1
    score = happened * 0.5 + rng.random(400)
    few = average_precision_interval(score, happened, episode)
    many = average_precision_interval(np.tile(score, 20), np.tile(happened, 20), np.tile(episode, 20))
    assert few.low < few.mean < few.high
    assert many.mean == pytest.approx(few.mean)
    assert many.high - many.low == pytest.approx(few.high - few.low)
    alone = average_precision_interval(score, happened, np.zeros(400))
    assert np.isnan(alone.low)


def test_reliability_says_how_often_it_happened():
    probability = np.repeat([0.004, 0.25, 0.75, 1.0], [100, 40, 20, 5])
    happened = np.concatenate([np.arange(100) < 2, np.arange(40) < 10, np.arange(20) < 5, np.ones(5)])
    bins = reliability(probability, happened)
    assert [(part.low, part.steps) for part in bins] == [(0.0, 100), (0.2, 40), (0.7, 20), (0.9, 5)]
    assert [part.happened for part in bins] == pytest.approx([0.02, 0.25, 0.25, 1.0])
    # |.004 - .02| * 100, nothing, |.75 - .25| * 20, nothing
    assert calibration_error(probability, happened) == pytest.approx((1.6 + 10) / 165)


def test_sure_and_right_is_calibrated():
    happened = np.arange(50) % 10 == 0
    assert calibration_error(happened.astype(float), happened) == 0
    said = judge_events(happened.astype(float), happened, np.arange(50) // 5, happened.astype(float))
    assert said["average_precision"]["mean"] == 1
    assert (said["prevalence"], said["events"], said["episodes"]) == (0.1, 5, 10)
    assert said["expected_over_outcome"] == 1
    half = judge_events(happened, happened, np.arange(50) // 5, happened * 0.5, happened * 0.25)
    assert half["expected_over_outcome"] == 2
    assert half["calibration_error"] == pytest.approx(0.25 * 0.1)
