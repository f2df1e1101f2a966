"""The scripted paths go where they say, and come back to where they began."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from envs.policies import POLICIES, camera_paths
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import Policy


def follow(env, name, steps, seed=1):
    """Frames (T+1), positions (T+1, 3) in metres and angles (T+1,) between each view and the first one, in degrees."""
    policy = POLICIES.load(name)(env)
    assert isinstance(policy, Policy)
    policy.reset(seed)
    frame, _ = env.reset(seed=2)
    frames, poses = [frame], [env.ground_truth().camera.T_world_camera]
    for _ in range(steps):
        frame, *_ = env.step(policy.codec.decode(policy.act(frame)))
        frames.append(frame)
        poses.append(env.ground_truth().camera.T_world_camera)
    T = np.stack(poses)
    angles = np.degrees(np.arccos(np.clip(T[:, :3, 2] @ T[0, :3, 2], -1, 1)))
    return np.stack(frames), T[:, :3, 3], angles, T


def test_look_away_looks_away_for_as_long_as_it_is_told(arena):
    frames, places, angles, _ = follow(arena, "look_away@10", 12 + 10 + 12 + 8)
    assert (places == places[0]).all()
    assert (angles > 179).sum() == 11  # the frame in which the turn ends, and ten more
    back = np.flatnonzero(angles[1:] < 1e-3)[-1] + 1
    assert back > np.argmax(angles)
    assert (np.abs(frames[back].astype(int) - frames[0]) > 8).mean() < 0.01, "the view it came back to is another"
    assert np.abs(np.diff(angles)).max() <= camera_paths.MAX_TURN_DEG + 1e-3


def test_strafe_goes_sideways_and_back(arena):
    _, places, angles, T = follow(arena, "strafe@8", 40)
    sideways = (places - places[0]) @ T[0, :3, 0]
    ahead = (places - places[0]) @ T[0, :3, 2]
    assert np.abs(sideways).max() > 1
    assert np.abs(ahead).max() < 0.2
    assert (angles < 1e-3).all()
    assert np.abs(sideways[np.abs(sideways).argmax() :]).min() < 0.05


def test_loop_comes_back_facing_as_it_did(arena):
    _, places, angles, _ = follow(arena, "loop@6", 8 + 4 * (6 + 4 + 6))
    away = np.linalg.norm(places - places[0], axis=1)
    assert away.max() > 1.5
    end = np.flatnonzero((away < 0.1) & (angles < 1))[-1]
    assert end > np.argmax(angles) > 0
    assert angles.max() > 179


def test_orbit_keeps_facing_its_pivot(arena):
    _, places, angles, T = follow(arena, "orbit@40", 40)
    depth = 0.0
    arena.reset(seed=2)
    truth = arena.ground_truth()
    depth = truth.depth_m[16, 16]
    pivot = places[0] + np.clip(depth, camera_paths.NEAREST_PIVOT_M, camera_paths.FARTHEST_PIVOT_M) * T[0, :3, 2]
    towards = pivot - places
    towards[:, 1] = 0  # the path turns, it does not look up and down
    facing = T[:, :3, 2] * [1, 0, 1]
    cosines = (towards * facing).sum(1) / np.linalg.norm(towards, axis=1) / np.linalg.norm(facing, axis=1)
    assert np.degrees(np.arccos(cosines.clip(-1, 1))).max() < 10
    assert angles.max() > 30
    assert np.linalg.norm(places - places[0], axis=1).max() > 1


def test_seeds_choose_the_side_and_repeat(arena):
    actions = {}
    for seed in range(6):
        policy = POLICIES.load("look_away@4")(arena)
        policy.reset(seed)
        actions[seed] = np.stack([policy.act(None) for _ in range(20)])
        policy.reset(seed)
        assert (np.stack([policy.act(None) for _ in range(20)]) == actions[seed]).all()
    yaw = policy.codec.index("camera_yaw_right_deg")
    assert {np.sign(one[:, yaw]).max() for one in actions.values()} | {
        np.sign(one[:, yaw]).min() for one in actions.values()
    } == {-1, 0, 1}


class _Game:
    def __init__(self, space):
        self.action_space = space


def test_a_game_that_says_nothing_is_orbited_blindly():
    space = {"left": spaces.Discrete(2), "right": spaces.Discrete(2), "camera": spaces.Box(-9.0, 9.0, (2,), np.float32)}
    policy = POLICIES.load("orbit@20")(_Game(spaces.Dict(space)))
    actions = np.stack([policy.act(None) for _ in range(60)])
    turns = actions[:, policy.codec.index("camera_yaw_right_deg")]
    right = actions[:, policy.codec.index("right")] == 1
    assert (turns[right] == -camera_paths.OPEN_LOOP_ORBIT_DEG).all()
    assert right.any()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("look_away", "LookAway needs the action channels camera_yaw_right_deg; this game has no"),
        ("look_away@0", "LookAway of 0 steps: give a number above 0."),
        ("orbit@-5", "Orbit of -5 degrees: give a number above 0."),
    ],
)
def test_games_without_a_camera_and_sizes_without_sense(name, message):
    with pytest.raises(WorldsimError) as raised:
        POLICIES.load(name)(_Game(spaces.Discrete(3)))
    assert message in str(raised.value)
