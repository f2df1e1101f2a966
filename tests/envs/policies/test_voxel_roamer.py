import hashlib

import numpy as np
import pytest

from envs.policies.explorer import make_explorer
from envs.policies.voxel_explorer import VoxelExplorer
from envs.policies.voxel_roamer import REGION_M, VoxelRoamer
from envs.voxel import paths, state
from envs.voxel.env import VoxelEnv

# The first steps of episodes in the arena, as the shipped weights were trained on: seed, steps, hash of the actions.
TRAINED_ON = (
    (0, 200, "e6b13441840c1dfb"),
    (1, 97, "67b5d4500ab33adb"),
    (2, 127, "5d80ca58857bbf37"),
    (4, 74, "ed8241b2daa065e1"),
)


def recorded(map, map_seed, policy_seed, steps, **options):
    """Actions (T, A), regions of the map that were entered, and what happened (kinds of events)."""
    env = VoxelEnv(map, 16, 16, map_options=options)
    policy = make_explorer(env)
    obs, _ = env.reset(seed=map_seed)
    policy.reset(policy_seed)
    actions, regions, events = [], set(), set()
    for _ in range(steps):
        actions.append(policy.act(obs))
        obs, _, terminated, _, _ = env.step(policy.codec.decode(actions[-1]))
        regions.add((int(env.body[0]) // REGION_M, int(env.body[2]) // REGION_M))
        events |= set(env.world.events[: env.counters[state.EVENT_COUNT], state.WHAT].tolist())
        if terminated:
            break
    return np.array(actions), regions, events


@pytest.mark.parametrize(("seed", "steps", "digest"), TRAINED_ON)
def test_the_arena_keeps_its_explorer_to_the_bit(seed, steps, digest):
    actions = recorded("arena", seed, seed, 200)[0]
    assert len(actions) == steps
    assert hashlib.sha256(np.round(actions.astype(np.float64), 3).tobytes()).hexdigest()[:16] == digest


def test_every_map_gets_an_explorer():
    assert type(make_explorer(VoxelEnv("arena", 16, 16))) is VoxelExplorer
    for map in ("terrain", "maze", "gallery", "stage"):
        assert type(make_explorer(VoxelEnv(map, 16, 16))) is VoxelRoamer


@pytest.mark.parametrize(("map", "share"), [("terrain", 0.18), ("maze", 0.28), ("gallery", 0.4)])
def test_maps_are_covered_and_every_action_is_used(map, share):
    episodes = [recorded(map, 1, seed, 250) for seed in range(8)]
    env = VoxelEnv(map, 16, 16)
    env.reset(seed=1)
    cells = paths.reachable(env.blocks, tuple(int(n) for n in np.floor(env.body[:3])))
    all_regions = {(x // REGION_M, z // REGION_M) for x, _, z in cells.tolist()}
    covered = set().union(*(regions for _, regions, _ in episodes)) & all_regions
    assert len(covered) > share * len(all_regions)
    if map == "gallery":
        happened = set().union(*(events for _, _, events in episodes))
        assert {state.PAINTED, state.BITTEN, state.OPENED, state.SWITCHED, state.PLACED, state.BROKEN} <= happened
    actions = np.concatenate([actions for actions, _, _ in episodes])
    names = VoxelRoamer(env).codec.names
    used = dict(zip(names, (np.abs(actions) > 0.5).mean(0), strict=True))
    assert min(used.values()) > 0.002, used
    for name in ("forward", "back", "left", "right"):
        assert used[name] > 0.03, name
    yaw = actions[:, names.index("camera_yaw_right_deg")]
    assert np.abs(yaw).max() <= 20
    assert abs(yaw.mean()) < 1.5


def test_a_fixed_camera_is_no_trouble():
    actions, regions, _ = recorded("stage", 0, 0, 200)
    assert len(regions) == 1
    assert (np.abs(actions) > 0.5).any(0).sum() >= 10


def test_doors_are_opened_on_the_way():
    happened = set().union(*(recorded("maze", seed, seed, 250, doors=True)[2] for seed in range(4)))
    assert state.OPENED in happened


def test_equal_seeds_give_equal_episodes():
    first, second, other = (recorded("maze", 1, seed, 80)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, second)
    assert not np.array_equal(first[:40], other[:40])
