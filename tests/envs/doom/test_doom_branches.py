"""Doom is brought back to any point of an episode, to the bit, in every scenario."""

from __future__ import annotations

import numpy as np
import pytest

from worldsim.core.seeding import stream

pytest.importorskip("vizdoom")

from envs.doom.env import DoomEnv
from envs.doom.scenarios import SCENARIOS
from envs.policies.doom_explorer import DoomExplorer

STEPS_BEYOND = 6
KINDS = ("deadly_corridor", "predict_position", "corridor", "take_cover")


def branch_points(scenario: str, episodes: int, points: int) -> int:
    """Play episodes, go back to random points of them in another instance and on from there; how many were equal."""
    original, branch = DoomEnv(scenario), DoomEnv(scenario)
    policy = DoomExplorer(original)
    equal = 0
    for seed in range(episodes):
        frame, _ = original.reset(seed=seed)
        policy.reset(seed)
        frames, actions, outcomes = [frame], [], []
        ended = False
        while not ended and len(actions) < 120:
            actions.append(policy.act(frame))
            frame, reward, terminated, truncated, _ = original.step(policy.codec.decode(actions[-1]))
            frames.append(frame)
            outcomes.append((reward, terminated, truncated))
            ended = terminated or truncated
        for point in stream(seed, "branch points", scenario).integers(0, len(actions), points).tolist():
            assert np.array_equal(branch.replay(seed, np.array(actions[:point])), frames[point]), (seed, point)
            for step in range(point, min(point + STEPS_BEYOND, len(actions))):
                frame, *outcome, _ = branch.step(policy.codec.decode(actions[step]))
                assert np.array_equal(frame, frames[step + 1]), (seed, point, step)
                assert tuple(outcome) == outcomes[step], (seed, point, step)
            equal += 1
    original.close()
    branch.close()
    return equal


@pytest.mark.parametrize("scenario", KINDS)
def test_some_points_are_reached_to_the_bit(scenario):
    assert branch_points(scenario, episodes=1, points=3) == 3


@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_a_hundred_points_are_reached_to_the_bit(scenario):
    assert branch_points(scenario, episodes=10, points=10) == 100
