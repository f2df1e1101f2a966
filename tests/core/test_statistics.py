import numpy as np
import pytest
from scipy.stats import ttest_1samp

from worldsim.core.statistics import (
    auroc,
    bootstrap_mean,
    count_finite,
    half_life,
    holm,
    normalised_score,
    paired_contrast,
    paired_difference,
    paired_p_value,
    proportion_mean,
    spearman,
    wilson_interval,
)

RNG = np.random.default_rng


def test_wilson_intervals_stay_honest_at_one():
    assert wilson_interval(8, 10) == pytest.approx((0.8, 0.4901625, 0.9433178), abs=1e-6)  # published example
    all_right = wilson_interval(20, 20)
    assert all_right.mean == all_right.high == 1.0
    assert all_right.low == pytest.approx(0.8389, abs=1e-3)
    assert np.isnan(wilson_interval(0, 0)).all()


def test_seeds_of_a_scenario_are_worth_what_they_add_to_a_proportion():
    one = RNG(0).integers(0, 2, (30, 1)).astype(float)
    alike = np.tile(one, (1, 8))  # a scenario's seeds all agree: no more evidence than one
    assert proportion_mean(alike) == pytest.approx(wilson_interval(one.sum(), 30))
    assert proportion_mean(alike) == proportion_mean(one[:, 0])
    independent = RNG(1).integers(0, 2, (30, 8)).astype(float)
    width = np.ptp(proportion_mean(independent)[1:])
    assert 0.12 < width < 0.6 * np.ptp(proportion_mean(one[:, 0])[1:])
    assert proportion_mean(np.ones((20, 4))) == wilson_interval(20, 20)  # nothing shows that the seeds are independent


def test_pairing_removes_what_scenarios_have_in_common():
    common = RNG(1).normal(0, 10, 50)
    a, b = common + 1 + RNG(2).normal(0, 0.1, 50), common
    paired = paired_difference(a, b)
    alone = bootstrap_mean(a)
    assert paired.low > 0.9
    assert paired.high < 1.1
    assert alone.high - alone.low > 4


def test_missing_values_are_dropped_and_can_be_counted():
    values = [1.0, np.nan, 3.0]
    assert bootstrap_mean(values).mean == 2.0
    assert count_finite(values) == 2
    assert paired_difference([1.0, np.nan, 5.0], [0.0, 1.0, np.nan]).mean == 1.0
    assert np.isnan(bootstrap_mean([np.nan])).all()
    one = bootstrap_mean([4.0])
    assert one.mean == 4.0
    assert np.isnan(one.low)  # one value supports no interval


def test_equal_input_gives_equal_numbers():
    values = RNG(3).normal(size=30)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)


def test_score_is_zero_at_the_null_and_one_at_the_oracle():
    null, oracle = RNG(4).uniform(0, 1, 60), np.full(60, 2.0)
    assert normalised_score(null, null, oracle) == pytest.approx((0, 0, 0))
    assert normalised_score(oracle, null, oracle) == pytest.approx((1, 1, 1))
    middle = normalised_score((null + oracle) / 2, null, oracle)
    assert middle == pytest.approx((0.5, 0.5, 0.5))  # paired: the null's own scatter cancels
    worse = normalised_score(null - 1, null, oracle)
    assert worse.mean < 0  # not clipped
    assert np.isnan(normalised_score(null, oracle, oracle).mean)


def test_score_works_where_lower_is_better():
    assert normalised_score([2.0, 2.0], [4.0, 4.0], [0.0, 0.0]).mean == 0.5


def test_score_of_proportions_has_an_interval_even_where_everything_is_right():
    right, tied = np.ones(20), np.full(20, 0.5)
    assert normalised_score(right, tied, right) == (1, 1, 1)
    score = normalised_score(right, tied, right, proportions=True)
    assert score == pytest.approx((1, 2 * wilson_interval(20, 20).low - 1, 1))
    worse = normalised_score(np.zeros(20), tied, np.ones(20), proportions=True)
    assert worse == pytest.approx((-1, -1, 1 - 2 * wilson_interval(20, 20).low))
    # Where lower is better the interval turns round with the score.
    turned = normalised_score(1 - right, 1 - tied, 1 - right, proportions=True)
    assert turned == pytest.approx(score)


def test_more_seeds_of_the_same_scenarios_are_no_more_evidence():
    levels = RNG(5).normal(0, 1, 8)
    nested = levels[:, None] + RNG(6).normal(0, 0.1, (8, 50))
    ours, flat = bootstrap_mean(nested), bootstrap_mean(nested.ravel())
    assert ours.mean == pytest.approx(flat.mean)
    assert ours.high - ours.low > 3 * (flat.high - flat.low)
    assert ours == bootstrap_mean(nested.mean(axis=1))
    nested[3, 7], nested[5] = np.nan, np.nan  # a seed is missing, and a scenario
    assert count_finite(nested) == 7
    assert bootstrap_mean(nested).mean == pytest.approx(np.mean([np.nanmean(nested[i]) for i in (0, 1, 2, 3, 4, 6, 7)]))
    assert np.isnan(bootstrap_mean([[np.nan]])).all()


def test_values_of_which_few_differ_give_a_bounded_interval():
    low = bootstrap_mean([0.0] + [1.0] * 15)
    assert -0.5 < low.low < 0.8 < low.high < 1.2
    assert bootstrap_mean([2.0] * 9) == (2, 2, 2)


def test_p_values_of_pairs_are_those_of_flipped_signs():
    a = np.array([3.0, 1.0, 2.0, 4.0, np.nan])
    assert paired_p_value(a, np.zeros(5)) == pytest.approx(2 / 16)  # all positive: 2 of the 16 ways to flip are as far
    assert paired_p_value(a, a) == 1
    assert paired_p_value([1.0], [0.0]) == 1  # one pair shows nothing
    assert np.isnan(paired_p_value([np.nan], [0.0]))
    difference = RNG(7).normal(0.5, 1, 40)
    assert paired_p_value(difference, np.zeros(40)) == pytest.approx(ttest_1samp(difference, 0).pvalue, abs=0.02)


def test_a_contrast_is_an_interval_and_a_p_value_over_the_same_pairs():
    base = RNG(14).normal(0, 5, 24)
    better, alike = base + RNG(15).normal(1, 1, 24), base + RNG(16).normal(0, 1, 24)
    better[3] = np.nan
    found, none = paired_contrast(better, base), paired_contrast(alike, base)
    assert found[:3] == paired_difference(better, base)
    assert found.pairs == 23
    assert found.low > 0
    assert found.p_value < 0.001
    assert none.low < 0 < none.high
    assert none.p_value > 0.05
    assert holm([found.p_value, none.p_value]) == pytest.approx([2 * found.p_value, none.p_value])
    nothing = paired_contrast([np.nan, 1.0], [2.0, np.nan])
    assert np.isnan(nothing[:4]).all()
    assert nothing.pairs == 0
    seeds = np.stack([better, better + 1], axis=1)  # seeds of a scenario are averaged before pairing
    assert paired_contrast(seeds, base).mean == pytest.approx(found.mean + 0.5)
    assert paired_contrast(seeds, base).pairs == 23


def test_holm_of_contrasts_keeps_the_share_of_experiments_with_a_false_finding():
    """Nine primaries of two models that do not differ: uncorrected, a third of all comparisons find something."""
    rng, experiments = RNG(17), 300
    pairs = rng.exponential(1, (experiments, 9, 2, 12))
    p_values = [[paired_p_value(a, b, draws=499) for a, b in experiment] for experiment in pairs]
    naive = np.mean([min(experiment) < 0.05 for experiment in p_values])
    ours = np.mean([min(holm(experiment)) < 0.05 for experiment in p_values])
    assert naive > 0.25
    assert ours < 0.08


def test_holm_adjusts_as_in_the_textbook():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([float("nan"), 0.02]) == pytest.approx([np.nan, 0.02], nan_ok=True)


LAGS = np.array([8.0, 16, 32, 64, 128])


def test_half_life_is_found_through_noise_and_gaps():
    clean = np.tile(0.9 * 2 ** (-LAGS / 40), (24, 1))
    assert half_life(LAGS, clean).value == pytest.approx(40, rel=0.01)
    noisy = clean * RNG(8).uniform(0.5, 1.5, (24, 1)) + RNG(9).normal(0, 0.1, clean.shape)
    noisy[::3, 2], noisy[1::3, 4] = np.nan, np.nan
    found = half_life(LAGS, noisy)
    assert found.low < 40 < found.high < 80
    assert not found.censored


def test_a_curve_that_never_falls_is_censored_and_one_that_is_nothing_has_no_half_life():
    never = half_life(LAGS, 1 + RNG(10).normal(0, 0.1, (24, 5)))
    assert (never.value, never.low, never.high, never.censored) == (128, 128, np.inf, True)
    rising = half_life(LAGS, np.tile(LAGS / 128, (24, 1)) + RNG(11).normal(0, 0.05, (24, 5)))
    assert rising.censored
    slow = half_life(LAGS, 2 ** (-LAGS / 110) + RNG(12).normal(0, 0.5, (24, 5)))
    assert slow.low < 110
    assert slow.high == np.inf  # it may not have fallen by half within the longest lag
    nothing = [half_life(LAGS, RNG(seed).normal(0, 0.1, (24, 5)), draws=300).value for seed in range(100)]
    assert 90 <= np.isnan(nothing).sum() < 100  # the mean at the shortest lag is shown above 0 by chance in 2.5 %


def test_auroc_and_spearman_are_the_known_ones():
    assert auroc([3, 4, 5], [0, 1, 2]) == 1
    assert auroc([1, 1, np.nan], [1, 1]) == 0.5
    assert auroc([0.8, 0.2], [0.5, 0.1]) == 0.75
    assert np.isnan(auroc([], [1.0]))
    assert spearman([0, 0.25, 0.5, 1], [1, 0.9, 0.5, -3]) == pytest.approx(-1)
    assert spearman([1, 2, 3, np.nan], [1, 3, 2, 0]) == pytest.approx(0.5)
    assert np.isnan(spearman([1, 2], [1, 1]))
