"""The commander does one thing at a time, for long enough that a short clip shows it."""

import numpy as np
import pytest

from envs.policies.commander import COMMANDS, LOOK_DEG, PITCH, STEPS, TURN_DEG, YAW, Commander
from worldsim.core.errors import WorldsimError
from worldsim.core.games import make_game


def test_commands_are_clean_and_long_enough():
    policy = Commander(make_game("voxel/scene").unwrapped)
    names = policy.codec.names
    done, lengths = set(), []
    for seed in range(20):
        policy.reset(seed)
        last, length = "", 0
        for step in range(150):
            vector = dict(zip(names, policy.act(np.zeros((64, 64, 3), np.uint8)), strict=True))
            wish = COMMANDS[policy.command][1]
            active = {name: value for name, value in vector.items() if value}
            assert active.keys() == wish.keys(), policy.command
            assert all(np.sign(value) == np.sign(wish[name]) for name, value in active.items())
            for name, (low, high) in ((YAW, TURN_DEG), (PITCH, LOOK_DEG)):
                assert name not in active or low <= abs(active[name]) <= high
            if policy.command != last:
                lengths += [length] if step else []
                last, length = policy.command, 0
            length += 1
            done.add(last)
    assert done == set(COMMANDS)
    assert set(lengths) == set(range(STEPS[0], STEPS[1] + 1))


def test_turns_are_turned_back():
    policy = Commander(make_game("voxel/scene").unwrapped)
    ends = []
    for seed in range(30):
        policy.reset(seed)
        yaw = sum(policy.act(np.zeros((64, 64, 3), np.uint8))[policy.codec.index(YAW)] for _ in range(300))
        ends.append(abs(yaw))
    assert np.median(ends) < 120


def test_a_game_without_such_actions_is_refused():
    with pytest.raises(WorldsimError, match="need action channels like forward"):
        Commander(make_game("gym:CartPole-v1").unwrapped)
