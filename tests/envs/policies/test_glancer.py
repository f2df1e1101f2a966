"""The glancer explores, looks away, and comes back to about where it looked before."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from envs.policies import POLICIES
from envs.policies.camera_paths import YAW
from worldsim.core.errors import WorldsimError
from worldsim.gym.plugin import register


def played(env, name, steps, seed):
    """Actions (T, A) of one episode."""
    policy = POLICIES.load(name)(env)
    policy.reset(seed)
    obs, _ = env.reset(seed=seed)
    actions = []
    for _ in range(steps):
        actions.append(policy.act(obs))
        obs, *_ = env.step(policy.codec.decode(actions[-1]))
    return np.stack(actions), policy.codec


def glances(actions, codec):
    """(degrees away, steps looked there, degrees back) of runs in which nothing is done but a steady turn."""
    yaw = actions[:, codec.index(YAW)]
    others = np.delete(actions, codec.index(YAW), 1)
    quiet = (others == 0).all(1)
    found, t = [], 0
    while t < len(yaw):
        end = t
        while end < len(yaw) and quiet[end] and yaw[end] == yaw[t] != 0:
            end += 1
        back = end
        while back < len(yaw) and quiet[back] and yaw[back] == 0:
            back += 1
        stop = back
        while stop < len(yaw) and quiet[stop] and yaw[stop] == yaw[back]:
            stop += 1
        if end - t >= 4 and stop < len(yaw) and yaw[back] * yaw[t] < 0:
            found.append((yaw[t:end].sum(), back - end, yaw[back:stop].sum()))
        t = max(stop, t + 1) if end > t else t + 1
    return found


def test_it_looks_away_and_back_and_explores_between(arena):
    seen = [played(arena, "glancer@12", 200, seed) for seed in range(4)]
    found = [glance for actions, codec in seen for glance in glances(actions, codec)]
    assert len(found) >= 8
    for away_deg, steps, back_deg in found:
        assert 60 <= abs(away_deg) <= 180.1
        assert abs(away_deg + back_deg) <= 16.1
        assert steps <= 12
    assert len({steps for _, steps, _ in found}) >= 4
    used = np.concatenate([actions for actions, _ in seen])
    assert (np.ptp(used, axis=0) > 0).mean() > 0.7, "most of the actions are never used"


def test_the_same_seed_plays_the_same(arena):
    first, second, other = (played(arena, "glancer", 60, seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_a_game_without_a_camera_is_told_apart():
    register()
    env = gymnasium.make("physics/collision").unwrapped
    try:
        with pytest.raises(WorldsimError, match="Glancer needs the action channels camera_yaw_right_deg"):
            POLICIES.load("glancer")(env)
    finally:
        env.close()
