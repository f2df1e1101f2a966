"""Gymnasium's and Stable-Baselines3's own checkers, and what an episode may cost: run on every dream there is."""

from __future__ import annotations

import tracemalloc
import warnings
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3_checker
from gymnasium.utils.env_checker import check_env


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_gymnasium_checker(dream_factory):
    env = dream_factory(render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # The camera turns by up to 180 degrees, as MineRL's does; the checker would like every Box within [-1, 1].
        warnings.filterwarnings("ignore", message=".*symmetric and normalized space.*")
        check_env(env)


def test_stable_baselines3_checker(dream_factory):
    env = dream_factory()
    with warnings.catch_warnings():
        # Stable-Baselines3 has no algorithm for a Dict of actions and says so; the interface is still checked.
        warnings.simplefilter("ignore")
        sb3_checker.check_env(env)


def test_spaces_are_the_games(dream_factory):
    env = dream_factory()
    game = gymnasium.make(env.simulator.describe()["env_ids"][0], **env.simulator.describe()["env_kwargs"])
    assert env.action_space == game.action_space
    assert env.observation_space == game.observation_space
    assert env.metadata["render_fps"] == game.metadata["render_fps"]
    game.close()


def rollout(env, seed, steps=12):
    env.action_space.seed(seed)
    frames, numbers = [env.reset(seed=seed)[0]], []
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(env.action_space.sample())
        frames.append(obs)
        numbers.append((reward, terminated, truncated, info["termination_prob"]))
    return np.stack(frames), numbers


def test_same_seed_gives_the_same_bits_and_another_seed_does_not(dream_factory):
    env, twin = dream_factory(), dream_factory()
    frames, numbers = rollout(env, 7)
    again, numbers_again = rollout(env, 7)
    elsewhere, numbers_elsewhere = rollout(twin, 7)
    assert (frames == again).all()
    assert (frames == elsewhere).all()
    assert numbers == numbers_again == numbers_elsewhere
    assert (frames != rollout(env, 8)[0]).any()


def test_the_reset_frame_is_the_games_own_for_that_seed(dream_factory):
    env = dream_factory()
    description = env.simulator.describe()
    game = gymnasium.make(description["env_ids"][0], **description["env_kwargs"])
    for seed in (3, 4):
        assert (env.reset(seed=seed)[0] == game.reset(seed=seed)[0]).all()
    game.close()


def test_saved_states_branch_and_return_any_number_of_times(dream_factory):
    env = dream_factory()
    env.reset(seed=5)
    env.action_space.seed(5)
    plan = [env.action_space.sample() for _ in range(12)]
    for action in plan[:4]:
        env.step(action)
    state = env.get_state()
    here = env.step(plan[4])[0]
    tails = []
    for _ in range(2):
        env.set_state(state)
        tails.append([env.step(action)[:2] for action in plan[4:]])
    assert (tails[0][0][0] == here).all()
    for (frame, reward), (frame_again, reward_again) in zip(*tails, strict=True):
        assert (frame == frame_again).all()
        assert reward == reward_again
    assert (env.set_state(state) != tails[0][-1][0]).any()


# All networks have the same cache, and half a minute is enough for one of them.
@pytest.mark.parametrize("dream_kwargs", ["replayed_game", "voxel-base"], indirect=True)
def test_memory_stays_constant_over_2000_steps(dream_factory):
    env = dream_factory(horizon=None)
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(50)]

    def walk(steps):
        for step in range(steps):
            env.step(actions[step % len(actions)])

    walk(300)
    resident = resident_bytes()
    walk(1000)
    tracemalloc.start()
    walk(50)
    traced, _ = tracemalloc.get_traced_memory()
    walk(650)
    traced_growth = tracemalloc.get_traced_memory()[0] - traced
    tracemalloc.stop()
    # One kept frame a step would be 8 MB traced and 20 MB resident.
    assert traced_growth < 200_000
    assert resident_bytes() - resident < 12_000_000
