"""The Doom explorer sees the level, uses every action and ends its episodes in every way."""

from __future__ import annotations

import numpy as np
import pytest

from envs.doom.env import DoomEnv
from envs.policies.doom_explorer import DoomExplorer
from worldsim.core.protocols import Policy

pytest.importorskip("vizdoom")


def explore(env, seeds):
    """Actions (N, A), positions (N, 2) and how each episode ended."""
    policy = DoomExplorer(env)
    actions, positions, ends = [], [], []
    for seed in seeds:
        frame, _ = env.reset(seed=seed)
        policy.reset(seed)
        terminated = truncated = False
        while not (terminated or truncated):
            actions.append(policy.act(frame))
            positions.append(env.pose[:2])
            frame, _, terminated, truncated, _ = env.step(policy.codec.decode(actions[-1]))
        ends.append("terminated" if terminated else "truncated")
    return policy, np.array(actions), np.array(positions), ends


@pytest.mark.parametrize("scenario", ["my_way_home", "health_gathering"])
def test_it_covers_the_level_and_the_actions(scenario):
    env = DoomEnv(scenario, height=16, width=16)
    policy, actions, positions, ends = explore(env, range(8))
    env.close()
    assert isinstance(policy, Policy)
    used = (actions != 0).mean(axis=0)
    assert used.min() > 0.1, dict(zip(policy.codec.names, used, strict=True))
    yaw = actions[:, policy.codec.index("camera_yaw_right_deg")]
    assert np.abs(yaw).max() <= 20
    assert (yaw > 1).mean() > 0.2
    assert (yaw < -1).mean() > 0.2
    assert ((np.abs(yaw) > 1) & (np.abs(yaw) < 8)).mean() > 0.1
    assert (np.abs(yaw) > 14).mean() > 0.1
    assert (np.abs(actions).sum(axis=1) == 0).mean() > 0.005, "it never stands still"
    assert set(ends) == {"terminated", "truncated"}
    squares = {(int(x) // 128, int(y) // 128) for x, y in positions}
    places = DoomExplorer(env)._floor_at(positions[0]).places
    every_square = {(int(x) // 128, int(y) // 128) for x, y in places}
    assert len(squares & every_square) > 0.75 * len(every_square)


def test_a_seed_is_one_way_to_act(actions_of_seeds):
    env = DoomEnv("my_way_home", height=16, width=16)
    first, again, other = actions_of_seeds(DoomExplorer(env), (1, 1, 2))
    env.close()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
