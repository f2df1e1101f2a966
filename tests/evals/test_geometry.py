"""Geometry: what holds together in space under the commanded cameras, and videos that only look as if they did."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from evals.controls.planted import FAULTS
from evals.games import RealGame
from evals.instruments.matches import REFERENCE_HEIGHT_PX, track
from evals.metrics.epipolar import sampson_distance, scene_distance
from evals.suites.geometry import GeometrySuite
from evals.trial import DreamBranch, Trial
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Camera

PRIMARY = GeometrySuite.primary
RIPPLES = FAULTS.load("ripples")


@pytest.fixture(scope="module")
def game():
    game = RealGame("voxel/terrain", {"height": 64, "width": 64})
    yield game
    game.close()


@pytest.fixture(scope="module")
def suite():
    return GeometrySuite(reconstruct_every=0)


@pytest.fixture(scope="module")
def cases(game, suite):
    return [suite.build(game, index) for index in range(3)]


def trial_of(case, frames):
    nothing = np.zeros(len(frames), np.float32)
    return Trial(case, {"path": DreamBranch(frames, nothing, nothing)})


def real_frames(case):
    return case.real["path"].frames


def still(case):
    return np.repeat(case.context_frames[-1:], case.scenario.horizon, axis=0)


def score(suite, case, frames, metric=PRIMARY):
    return suite.measure(trial_of(case, frames)).values[metric]


def planted(fault, severity, case, game):
    return FAULTS.load(fault)(case, game, severity, stream(case.scenario.seed, "test"))["path"].frames


def test_scenarios_take_turns_on_paths_that_come_back(cases):
    assert [case.scenario.family for case in cases] == ["strafe", "orbit", "loop"]
    for case in cases:
        poses = case.facts["T_world_camera"]
        travelled = np.linalg.norm(poses[:, :3, 3] - poses[0, :3, 3], axis=-1)
        assert len(poses) == case.scenario.horizon + 1
        assert travelled.max() > 1.5
        out, back = np.split(case.scenario.branches["path"], 2)
        moved = out[0] != back[0]
        assert moved.any() and (out == out[0]).all() and (back == back[0]).all()


def test_the_game_itself_is_one_and_who_does_not_go_along_is_zero(suite, cases, game):
    for case in cases:
        real = real_frames(case)
        away = np.roll(case.scenario.branches["path"], case.scenario.horizon // 2, axis=0)
        other_way = game.branch(case.scenario.seed, case.scenario.prefix, away).frames
        assert score(suite, case, real) == 1
        assert score(suite, case, still(case)) == 0
        assert score(suite, case, np.full_like(real, 90)) == 0
        assert score(suite, case, np.resize(case.context_frames, real.shape)) < 0.1
        assert score(suite, case, other_way) < 0.1
        assert score(suite, case, np.full_like(real, 90), "match_coverage") == 0


@pytest.mark.parametrize("fault", GeometrySuite.faults)
def test_the_worse_a_planted_fault_the_lower_the_score(suite, cases, game, fault):
    scores = np.array([[score(suite, case, planted(fault, s, case, game)) for s in (0.25, 0.5, 1.0)] for case in cases])
    slight, medium, full = scores.mean(axis=0)
    assert 1 > slight > medium > full
    assert scores[:, 1].max() < 0.5
    assert full < 0.1


def test_half_of_the_matches_gone_is_half_of_the_score(suite, cases):
    """Dropping what fails would be survivor bias: what is left still agrees."""
    case = cases[0]
    half_blank = real_frames(case).copy()
    half_blank[:, :, : half_blank.shape[2] // 2] = 90
    measured = suite.measure(trial_of(case, half_blank)).values
    assert 0.2 < measured[PRIMARY] < 0.8
    assert measured["match_coverage"] < 0.9


# Ways to be fooled


def estimated_pose(case, frames):
    """The naive numbers: share of matches within 2 px, and mean error of the inliers (px), of an estimated camera."""
    frames = np.concatenate([case.context_frames[-1:], frames])
    unit = REFERENCE_HEIGHT_PX / frames.shape[1]
    shares, errors = [], []
    for points in track(frames, range(0, 28, 4), 6, case.facts["hidden"]):
        kept = np.isfinite(points[6][:, 0])
        a, b = unit * points[0][kept], unit * points[6][kept]
        if len(a) < 12:
            continue
        cv2.setRNGSeed(0)
        F, inliers = cv2.findFundamentalMat(a, b, cv2.USAC_MAGSAC, 1.0, 0.999, 2000)
        if F is None or F.shape != (3, 3):
            continue
        one, other = (np.concatenate([p, np.ones((len(p), 1))], -1) for p in (a, b))
        line_b, line_a = one @ F.T, other @ F
        size = np.sqrt((line_a[:, :2] ** 2).sum(-1) + (line_b[:, :2] ** 2).sum(-1))
        error = np.abs((other * line_b).sum(-1)) / size
        shares.append((error < 2).mean())
        errors.append(error[inliers.ravel() > 0].mean())
    return np.mean(shares), np.mean(errors)


def test_a_still_video_is_perfectly_consistent_under_an_estimated_camera(suite, cases):
    for case in cases:
        naive_still, _ = estimated_pose(case, still(case))
        naive_real, _ = estimated_pose(case, real_frames(case))
        ours_still, ours_real = score(suite, case, still(case)), score(suite, case, real_frames(case))
        assert naive_still == 1 >= naive_real
        assert (ours_still, ours_real) == (0, 1)


def test_a_sideways_epipolar_line_lets_a_still_video_pass_even_under_the_commanded_camera(cases):
    case = cases[0]  # strafe
    K, poses, depth = case.facts["K"], case.facts["T_world_camera"], case.facts["depth_m"]
    row, column = np.nonzero((depth[0] < 8) & ~case.facts["hidden"])
    points = np.stack([column, row], -1).astype(float)
    one, other = Camera(K, poses[0]), Camera(K, poses[9])
    within = depth[0][row, column] / 2.0, depth[0][row, column] * 2.0
    naive = sampson_distance(points, points, one, other)
    ours = scene_distance(points, points, one, other, within, within)
    assert np.median(naive) < 0.5
    assert np.median(ours) > 2


def test_the_error_of_inliers_ranks_a_worse_video_better(suite, cases, game):
    case = cases[0]
    slight, heavy = (planted("ripples", severity, case, game) for severity in (0.25, 1.0))
    naive_slight, naive_heavy = estimated_pose(case, slight)[1], estimated_pose(case, heavy)[1]
    ours_slight, ours_heavy = score(suite, case, slight), score(suite, case, heavy)
    assert naive_heavy < naive_slight
    assert ours_heavy < 0.5 * ours_slight


# Distances


def two_cameras():
    K = np.array([[180.0, 0, 127.5], [0, 180, 127.5], [0, 0, 1]])
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array([0.05, -0.2, 0.02]))[0]
    T[:3, 3] = 0.8, 0.1, 0.3
    return Camera(K, np.eye(4)), Camera(K, T)


def seen(points, camera):
    local = np.linalg.inv(camera.T_world_camera) @ np.concatenate([points, np.ones((len(points), 1))], -1).T
    image = (camera.K @ local[:3]).T
    return image[:, :2] / image[:, 2:]


def test_a_match_of_one_point_is_at_no_distance_and_one_at_a_wrong_depth_is_far():
    rng = stream(0, "points")
    points = rng.uniform((-2, -2, 3), (2, 2, 9), (200, 3))
    one, other = two_cameras()
    a, b = seen(points, one), seen(points, other)
    depth_a, depth_b = points[:, 2], (np.linalg.inv(other.T_world_camera) @ np.c_[points, np.ones(200)].T)[2]
    right = [(depth / 1.1, depth * 1.1) for depth in (depth_a, depth_b)]
    wrong = [(depth * 3, depth * 9) for depth in (depth_a, depth_b)]
    noisy = b + rng.normal(0, 0.3, b.shape)
    assert scene_distance(a, b, one, other, *right).max() < 1e-6
    assert np.median(scene_distance(a, b, one, other, *wrong)) > 5
    assert sampson_distance(a, b, one, other).max() < 1e-6
    # Inside the bounds, away from their ends, it is Sampson's distance.
    loose = [(depth / 3, depth * 3) for depth in (depth_a, depth_b)]
    np.testing.assert_allclose(
        scene_distance(a, noisy, one, other, *loose), sampson_distance(a, noisy, one, other), rtol=1e-6, atol=1e-9
    )


def test_what_is_behind_the_other_camera_can_be_nowhere():
    one, ahead = Camera(np.diag([100.0, 100, 1]), np.eye(4)), Camera(np.diag([100.0, 100, 1]), np.eye(4))
    ahead.T_world_camera[2, 3] = 5.0
    point = np.zeros((1, 2))
    near, far = np.array([1.0]), np.array([4.0])
    assert np.isinf(scene_distance(point, point, one, ahead, (near, far), (near, far)))[0]


def test_a_camera_that_only_turns_leaves_no_depth_open():
    one, _ = two_cameras()
    turned = Camera(one.K, np.eye(4))
    turned.T_world_camera[:3, :3] = cv2.Rodrigues(np.array([0.0, 0.3, 0.0]))[0]
    points = stream(1, "points").uniform((-2, -2, 3), (2, 2, 9), (50, 3))
    a, b = seen(points, one), seen(points, turned)
    anywhere = np.full(50, 1e-3), np.full(50, np.inf)
    assert scene_distance(a, b, one, turned, anywhere, anywhere).max() < 1e-6
    assert scene_distance(a, a, one, turned, anywhere, anywhere).min() > 20


# Bad input


def test_settings_and_games_that_do_not_fit_are_named(game):
    with pytest.raises(WorldsimError, match=r"gaps=\[3, 40\] have to be from 1 to horizon=32"):
        GeometrySuite(gaps=[3, 40])
    with pytest.raises(WorldsimError, match=r"path 'there' has \['out'\]; give the two ways"):
        GeometrySuite(paths={"there": {"out": {"left": 1}}})
    flying = GeometrySuite(paths={"up": {"out": {"fly": 1}, "back": {"fly": -1}}})
    assert "no path fits its channels" in flying.misfit(game)
    demanding = GeometrySuite(min_matches=10_000, attempts=2, reconstruct_every=0)
    with pytest.raises(WorldsimError, match="in 2 moments of voxel/terrain there was none"):
        demanding.build(game, 0)
