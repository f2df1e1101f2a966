"""What the tests of the Doom policies share."""

import numpy as np
import pytest


@pytest.fixture
def actions_of_seeds():
    """The 40 actions (40, A) that a policy takes in the same episode of its game, for each of its own seeds."""

    def play(policy, seeds):
        runs = []
        for seed in seeds:
            frame, _ = policy.env.reset(seed=3)
            policy.reset(seed)
            actions = []
            for _ in range(40):
                actions.append(policy.act(frame))
                frame, *_ = policy.env.step(policy.codec.decode(actions[-1]))
            runs.append(np.array(actions))
        return runs

    return play
