import numpy as np
import pytest

from envs.policies.explorer import make_explorer
from envs.policies.voxel_explorer import VoxelExplorer
from envs.voxel import state
from envs.voxel.env import VoxelEnv
from envs.voxel.maps import arena


def record(seed, steps):
    """Actions (T, A), the view's pitches (T,), the floor cells visited, and whether the beacon was touched."""
    env = VoxelEnv(height=16, width=16)
    policy = make_explorer(env)
    obs, _ = env.reset(seed=seed)
    policy.reset(seed)
    actions, pitches, cells = [], [], set()
    for _ in range(steps):
        actions.append(policy.act(obs))
        obs, _, terminated, _, _ = env.step(policy.codec.decode(actions[-1]))
        pitches.append(env.body[state.PITCH])
        cells.add((int(env.body[state.X]), int(env.body[state.Z])))
        if terminated:
            return np.array(actions), pitches, cells, True
    return np.array(actions), pitches, cells, False


@pytest.fixture(scope="module")
def episodes():
    return [record(seed, 200) for seed in range(60)]


def test_voxel_games_get_the_voxel_explorer():
    assert isinstance(make_explorer(VoxelEnv(height=16, width=16)), VoxelExplorer)


def test_equal_seeds_give_equal_episodes():
    assert np.array_equal(record(5, 120)[0], record(5, 120)[0])
    assert not np.array_equal(record(5, 120)[0][:50], record(6, 120)[0][:50])


def test_every_button_is_used_enough(episodes):
    actions = np.concatenate([episode[0] for episode in episodes])
    names = VoxelExplorer(VoxelEnv(height=16, width=16)).codec.names
    share = dict(zip(names, (actions > 0.5).mean(0), strict=True))
    for name in ("forward", "back", "left", "right"):
        assert share[name] > 0.08, name
    for name in ("jump", "attack", "use", "sneak", "sprint"):
        assert share[name] > 0.02, name
    for name in ("hotbar.1", "hotbar.2", "hotbar.3"):
        assert share[name] > 0.01, name
    assert 0.01 < (actions == 0).all(1).mean() < 0.2


def test_turns_are_of_both_signs_and_mostly_small(episodes):
    yaw = np.concatenate([episode[0] for episode in episodes])[:, player_channel("camera_yaw_right_deg")]
    assert abs(yaw.mean()) < 0.5
    assert (np.abs(yaw) <= 10).mean() > 0.9
    assert (yaw > 3).mean() > 0.12
    assert (yaw < -3).mean() > 0.12


def test_view_stays_where_the_arena_is_seen(episodes):
    pitch = np.concatenate([episode[1] for episode in episodes])
    assert ((pitch > -16) & (pitch < 36)).mean() > 0.8
    assert pitch.min() < -10
    assert pitch.max() > 40


def test_map_is_covered_and_the_beacon_reached_now_and_then(episodes):
    cells = set().union(*(episode[2] for episode in episodes))
    assert len(cells) > 0.8 * arena.FLOOR_SIZE**2
    assert 0.12 < np.mean([episode[3] for episode in episodes]) < 0.45


def player_channel(name):
    return VoxelExplorer(VoxelEnv(height=16, width=16)).codec.index(name)
