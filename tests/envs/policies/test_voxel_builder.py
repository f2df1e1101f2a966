"""The builder's presses do something: what they are pressed for comes about in the next frame."""

from __future__ import annotations

import numpy as np

from envs.policies import POLICIES


def deeds(env, seeds, steps=200):
    """Per button, for each press whether the world's blocks changed; and how many steps were played."""
    policy = POLICIES.load("voxel_builder")(env)
    came, played = {"use": [], "attack": []}, 0
    for seed in seeds:
        obs, _ = env.reset(seed=seed)
        policy.reset(seed)
        for _ in range(steps):
            action, before = policy.act(obs), env.blocks.copy()
            obs, _, terminated, *_ = env.step(policy.codec.decode(action))
            played += 1
            for button, changes in came.items():
                if action[policy.codec.index(button)]:
                    changes.append(bool((env.blocks != before).any()))
            if terminated:
                break
    return came, played


def test_most_presses_place_or_break_a_block(arena):
    came, played = deeds(arena, range(4))
    assert np.mean(came["use"]) > 0.8 and np.mean(came["attack"]) > 0.9
    assert len(came["use"]) > 0.03 * played and len(came["attack"]) > 0.01 * played


def test_the_same_seed_plays_the_same(arena):
    first, again, other = (_actions(arena, seed) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first[: len(other)] != other[: len(first)]).any()


def _actions(env, seed):
    policy = POLICIES.load("voxel_builder")(env)
    obs, _ = env.reset(seed=seed)
    policy.reset(seed)
    actions = []
    for _ in range(60):
        actions.append(policy.act(obs))
        obs, *_ = env.step(policy.codec.decode(actions[-1]))
    return np.stack(actions)
