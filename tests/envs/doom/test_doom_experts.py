"""The Doom experts: return rises with skill, and skill 1 does the task."""

from __future__ import annotations

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError

pytest.importorskip("vizdoom")

from envs.doom.env import DoomEnv
from envs.doom.scenarios import SCENARIOS
from envs.policies import POLICIES
from envs.policies.doom_experts import DoomExpert
from worldsim.core.protocols import Policy


def mean_return(env, skill, seeds, most_steps=520):
    policy = DoomExpert(env, skill)
    returns = []
    for seed in seeds:
        frame, _ = env.reset(seed=seed)
        policy.reset(seed)
        total, ended = 0.0, False
        for _ in range(most_steps):
            frame, reward, terminated, truncated, _ = env.step(policy.codec.decode(policy.act(frame)))
            total += reward
            ended = terminated or truncated
            if ended:
                break
        returns.append(total)
    return float(np.mean(returns))


# The least return that counts as done: most of what can be had.
@pytest.mark.parametrize(
    ("scenario", "done"),
    [("basic", 0.7), ("defend_the_center", 10.0), ("my_way_home", 0.9), ("health_gathering", 15.0)],
)
def test_return_rises_with_skill(scenario, done):
    env = DoomEnv(scenario, height=16, width=16)
    random, half, full = (mean_return(env, skill, range(2)) for skill in (0.0, 0.4, 1.0))
    env.close()
    assert random < half <= full + 0.05 * abs(full)
    assert random < 0.5 * done
    assert full > done


@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_return_rises_with_skill_everywhere(scenario):
    env = DoomEnv(scenario, height=16, width=16)
    random, full = (mean_return(env, skill, range(20)) for skill in (0.0, 1.0))
    env.close()
    assert full > random


def test_a_name_carries_the_skill():
    env = DoomEnv("basic", height=16, width=16)
    policy = POLICIES.load("doom_expert@0.6")(env)
    assert isinstance(policy, Policy)
    assert policy.skill == 0.6
    with pytest.raises(WorldsimError, match=r"skill=1\.5"):
        POLICIES.load("doom_expert@1.5")(env)
    env.close()


def test_a_seed_is_one_way_to_act(actions_of_seeds):
    env = DoomEnv("defend_the_center", height=16, width=16)
    first, again, other = actions_of_seeds(DoomExpert(env, 0.5), (1, 1, 2))
    env.close()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
