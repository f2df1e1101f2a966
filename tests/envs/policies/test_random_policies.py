from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from envs.policies import POLICIES
from worldsim.core.actions import ActionCodec
from worldsim.core.protocols import Policy

FRAME = np.zeros((64, 64, 3), np.uint8)


class _Game:
    def __init__(self, space):
        self.action_space = space


def _actions(policy, seed, count=400):
    policy.reset(seed)
    return np.stack([policy.act(FRAME) for _ in range(count)])


@pytest.mark.parametrize("name", ["random", "sticky", "covering"])
def test_actions_are_the_games_own_and_follow_the_seed(arena, name):
    policy = POLICIES.load(name)(arena)
    assert isinstance(policy, Policy)
    codec = ActionCodec.from_space(arena.action_space)
    actions = _actions(policy, 1)
    assert all(arena.action_space.contains(codec.decode(vec)) for vec in actions)
    assert all((codec.encode(codec.decode(vec)) == vec).all() for vec in actions)
    assert (actions == _actions(policy, 1)).all()
    assert (actions == _actions(POLICIES.load(name)(arena), 1)).all()
    assert not (actions == _actions(policy, 2)).all()


def test_the_camera_turns_by_degrees_not_by_half_circles(arena):
    policy = POLICIES.load("random")(arena)
    yaw = _actions(policy, 0)[:, policy.codec.index("camera_yaw_right_deg")]
    assert 8 < yaw.std() < 12
    assert abs(yaw.mean()) < 2


def test_every_key_is_used_and_forward_most(arena):
    policy = POLICIES.load("random")(arena)
    actions = _actions(policy, 0)
    binary = [i for i, channel in enumerate(policy.codec.channels) if channel.kind == "binary"]
    pressed = dict(zip((policy.codec.names[i] for i in binary), actions[:, binary].mean(0), strict=True))
    assert min(pressed.values()) > 0
    assert max(pressed, key=pressed.get) == "forward"


def test_choices_are_one_hot_and_uniform():
    policy = POLICIES.load("random")(_Game(gymnasium.spaces.Discrete(4)))
    actions = _actions(policy, 0)
    assert (actions.sum(1) == 1).all()
    assert (np.abs(actions.mean(0) - 0.25) < 0.1).all()


def test_sticky_actions_are_held(arena):
    policy = POLICIES.load("sticky")(arena)
    actions = _actions(policy, 0)
    changes = np.flatnonzero((actions[1:] != actions[:-1]).any(1))
    holds = np.diff(changes)
    assert 4 < holds.mean() < 9
    assert holds.max() <= policy.MAX_HOLD_STEPS


def test_covering_gives_every_action_its_turn(arena):
    """In any two rounds of held actions each key is pressed and each camera channel turned both ways."""
    policy = POLICIES.load("covering")(arena)
    turns = 12 + 2 * 2
    for seed in range(5):
        actions = _actions(policy, seed, 2 * turns * policy.MAX_HOLD_STEPS)
        changes = np.flatnonzero((actions[1:] != actions[:-1]).any(1))[: 2 * turns]
        seen = actions[: changes[-1] + 1]
        for i, channel in enumerate(policy.codec.channels):
            assert seen[:, i].max() > 0, channel.name
            assert channel.kind == "binary" or seen[:, i].min() < 0, channel.name


def test_covering_takes_every_choice_in_a_round():
    policy = POLICIES.load("covering")(_Game(gymnasium.spaces.Discrete(18)))
    for seed in range(3):
        actions = _actions(policy, seed, 18 * policy.MAX_HOLD_STEPS)
        assert (actions.sum(1) == 1).all()
        assert actions.any(0).all()


def test_covering_leaves_the_keys_that_end_things(arena):
    space = gymnasium.spaces.Dict({"ESC": gymnasium.spaces.Discrete(2), "jump": gymnasium.spaces.Discrete(2)})
    actions = _actions(POLICIES.load("covering")(_Game(space)), 0)
    assert actions[:, 0].max() == 0
    assert actions[:, 1].max() == 1
