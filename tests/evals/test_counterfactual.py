"""Contrasts on small pictures whose numbers can be said beforehand, and the ways in which naive numbers are fooled."""

import numpy as np
import pytest

from evals.metrics.counterfactual import contrast, looked_away, nearest, project

FRAMES, SIDE = 4, 16


@pytest.fixture
def worlds():
    """A grey textured place (T, H, W, 3), with a thing of 4 x 4 pixels and without."""
    without = np.random.default_rng(0).integers(60, 140, (1, SIDE, SIDE, 3), np.uint8).repeat(FRAMES, 0)
    there = without.copy()
    there[:, 4:8, 4:8] = (220, 40, 40)
    return there, without


def naive_iou(first, second, real_first, real_second):
    """Overlap of where the two branches differ, frame by frame; two empty masks are taken for agreement."""
    masks = [np.abs(contrast(a, b)).max(-1) > 10 for a, b in ((first, second), (real_first, real_second))]
    inter, union = (masks[0] & masks[1]).sum((1, 2)), (masks[0] | masks[1]).sum((1, 2))
    return float(np.where(union > 0, inter / np.maximum(union, 1), 1.0).mean())


def test_the_game_has_one_and_forgetting_has_nothing(worlds):
    real = contrast(*worlds)
    assert project(real, real) == (1.0, 0.0, 1.0)
    assert project(np.zeros_like(real), real) == (0.0, 0.0, 0.0)
    assert np.isnan(project(real, np.zeros_like(real))).all()  # where nothing differs nothing can be asked


def test_half_of_it_is_half(worlds):
    real = contrast(*worlds)
    assert project(0.5 * real, real).rho == project(0.5 * real, real).agreement == 0.5
    part = real.copy()
    part[:, 4:6] = 0
    assert 0.4 < project(part, real).rho < 0.6


def test_what_both_branches_get_wrong_alike_costs_nothing(worlds):
    real = contrast(*worlds)
    there, without = (np.clip(0.5 * one.astype(float) + 60, 0, 255) for one in worlds)
    assert project(there - without, real).rho == pytest.approx(0.5, abs=0.01)  # paler, but there
    other = [np.clip(one.astype(int) + 30, 0, 255).astype(np.uint8) for one in worlds]
    assert project(contrast(*other), real).rho > 0.95


def test_the_hud_is_no_world(worlds):
    there, without = worlds
    hidden = np.zeros((SIDE, SIDE), bool)
    hidden[4:8, 4:8] = True
    assert not contrast(there, without, hidden).any()


def test_exaggeration_beats_the_game_by_rho_and_not_by_agreement(worlds):
    real = contrast(*worlds)
    assert project(2 * real, real).rho == 2.0
    assert project(2 * real, real).agreement == 0.5


def test_a_second_copy_is_free_by_rho_and_not_by_agreement(worlds):
    real = contrast(*worlds)
    twice = real + np.roll(real, 6, axis=2)
    found = project(twice, real)
    assert (found.rho, found.leak) == (1.0, 1.0)
    assert found.agreement == 0.5


def test_noise_that_comes_and_goes_is_not_taken_for_a_second_copy(worlds):
    """Simulators whose branches do not share their noise are not punished for it: the energy of noise does not last."""
    real = contrast(*worlds)
    noise = np.random.default_rng(1).normal(0, 25, (20, *real.shape))
    found = [project(real + one, real) for one in noise]
    assert np.mean([one.leak for one in found]) > 1
    assert np.mean([one.agreement for one in found]) > 0.9


def test_empty_masks_fool_overlap_and_not_the_projection(worlds):
    """A way to be fooled: in frames in which the thing is out of sight anyway, to show nothing is to be right."""
    there, without = worlds
    real = [
        np.concatenate([without[:1].repeat(12, 0), one]) for one in (there, without)
    ]  # away for 12 frames, then back
    forgetful = [real[1], real[1]]
    naive = naive_iou(*forgetful, *real)
    ours = project(contrast(*forgetful), contrast(*real)).rho
    assert naive == 0.75
    assert ours == 0.0


def test_a_still_picture_never_looked_away(worlds):
    seen, nothing = contrast(*worlds)[:1], np.zeros((5, SIDE, SIDE, 3))
    assert looked_away(nothing, seen) == 1.0
    assert looked_away(seen.repeat(5, 0), seen) == 0.0
    assert looked_away(np.concatenate([seen.repeat(2, 0), nothing[:2]]), seen) == 0.5


def test_fates_are_told_by_the_nearest_rendering(worlds):
    real = contrast(*worlds)
    candidates = [real, np.roll(real, 6, axis=2), np.zeros_like(real)]
    assert nearest(0.8 * candidates[0], candidates) == 0
    assert nearest(0.8 * candidates[1], candidates) == 1
    assert nearest(0.1 * candidates[0], candidates) == 2
