"""The name ``explorer`` finds a policy for every game, and it plays."""

from __future__ import annotations

import numpy as np
import pytest

from envs.policies import POLICIES
from envs.policies.random import CoveringPolicy
from envs.registration import GAMES, load_game, missing_dependency
from worldsim.core.actions import ActionCodec
from worldsim.core.games import make_game

# Games of one family share a class; its own tests play them all.
ONE_OF_EACH = {entry.target: entry.name for entry in GAMES if not missing_dependency(entry)}


@pytest.mark.parametrize("name", [*ONE_OF_EACH.values(), "gym:MiniGrid-Empty-5x5-v0"])
def test_the_explorer_plays(name):
    if name.startswith("gym:"):
        pytest.importorskip("minigrid")
    env = make_game(name)
    policy = POLICIES.load("explorer")(env.unwrapped)
    assert isinstance(policy, CoveringPolicy) == name.startswith("gym:")
    codec = ActionCodec.from_space(env.action_space)
    taken = []
    for _ in range(2):  # the same seed, the same play
        frame, _ = env.reset(seed=3)
        policy.reset(3)
        actions, over = [], False
        while not over and len(actions) < 40:
            actions.append(codec.encode(codec.decode(policy.act(frame))))
            frame, _, terminated, truncated, _ = env.step(codec.decode(actions[-1]))
            over = terminated or truncated
        taken.append(np.stack(actions))
    env.close()
    np.testing.assert_array_equal(taken[0], taken[1])
    assert len(np.unique(taken[0], axis=0)) > 1, "it does the same thing all the time"


def test_every_game_that_is_installed_can_be_loaded():
    for entry in GAMES:
        if not missing_dependency(entry):
            assert callable(load_game(entry.name))
