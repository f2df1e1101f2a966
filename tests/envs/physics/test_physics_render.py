"""What is drawn, and what ground truth says of it, is the scene that MuJoCo simulates."""

from __future__ import annotations

from itertools import pairwise

import mujoco
import numpy as np
import pytest

from envs.contract import geometry
from envs.physics.scenes import SCENES


@pytest.mark.parametrize("name", SCENES)
def test_depth_ids_and_shadows_are_those_of_mujocos_own_rays(scene, name):
    game = scene(name, 5, 48, 64)
    game.wander(20, seed=1)
    env = game.env
    truth = env.ground_truth()
    model, data = env.scene.model, env.data
    K, T = truth.camera.K, truth.camera.T_world_camera
    v, u = np.mgrid[:48, :64]
    rays = np.stack([(u - K[0, 2]) / K[0, 0], (v - K[1, 2]) / K[1, 1], np.ones(u.shape)], -1).reshape(-1, 3)
    rays = np.ascontiguousarray(rays @ T[:3, :3].T)  # length 1 along the optical axis, so distances are planar depth
    model.geom_group[:] = np.where(env._visible, 0, 5)
    depth, hit = _cast(model, data, T[:3, 3], rays)
    near = (depth >= 0) & (depth < 59)
    mine = truth.depth_m.ravel()
    agree = np.isclose(mine[near], depth[near], rtol=1e-5) & (
        truth.instance_ids.ravel()[near] == env.scene.shapes.things[hit[near]]
    )
    # A ray along an edge may fall on either side.
    assert (~agree).sum() <= 3
    assert not np.isfinite(mine[depth < 0]).any()
    assert len(set(truth.instance_ids.ravel().tolist())) > 1

    # A pixel in a shadow is darker than the same pixel were the light not blocked.
    points = T[:3, 3] + depth[near, None] * rays[near]
    light = env.scene.light.direction
    shaded = np.array([_blocked(model, data, point + 1e-4 * light, light) for point in points])
    floor = truth.instance_ids.ravel()[near] == 0
    frame = game.frame.reshape(-1, 3)[near].astype(float).sum(1)
    dark, bright = frame[shaded & floor], frame[~shaded & floor]
    assert len(dark)
    assert dark.mean() < 0.8 * bright.mean()


def _cast(model, data, eye, rays):
    count = len(rays)
    hit, depth = np.zeros(count, np.int32), np.zeros(count)
    groups = np.array([1, 1, 1, 1, 1, 0], np.uint8)
    mujoco.mj_multiRay(model, data, eye, rays.reshape(-1), groups, True, -1, hit, depth, None, count, 1e6)
    return depth, hit


def _blocked(model, data, point, light) -> bool:
    groups = np.array([1, 1, 1, 1, 1, 0], np.uint8)
    return mujoco.mj_ray(model, data, point, light, groups, True, -1, np.zeros(1, np.int32)) >= 0


@pytest.mark.parametrize("name", SCENES)
def test_a_pixel_seen_from_elsewhere_lands_on_the_same_surface(scene, name):
    game, other = scene(name, 2, 64, 64), scene(name, 2, 64, 64, camera="orbit")
    game.wander(30, seed=3)
    other.env.set_state(game.env.get_state())
    one, two = game.env.ground_truth(), other.env.ground_truth()
    assert not np.allclose(one.camera.T_world_camera, two.camera.T_world_camera, atol=0.1)
    for here, there in ((one, two), (two, one)):
        _, landed, in_front = geometry._reproject(here, there)
        assert landed > 500
        assert landed / (landed + in_front) >= 0.99


def test_the_orbiting_camera_goes_round_and_the_fixed_one_stays(scene):
    fixed, orbit = scene("dominoes", 1), scene("dominoes", 1, camera="orbit")
    poses = {}
    for game in (fixed, orbit):
        poses[game] = []
        for _ in range(3):
            poses[game].append(game.env.ground_truth().camera.T_world_camera)
            game.wait(10)
    assert np.array_equal(poses[fixed][0], poses[fixed][2])
    target = np.array(orbit.env.scene.view.target_m)
    away = [np.linalg.norm(pose[:3, 3] - target) for pose in poses[orbit]]
    assert away == pytest.approx([away[0]] * 3)
    for pose in poses[orbit]:  # the target stays in the middle
        local = np.linalg.inv(pose) @ [*target, 1]
        assert local[:2] == pytest.approx([0, 0], abs=1e-9)
    assert np.linalg.norm(poses[orbit][0][:3, 3] - poses[orbit][1][:3, 3]) > 0.2


def test_velocities_are_the_motion_that_is_seen(scene):
    for name in ("projectile", "pendulum", "collision"):
        game = scene(name, 4)
        game.wait(3)
        first = game.marked
        game.wait(1)
        second = game.marked
        mean = (np.array(first.velocity_m_s) + np.array(second.velocity_m_s)) / 2
        moved = np.array(second.position_m) - np.array(first.position_m)
        assert moved / 0.04 == pytest.approx(mean, abs=0.05)


def test_every_size_shows_the_same_scene(scene):
    wide = scene("tower", 3, 48, 96)
    assert wide.frame.shape == (48, 96, 3)
    square, large = scene("tower", 3, 48, 48), scene("tower", 3, 144, 144)
    assert np.array_equal(wide.env.ground_truth().instance_ids[:, 24:72], square.env.ground_truth().instance_ids)
    # Every third pixel of the larger frame has its centre on one of the small frame.
    assert np.array_equal(large.env.ground_truth().instance_ids[1::3, 1::3], square.env.ground_truth().instance_ids)
    assert np.abs(large.frame[1::3, 1::3].astype(int) - square.frame).mean() < 12


def test_looks_change_with_the_seed_and_not_with_the_split(scene):
    frames = [scene("occluder", seed).frame for seed in range(4)]
    assert all((a != b).any(-1).mean() > 0.5 for a, b in pairwise(frames))
    inside, outside = scene("occluder", 1), scene("occluder", 1, split="out")
    assert np.array_equal(inside.env.scene.light.floor, outside.env.scene.light.floor)
    assert inside.env.scene.view == outside.env.scene.view
