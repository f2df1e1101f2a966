"""Whether 95 % intervals hold the truth in 95 % of synthetic experiments of the sizes that suites have."""

import numpy as np
import pytest

from worldsim.core.statistics import bootstrap_mean, half_life, normalised_score, proportion_mean

EXPERIMENTS = 2000
pytestmark = pytest.mark.slow


def held(intervals, truth):
    """The share of intervals that hold ``truth``, in percent."""
    bounds = np.array([(interval.low, interval.high) for interval in intervals])
    return 100 * float(((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).mean())


def censored(rng, shape):
    return np.minimum(rng.geometric(1 / 30, shape), 64.0)  # frames until lost, of 64


CENSORED_MEAN = 30 * (1 - (1 - 1 / 30) ** 64)
POPULATIONS = {
    "normal": (lambda rng, shape: rng.normal(0, 1, shape), 0.0),
    "skewed": (lambda rng, shape: rng.exponential(1, shape), 1.0),
    "failed": (lambda rng, shape: np.where(rng.random(shape) < 0.2, 0.0, rng.normal(1, 0.2, shape)), 0.8),
}


@pytest.mark.parametrize("scenarios", [16, 32, 64])
@pytest.mark.parametrize("population", POPULATIONS)
def test_means(population, scenarios):
    draw, truth = POPULATIONS[population]
    values = draw(np.random.default_rng(0), (EXPERIMENTS, scenarios))
    assert held(map(bootstrap_mean, values), truth) == pytest.approx(95, abs=1.5)


@pytest.mark.parametrize("scenarios", [16, 32, 64])
def test_means_of_censored_values_err_on_the_wide_side_at_most(scenarios):
    values = censored(np.random.default_rng(0), (EXPERIMENTS, scenarios))
    assert 93.5 <= held(map(bootstrap_mean, values), CENSORED_MEAN) <= 98


@pytest.mark.parametrize("scenarios", [16, 64])
@pytest.mark.parametrize(("seeds", "between", "within"), [(4, 1.0, 1.0), (4, 0.3, 2.0), (2, 1.0, 2.0), (8, 1.0, 0.1)])
def test_means_with_seeds_in_scenarios(scenarios, seeds, between, within):
    """Scenarios are skewed, their seeds are not."""
    rng = np.random.default_rng(0)
    levels = between * rng.exponential(1, (EXPERIMENTS, scenarios, 1))
    values = levels + within * rng.normal(0, 1, (EXPERIMENTS, scenarios, seeds))
    assert held(map(bootstrap_mean, values), between) == pytest.approx(95, abs=1.5)


@pytest.mark.parametrize("scenarios", [16, 32, 64])
def test_proportions(scenarios):
    """Of any size: of a given one Wilson's interval is now above, now below 95 % (Brown, Cai and DasGupta 2001)."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.02, 0.98, EXPERIMENTS)
    right = (rng.random((EXPERIMENTS, scenarios)) < truth[:, None]).astype(float)
    assert held(map(proportion_mean, right), truth) == pytest.approx(95, abs=1.5)


@pytest.mark.parametrize("scenarios", [16, 64])
@pytest.mark.parametrize("concentration", [0.5, 4.0])
def test_proportions_with_seeds_in_scenarios(scenarios, concentration):
    """Scenarios of different difficulty: the smaller the concentration, the more a scenario's seeds agree."""
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.1, 0.9, (EXPERIMENTS, 1))
    difficulty = rng.beta(concentration * truth, concentration * (1 - truth), (EXPERIMENTS, scenarios))
    right = (rng.random((EXPERIMENTS, scenarios, 4)) < difficulty[..., None]).astype(float)
    assert held(map(proportion_mean, right), truth[:, 0]) == pytest.approx(95, abs=1.5)


@pytest.mark.parametrize("truth", [0.1, 0.5, 0.9])
def test_scores(truth):
    rng = np.random.default_rng(0)
    shape = (EXPERIMENTS, 64)
    level = rng.normal(0, 1, shape)  # what a scenario has in common
    null, oracle = level + rng.exponential(0.5, shape), level + rng.normal(2.5, 0.5, shape)
    model = level + rng.normal(0.5 + 2 * truth, 0.5, shape)
    intervals = [normalised_score(*columns) for columns in zip(model, null, oracle, strict=True)]
    assert held(intervals, truth) == pytest.approx(95, abs=2.5)


@pytest.mark.parametrize("scenarios", [16, 64])
@pytest.mark.parametrize("right", [0.6, 0.9, 0.98])
def test_scores_of_proportions_are_not_sure_of_more_than_they_saw(scenarios, right):
    rng = np.random.default_rng(0)
    answers = (rng.random((EXPERIMENTS, scenarios)) < right).astype(float)
    tied, real = np.full(scenarios, 0.5), np.ones(scenarios)
    intervals = [normalised_score(model, tied, real, proportions=True) for model in answers]
    assert 93 <= held(intervals, 2 * right - 1) <= 98


@pytest.mark.parametrize("scenarios", [16, 64])
@pytest.mark.parametrize("truth", [20, 80])
def test_half_lives(scenarios, truth):
    rng = np.random.default_rng(0)
    lags = np.array([8.0, 16, 32, 64, 128, 256])
    curves = rng.uniform(0.6, 1.2, (EXPERIMENTS, scenarios, 1)) * 2 ** (-lags / truth)
    values = curves + rng.normal(0, 0.25, (EXPERIMENTS, scenarios, len(lags)))
    assert 91.5 <= held((half_life(lags, value, draws=1000) for value in values), truth) <= 97
