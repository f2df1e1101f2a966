"""Parts of the physics suite by themselves: where bodies are, forecasts, Physics-IQ, mechanics, surprise."""

import numpy as np
import pytest

from evals.instruments.bodies import BodyFinder, learn_colours, sight
from evals.metrics import mechanics, physics_iq, violation
from evals.metrics.trajectory import LOST, distance, lost_at_most, middle, persistence, shape_of, skill
from evals.suites.hidden_swaps import alike_between

SIDE = 40


def disc(x: float, y: float, radius: float = 5) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (columns - x) ** 2 + (rows - y) ** 2 <= radius**2


@pytest.mark.parametrize("moved", [(3, 0), (0, -7), (4, 3)])
def test_the_distance_of_a_body_that_only_moved_is_how_far(moved):
    here, there = shape_of(disc(20, 20)), shape_of(disc(20 + moved[0], 20 + moved[1]))
    assert distance(here, there) == pytest.approx(np.hypot(*moved) / SIDE, rel=1e-3)
    assert middle(there) * SIDE == pytest.approx([20 + moved[0], 20 + moved[1]], abs=0.3)


def test_what_grows_or_scatters_is_away_without_moving():
    assert distance(shape_of(disc(20, 20)), shape_of(disc(20, 20, 9))) > 1 / SIDE
    assert distance(shape_of(disc(20, 20, 3)), shape_of(disc(8, 20, 3) | disc(32, 20, 3))) > 5 / SIDE
    assert np.isnan(shape_of(np.zeros((4, 4), bool))).all()


def test_forecasts_are_standing_still_and_constant_velocity_up_to_the_border():
    context = np.stack([[shape_of(disc(10 + 2 * t, 20)), shape_of(np.zeros((SIDE, SIDE), bool))] for t in range(6)])
    still, constant = persistence(context, 12, 1.0)
    last, third = middle(still[-1, 0]) * SIDE, middle(constant[2, 0]) * SIDE
    assert last == pytest.approx([20, 20], abs=0.2) and third == pytest.approx([26, 20], abs=0.2)
    assert (middle(constant[-1, 0]) <= 1).all(), "it stops at the border"
    assert np.isnan(constant[:, 1]).all(), "nobody knows where what was never seen is"


def test_skill_is_bounded_and_what_is_not_found_is_lost():
    assert skill(0.0, 0.1) == 1 and skill(0.1, 0.1) == 0 and skill(9.0, 0.1) == -1
    assert lost_at_most(np.array([np.nan, 3.0, 0.1])).tolist() == [LOST, LOST, 0.1]


def test_bodies_are_found_before_a_stage_in_shade_and_where_they_are_the_colour_of_something_else():
    stage = np.full((1, SIDE, SIDE, 3), 180, np.uint8)
    stage[:, :10] = (200, 40, 40)  # red as the body, and always there
    frames = np.repeat(stage, 3, 0)
    labels = np.zeros((3, SIDE, SIDE), np.uint8)
    for t in range(3):
        labels[t][disc(12 + 8 * t, 25)] = 1
        frames[t][disc(14 + 8 * t, 33, 4)] //= 2  # its shadow
        frames[t][labels[t] == 1] = (200, 40, 40)
    whole = np.array([False])
    truly, start = sight(labels[1:], whole), sight(labels[:1], whole).shapes[0]
    finder = BodyFinder(stage, learn_colours(frames[:1], labels[:1], 1), whole, start)
    found = finder.find(frames[1:])
    assert distance(found.shapes, truly.shapes).max() * SIDE < 0.1
    assert not finder.find(stage).seen.any()
    noise = np.random.default_rng(0).normal(0, 6, frames[1:].shape)
    noisy = finder.find(np.clip(frames[1:] + noise, 0, 255).astype(np.uint8))
    assert distance(noisy.shapes, truly.shapes).max() * SIDE < 0.5


def test_physics_iq_of_a_still_is_nothing_though_the_original_credits_empty_frames():
    """The known way to be fooled: empty against empty counts as perfect, so who shows nothing scores."""
    start = np.full((SIDE, SIDE, 3), 100, np.uint8)
    real = np.repeat(start[None], 10, 0)
    real[8][disc(20, 20)] = 250  # it moves late and for a moment
    masks = [physics_iq.motion_masks(start, clip) for clip in (real, np.repeat(start[None], 10, 0))]
    either = (masks[0] | masks[1]).any((1, 2))
    original = np.where(either, 0.0, 1.0).mean()  # as in calculate_and_write_metrics_to_csv.py
    ours = physics_iq.terms(*masks)
    assert original >= 0.7
    assert ours == {"spatial_iou": 0, "spatiotemporal_iou": 0, "weighted_spatial_iou": 0}
    assert np.isnan(list(physics_iq.terms(masks[1], masks[1]).values())).all(), "nothing moves: no number"


def test_physics_iq_tells_where_from_when():
    start = np.full((SIDE, SIDE, 3), 100, np.uint8)
    clips = np.repeat(start[None, None], 12, 1).repeat(2, 0)
    for t in range(12):
        clips[0, t][disc(4 + 3 * t, 20)] = 250
        clips[1, t][disc(4 + 3 * (11 - t), 20)] = 250  # the same way backwards
    forwards, backwards = (physics_iq.motion_masks(start, clip) for clip in clips)
    there = physics_iq.terms(forwards, backwards)
    assert there["spatial_iou"] > 0.8 > 0.4 > there["spatiotemporal_iou"]
    same = physics_iq.terms(forwards, forwards)
    assert physics_iq.score(same, 0.0, there, 0.1) == 1
    assert physics_iq.score(there, 0.2, same, 0.1) < 0.8


def test_places_and_gravity_come_back_from_the_picture():
    K = np.array([[60.0, 0, 31.5], [0, 60, 31.5], [0, 0, 1]])
    pose = np.array([[1.0, 0, 0, 0], [0, 0, 1, -4], [0, -1, 0, 1], [0, 0, 0, 1]])  # from y = -4 along +y, 1 m high
    time = np.arange(16) / 25
    truth = np.stack([0.4 * time, np.zeros(16), 2 - 0.5 * 9.81 * time**2], 1)
    seen = (truth - pose[:3, 3]) @ pose[:3, :3]
    middles = (seen @ K.T)[:, :2] / seen[:, 2:] / 64
    plane = np.array([[[0, 0, 0], [0, 1.0, 0]]])
    places = mechanics.places_m(middles[:, None], 64, plane, K, np.repeat(pose[None], 16, 0))
    np.testing.assert_allclose(places[:, 0], truth, atol=1e-9)
    flies = np.ones((16, 1), bool)
    assert mechanics.gravity_m_s2(places[..., 2], flies, 25) == pytest.approx(9.81)
    landed = places[..., 2].copy()
    landed[10:] = landed[10]
    assert mechanics.gravity_m_s2(landed, flies, 25) == pytest.approx(9.81), "what lies on the floor is not in flight"
    np.testing.assert_allclose(mechanics.momentum(places, np.array([2.0]), 25)[:, 0], 0.8)
    energy = mechanics.energy(places, np.array([2.0]), 25)
    np.testing.assert_allclose(energy, energy[0], rtol=1e-6)


def test_swaps_are_made_where_two_worlds_are_equal_and_pairs_of_frames_cannot_tell():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 255, (2, 30, 8, 8, 3), np.uint8)
    b[12:16] = a[12:16]
    start, swap, end = alike_between(a, b, 8, 30)
    assert (start, swap, end) == (4, 14, 24)
    clips = np.stack([a, b, np.concatenate([a[:swap], b[swap:]]), np.concatenate([b[:swap], a[swap:]])])
    assert violation.accuracy(violation.motion_energy(clips)) == 0.5
    assert violation.accuracy(violation.previous_frame_error(clips)) == 0.5
    assert violation.accuracy(violation.distance_to_worlds(clips, clips[:2])) == 1
    assert alike_between(a, b, 8, 18) is None, "too long"
    assert alike_between(a, rng.integers(0, 255, a.shape, np.uint8), 4, 30) is None, "never alike"
