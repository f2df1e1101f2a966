import numpy as np
import pytest

from envs.policies import POLICIES
from envs.policies.voxel_experts import VoxelExpert
from envs.policies.voxel_walker import Walker
from envs.voxel import hands
from envs.voxel.env import VoxelEnv
from worldsim.core.errors import WorldsimError


def played(task, skill, seed, steps, map="arena", **options):
    """The return of one episode, how long it was, and the actions (T, A)."""
    env = VoxelEnv(map, 16, 16, task=task, map_options=options)
    policy = VoxelExpert(env, skill)
    obs, _ = env.reset(seed=seed)
    policy.reset(seed)
    actions, earned = [], 0.0
    for _ in range(steps):
        actions.append(policy.act(obs))
        obs, reward, terminated, _, _ = env.step(policy.codec.decode(actions[-1]))
        earned += reward
        if terminated:
            break
    return earned, len(actions), np.array(actions)


@pytest.mark.parametrize("task", ["find", "collect", "build"])
def test_return_rises_with_skill(task):
    means = [np.mean([played(task, skill, seed, 200)[0] for seed in range(6)]) for skill in (0.0, 0.5, 1.0)]
    assert means[0] + 0.03 < means[1] < means[2] - 0.1
    assert means[2] > 0.8


def test_a_survivor_eats_and_fights():
    novice, expert = (played("survive", skill, 1, 400) for skill in (0.0, 1.0))
    assert expert[0] > novice[0] + 1
    assert expert[1] == 400


@pytest.mark.slow
@pytest.mark.parametrize("task", ["reach", "find", "collect", "build", "survive"])
def test_five_skills_are_in_order_on_every_task(task):
    steps = 1000 if task == "survive" else 300
    returns = [[played(task, skill, seed, steps)[0] for seed in range(20)] for skill in (0, 0.25, 0.5, 0.75, 1)]
    means = np.mean(returns, 1)
    assert (np.diff(means) > -0.03).all(), means
    assert means[-1] > means[0] + 0.5


@pytest.mark.parametrize(
    ("task", "map", "options", "least"),
    [
        ("find", "terrain", {}, 1.0),
        ("build", "terrain", {}, 1.0),
        ("find", "maze", {"doors": True}, 1.0),
        ("collect", "maze", {}, 0.8),  # an item in a corridor cannot be passed by
    ],
)
def test_experts_find_their_way_on_every_map(task, map, options, least):
    earned, steps, _ = played(task, 1.0, 1, 700, map, **options)
    assert earned >= least - 1e-6
    assert steps < 700


def test_equal_seeds_give_equal_episodes_and_turns_stay_small():
    first, second, other = (played("reach", 0.6, seed, 80)[2] for seed in (4, 4, 5))
    assert np.array_equal(first, second)
    assert not np.array_equal(first[:40], other[:40])
    assert np.abs(first[:, -2:]).max() < 25


def test_what_the_crosshair_is_on_is_what_a_hand_would_touch():
    env = VoxelEnv("arena", 16, 16)
    env.reset(seed=2)
    walker = Walker(env, 10.0)
    walker.tick()
    cell = (int(env.body[0]) + 2, 2, int(env.body[2]))
    env.blocks[cell] = 8
    point = np.array(cell) + 0.5
    assert walker.sees(np.array(env.eye()), cell, point)
    env.blocks[cell[0] - 1, 2:4, cell[2]] = 9
    assert not walker.sees(np.array(env.eye()), cell, point)
    assert np.linalg.norm(point - env.eye()) < hands.REACH_M


@pytest.mark.parametrize("skill", [-0.1, 1.5, "much"])
def test_a_skill_out_of_range_is_named(skill):
    with pytest.raises(WorldsimError, match="from 0 to 1; got"):
        VoxelExpert(VoxelEnv("arena", 16, 16), skill)


def test_other_games_are_refused_and_the_name_carries_the_skill():
    with pytest.raises(WorldsimError, match="plays the voxel games; got object"):
        VoxelExpert(object(), 1.0)
    env = VoxelEnv("arena", 16, 16)
    assert POLICIES.load("voxel_expert@0.25")(env).skill == 0.25
    assert POLICIES.load("voxel_expert")(env).skill == 1.0
