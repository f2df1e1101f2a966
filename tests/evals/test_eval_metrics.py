import numpy as np
import pytest

from evals.metrics import METRICS
from evals.metrics.choice import action_swap_2afc
from evals.metrics.drift import colour_drift, horizon_frames, mismatch, motion_energy_ratio, termination_false_alarm
from evals.metrics.pixels import PSNR_CAP_DB, mse, psnr


def frames(seed, count=4):
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)


def test_psnr_of_known_noise_and_of_equal_frames():
    black = np.zeros((2, 8, 8, 3), np.uint8)
    assert mse(black, black + 10) == pytest.approx([100, 100])
    assert psnr(black, black + 10) == pytest.approx(np.full(2, 28.1308), abs=1e-4)
    assert (psnr(black, black) == PSNR_CAP_DB).all()
    assert (mse(black, black + 255) == 255**2).all()  # no wrap-around of 8-bit numbers


def test_2afc_follows_the_right_branch_only():
    a, b = frames(0), frames(1)
    assert action_swap_2afc(a, b, a, b) == 1.0
    assert action_swap_2afc(b, a, a, b) == 0.0
    still = frames(2)
    assert action_swap_2afc(still, still, a, b) == 0.5


def test_blur_games_psnr_but_not_2afc():
    """The mean of both futures beats a coin flip between them in PSNR, and is at chance in 2AFC."""
    a, b = frames(0), frames(1)
    mean = ((a.astype(np.uint16) + b) // 2).astype(np.uint8)
    coin_flip_db = (psnr(a, a).clip(max=50).mean() + psnr(b, a).mean()) / 2
    worst_guess_db = psnr(b, a).mean()
    assert psnr(mean, a).mean() > worst_guess_db + 5
    assert psnr(mean, a).mean() < coin_flip_db  # a right guess is worth more, once it is really right
    assert action_swap_2afc(mean, mean, a, b) == 0.5
    pale_a, pale_b = (((future.astype(np.uint16) + 3 * mean) // 4).astype(np.uint8) for future in (a, b))
    assert action_swap_2afc(pale_a, pale_b, a, b) == 1.0  # the direction is all it asks for


def test_horizon_counts_frames_before_the_error_arrives():
    error = np.array([1.0, 2.0, 3.0, 10.0, 10.0])
    assert horizon_frames(error, 9.0, smoothing_frames=1) == (3, False)
    assert horizon_frames(error, 9.0, smoothing_frames=2) == (4, False)
    assert horizon_frames(error, 11.0, smoothing_frames=1) == (5, True)
    assert horizon_frames(error, 0.5, smoothing_frames=1) == (0, False)


def test_mismatch_is_not_deceived_by_fading():
    """The mean of everything has half the squared error of an unrelated frame; its mismatch is as large."""
    real, unrelated = frames(0), frames(1)
    mean_frame = np.full((8, 8, 3), 127.5, np.float32)
    grey = np.full_like(real, 127)
    assert (mse(grey, real) < 0.6 * mse(unrelated, real)).all()
    assert mismatch(grey, real, mean_frame).min() > 0.8
    assert abs(mismatch(unrelated, real, mean_frame).mean() - 1) < 0.15
    assert (mismatch(real, real, mean_frame) == 0).all()
    pale = (real // 4 + 96).astype(np.uint8)
    assert mismatch(pale, real, mean_frame).max() < 0.01
    assert mismatch(grey, grey, np.full((8, 8, 3), 127, np.float32)).max() == 0  # equal, though nothing beyond the mean
    assert mismatch(grey, real, np.full((8, 8, 3), 127, np.float32)).min() == 1


def test_motion_energy_sees_freezing_and_flicker():
    real = frames(0, 6)
    start = frames(1, 1)[0]
    assert motion_energy_ratio(start, real, real) == 1.0
    assert motion_energy_ratio(start, np.stack([start] * 6), real) == 0.0
    assert np.isnan(motion_energy_ratio(start, real, np.stack([start] * 6)))


def test_colour_drift_is_in_8_bit_steps_and_ignores_where_things_are():
    real = frames(0) // 2
    assert colour_drift(real + 7, real) == pytest.approx(np.full(4, 7.0))
    assert colour_drift(real[:, ::-1], real) == pytest.approx(np.zeros(4))


def test_false_alarms_leave_out_steps_that_do_end():
    assert termination_false_alarm(np.array([0.2, 0.4, 1.0]), np.array([False, False, True])) == pytest.approx(0.3)


def test_every_metric_can_be_loaded_and_says_which_way_is_better():
    for entry in METRICS:
        assert callable(entry.load())
        assert entry.info["higher_is_better"] in (True, False, None)
