"""Snapshots of a scene are exact to the bit, wherever and into whatever instance they are put."""

from __future__ import annotations

import numpy as np
import pytest

from envs.physics.scenes import SCENES

AHEAD = 8


def branch_everywhere(scene, name: str, points: int, seed: int) -> None:
    """Play with random pushes, and from random moments go on twice: here, and in an instance that was elsewhere."""
    rng = np.random.default_rng(seed)
    split = str(rng.choice(["in", "out"]))
    game, other = scene(name, seed, 24, 24, split=split), scene(name, seed + 1, 24, 24)
    done = 0
    while done < points:
        game.env.reset(seed=int(rng.integers(1000)))
        for _ in range(5):
            game.wander(int(rng.integers(1, 25)), seed=int(rng.integers(1000)))
            state, follow = game.env.get_state(), int(rng.integers(1000))
            here = _go_on(game, follow)
            assert np.array_equal(other.env.set_state(state), game.env.set_state(state))
            there = _go_on(other, follow)
            again = _go_on(game, follow)
            assert here == there == again
            done += 1
            if done == points:
                return


def _go_on(game, seed: int) -> list[bytes]:
    seen = []
    rng = np.random.default_rng(seed)
    for _ in range(AHEAD):
        game.push(*rng.uniform(-1, 1, 2), max(rng.uniform(-1, 1), 0))
        seen += [game.frame.tobytes(), game.env.get_state()["physics"].tobytes(), str(game.info).encode()]
    return seen


@pytest.mark.parametrize("name", SCENES)
def test_branches_are_exact(scene, name):
    branch_everywhere(scene, name, points=3, seed=7)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_branches_are_exact_at_a_hundred_points(scene, name):
    branch_everywhere(scene, name, points=100, seed=11)


def test_a_branch_before_the_break_breaks_in_the_same_way(scene):
    game = scene("shatter", 0)
    states = []
    while not game.info["shattered"]:
        states.append(game.env.get_state())
        game.push()
    frame, physics = game.frame, game.env.get_state()["physics"]
    game.wait(20)
    for steps in (1, 2):
        game.env.set_state(states[-steps])
        assert game.objects("shard") == []
        game.wait(steps)
        assert game.info["shattered"]
        assert np.array_equal(game.frame, frame)
        assert np.array_equal(game.env.get_state()["physics"], physics)


def test_a_state_brings_its_split_and_what_was_done_to_the_scene(scene):
    game = scene("tower", 4, split="out")
    game.wait(3)
    target = game.objects("box")[0].id
    game.env.intervene("recolour", object_id=target, colour="white")
    game.env.intervene("add", cls="green_ball", position_m=(0.9, 0.0, 1.5))
    frame = game.env.intervene("remove", object_id=game.objects("box")[-1].id)
    other = scene("tower", 9, split="in")
    assert np.array_equal(other.env.set_state(game.env.get_state()), frame)
    game.wait(10)
    other.wait(10)
    assert np.array_equal(game.frame, other.frame)
    assert game.env.ground_truth().objects == other.env.ground_truth().objects
    # The next episode is the other instance's own again.
    other.env.reset(seed=9)
    assert np.array_equal(other.env.get_state()["physics"], scene("tower", 9).env.get_state()["physics"])


def test_resets_without_a_seed_go_on_from_the_last_one(scene):
    first, second = scene("collision", 5), scene("collision", 5)
    for _ in range(2):
        (one, _), (two, _) = first.env.reset(), second.env.reset()
        assert np.array_equal(one, two)
    assert not np.array_equal(one, scene("collision", 5).frame)
