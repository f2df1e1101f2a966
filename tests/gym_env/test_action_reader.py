"""Actions of every space a codec knows are read as its channels, and a wrong one is named."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.gym.action_reader import ActionReader

SPACES = [
    spaces.Discrete(3, start=-1),
    spaces.MultiDiscrete([3, 2], start=[0, 4]),
    spaces.MultiBinary([2, 2]),
    spaces.Box(-1, 1, (2, 2), np.float32),
    spaces.Box(0, 1, (), np.float32),
    spaces.Dict({"craft": spaces.MultiDiscrete([2, 3]), "go": spaces.Discrete(2), "tool": spaces.Discrete(3)}),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_what_is_read_is_what_the_codec_encodes(space):
    codec = ActionCodec.from_space(space)
    reader = ActionReader(codec)
    space.seed(0)
    for _ in range(20):
        action = space.sample()
        np.testing.assert_array_equal(reader.read(action), codec.encode(action))


@pytest.mark.parametrize(
    ("space", "action", "message"),
    [
        (SPACES[0], 2, r"'action' must be a whole number between -1 and 1; got 2"),
        (SPACES[1], [3, 4], r"'action0' must be a whole number between 0 and 2; got 3"),
        (SPACES[1], [0, 3], r"'action1' must be a whole number between 4 and 5; got 3"),
        (SPACES[1], [0], r"an action is 2 numbers \(action0=0, .*action1=5\); got \[0\]"),
        (SPACES[2], [[0, 1], [2, 0]], r"'button2' must be a whole number between 0 and 1; got 2"),
        (SPACES[3], [0.0, 0.0], r"an action is 4 numbers of shape \(2, 2\) \(axis0, axis1, axis2, axis3\)"),
        (SPACES[3], [[0.0, np.nan], [0.0, 0.0]], r"'axis1' must be between -1 and 1; got nan"),
        (SPACES[5], {"craft": [0, 0], "go": 2, "tool": 0}, r"'go' must be a whole number between 0 and 1; got 2"),
    ],
)
def test_a_wrong_action_is_named(space, action, message):
    with pytest.raises(WorldsimError, match=message):
        ActionReader(ActionCodec.from_space(space)).read(action)
