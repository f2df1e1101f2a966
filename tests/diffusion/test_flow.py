"""Rectified flow: noise, steps and levels."""

from itertools import pairwise

import pytest
import torch

from worldsim.core.errors import WorldsimError
from worldsim.diffusion.flow import (
    NoiseConfig,
    add_noise,
    distance_to_given,
    draw_levels,
    euler_step,
    sampling_levels,
    staggered_levels,
)


def test_noise_levels_zero_and_one_are_clean_and_noise():
    x, noise = torch.randn(2, 3, 4, 4, 4), torch.randn(2, 3, 4, 4, 4)
    assert torch.equal(add_noise(x, noise, torch.zeros(2, 3)), x)
    assert torch.equal(add_noise(x, noise, torch.ones(2, 3)), noise)


def test_euler_steps_the_sample_and_does_not_replace_it_by_the_prediction():
    x, noise = torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), -1.0)
    halfway = euler_step(noise, x, 1.0, 0.5)
    assert torch.allclose(halfway, add_noise(x, noise, torch.tensor([0.5])))
    assert not torch.allclose(halfway, x)


@pytest.mark.parametrize("steps", [1, 2, 4, 64])
def test_a_perfect_prediction_arrives_at_the_clean_sample(steps):
    x, sample = torch.randn(1, 4, 4, 4), torch.randn(1, 4, 4, 4)
    for level, next_level in pairwise(sampling_levels(steps)):
        sample = euler_step(sample, x, level, next_level)
    assert torch.allclose(sample, x, atol=1e-5)


def test_drawn_levels_are_as_configured():
    generator = torch.Generator().manual_seed(0)
    context, target = draw_levels(NoiseConfig(context_max=0.3, pure_share=0.5), 400, 10, generator)
    assert context.shape == (400, 10)
    assert target.shape == (400, 9)
    assert 0.28 < float(context.max()) <= 0.3
    assert float((target > 0.98).float().mean()) == pytest.approx(0.51, abs=0.03)
    assert float(target.min()) < 0.02


def test_distance_is_to_the_nearest_given_frame_or_to_before_the_first():
    given = torch.tensor([[0, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], dtype=torch.bool)
    assert distance_to_given(given).tolist() == [[1, 0, 1, 2, 1, 0], [1, 2, 3, 4, 5, 6], [0] * 6]


@pytest.mark.parametrize(
    ("lag", "progress", "levels"),
    [
        (0.0, 0.25, [0.75, 0.75, 0.75]),
        (0.5, 0.25, [0.75, 1.0, 1.0]),
        (0.5, 1.25, [0.0, 0.25, 0.75]),
        (1.0, 1.5, [0.0, 0.5, 1.0]),
        (1.0, 3.0, [0.0, 0.0, 0.0]),
    ],
)
def test_frames_take_turns_by_distance_and_lag(lag, progress, levels):
    assert staggered_levels(torch.tensor([1.0, 2.0, 3.0]), lag, progress).tolist() == pytest.approx(levels)


@pytest.mark.parametrize("change", [{"context_max": 1.0}, {"pure_share": 1.5}])
def test_bad_noise_settings_name_the_value(change):
    with pytest.raises(WorldsimError, match=str(next(iter(change.values())))):
        NoiseConfig(**change)


def test_no_steps_is_refused():
    with pytest.raises(WorldsimError, match="steps=0"):
        sampling_levels(0)
