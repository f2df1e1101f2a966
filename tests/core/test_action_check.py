"""An action that a game cannot take is refused by value, in words that say what to give."""

from __future__ import annotations

import numpy as np
import pytest
from gymnasium import spaces

from worldsim.core.action_check import require_action
from worldsim.core.errors import WorldsimError

KEYS = spaces.Dict({"jump": spaces.Discrete(2), "camera": spaces.Box(-180.0, 180.0, (2,), np.float32)})
TURN = spaces.Box(-0.1, 0.1, (1,), np.float32)


@pytest.mark.parametrize(
    "space",
    [
        KEYS,
        TURN,
        spaces.Discrete(4, start=1),
        spaces.MultiDiscrete([2, 3]),
        spaces.MultiDiscrete([2, 3], start=[1, -1]),
        spaces.MultiBinary(3),
        spaces.Box(-np.inf, np.inf, (2, 3)),
    ],
)
def test_every_action_of_the_space_is_taken(space):
    for _ in range(30):
        require_action(space, space.sample())


def test_it_goes_by_value_not_by_type():
    require_action(KEYS, {"jump": True, "camera": [1, 2.5]})
    require_action(KEYS, {"jump": 1.0, "camera": np.array([180.0, -180.0])})
    require_action(TURN, 0.1)
    require_action(spaces.Discrete(2), np.array([1]))


@pytest.mark.parametrize(
    ("space", "action", "message"),
    [
        (
            KEYS,
            {"jump": 2, "camera": [0, 0]},
            "the action jump=2 is not in the action space: give a whole number from 0",
        ),
        (KEYS, {"jump": 1, "camera": [np.nan, 0]}, "give 2 finite numbers from -180 to 180."),
        (KEYS, {"jump": 1, "camera": [0]}, "the action camera=[0] is not in the action space"),
        (KEYS, {"jump": 1}, "the action has no entry 'camera'."),
        (KEYS, {"jump": 1, "camera": [0, 0], "jmp": 1}, "the action has an unknown entry 'jmp'. Did you mean 'jump'?"),
        (KEYS, 3, "it needs a dict with"),
        (TURN, [0.2], "give a finite number from -0.1 to 0.1."),
        (TURN, "left", "the action 'left' is not in the action space"),
        (spaces.Box(-np.inf, np.inf, (1,)), [np.inf], "give a finite number from -inf to inf."),
        (spaces.Discrete(4, start=1), 0, "give a whole number from 1 to 4."),
        (spaces.Discrete(4), 1.5, "give a whole number from 0 to 3."),
        (spaces.Discrete(4), None, "the action None is not in the action space"),
        (spaces.MultiDiscrete([2, 3]), [1, 3], "give 2 whole numbers from 0, below [2, 3]."),
        (spaces.MultiBinary(3), [1, 0, 2], "give 3 zeros and ones."),
    ],
)
def test_others_are_told_what_to_give(space, action, message):
    with pytest.raises(WorldsimError) as raised:
        require_action(space, action)
    assert message in str(raised.value)
