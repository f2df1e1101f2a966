"""What tests of policies share: a game to play."""

from __future__ import annotations

import gymnasium
import pytest

from worldsim.gym.plugin import register


@pytest.fixture(scope="module")
def arena():
    register()
    env = gymnasium.make("voxel/arena", height=32, width=32).unwrapped
    yield env
    env.close()
