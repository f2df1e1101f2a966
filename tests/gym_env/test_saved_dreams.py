"""Dreams in files: the same continuation in a new environment, and what cannot be read is said."""

import numpy as np
import pytest

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.gym.dream import DreamEnv
from worldsim.gym.vector import DreamVectorEnv
from worldsim.simulators import load
from worldsim.simulators.snapshot import save_snapshot

CHECKPOINT = "voxel-base"
START = np.full((1, 64, 64, 3), 90, np.uint8)
SETTINGS = {"start": START, "termination": "sample", "horizon": 9}


def plan(env, steps: int) -> list:
    env.action_space.seed(5)
    return [env.action_space.sample() for _ in range(steps)]


def test_another_environment_goes_on_from_the_file(tmp_path):
    env = DreamEnv(CHECKPOINT, **SETTINGS)
    env.reset(seed=5)
    actions = plan(env, 6)
    for action in actions[:3]:
        env.step(action)
    env.save_state(tmp_path / "dream")
    expected = [env.step(action) for action in actions[3:]]
    seed = env.reset()[1]["seed"]  # drawn from the environment's own stream, which is saved too

    other = DreamEnv(CHECKPOINT, **SETTINGS)
    other.load_state(tmp_path / "dream")
    for action, (frame, *numbers) in zip(actions[3:], expected, strict=True):
        again, *numbers_again = other.step(action)
        assert np.array_equal(again, frame)
        assert numbers_again == numbers
    assert other.reset()[1]["seed"] == seed

    many = DreamVectorEnv(2, CHECKPOINT, **SETTINGS)
    frames = many.load_state(tmp_path / "dream")
    assert np.array_equal(frames[0], frames[1])
    many.save_state(tmp_path / "two")
    assert np.array_equal(many.load_state(tmp_path / "two"), frames)


def test_what_is_no_dream_is_said(tmp_path, replayed_game):
    env = DreamEnv(CHECKPOINT, **SETTINGS)
    simulator = load(CHECKPOINT)
    save_snapshot(tmp_path / "stream", simulator.snapshot(simulator._empty([0], [""], (8, 8))))
    with pytest.raises(DamagedFileError, match="not a saved dream"):
        env.load_state(tmp_path / "stream")
    game = DreamEnv(simulator=replayed_game)
    game.reset(seed=1)
    with pytest.raises(WorldsimError, match="no snapshot and restore"):
        game.save_state(tmp_path / "game")
