import gymnasium
import numba
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

import worldsim  # noqa: F401 (registers the games)
from envs.voxel.env import VoxelEnv
from envs.voxel.vector import VoxelVectorEnv
from worldsim.core.errors import WorldsimError

SIZE = {"height": 24, "width": 32}


def pair(num_envs=3, limit=40, **kwargs):
    """The vector form, and Gymnasium's own over single games."""
    return VoxelVectorEnv(num_envs, limit, **SIZE, **kwargs), SyncVectorEnv(
        [lambda: TimeLimit(VoxelEnv(**SIZE, **kwargs), limit)] * num_envs
    )


def actions_of(space, steps, seed=1):
    """Sampled actions whose turns are small, so that the players get about."""
    space.seed(seed)
    for _ in range(steps):
        action = space.sample()
        action["camera"] = np.clip(action["camera"], -9, 9) * (1, 4)
        yield action


def same_infos(first, second):
    assert first.keys() == second.keys()
    for key in first:
        assert np.array_equal(first[key], second[key]), key


@pytest.mark.parametrize(
    "kwargs",
    [
        {"map": "arena"},
        {"map": "terrain", "task": "collect"},
        {"map": "maze", "task": "find", "map_options": {"rooms": 2, "doors": True}},
        {"map": "gallery", "time_of_day": 20.0, "day_length_steps": 400},
        {"map": "arena", "task": "survive", "hud": True},
    ],
    ids=lambda kwargs: kwargs["map"] + "-" + kwargs.get("task", "reach"),
)
def test_every_slot_is_the_single_game_to_the_bit_on_two_cores(kwargs):
    many, single = pair(**kwargs)
    cores = numba.get_num_threads()
    numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
    try:
        (frames, infos), (expected, expected_infos) = many.reset(seed=5), single.reset(seed=5)
        assert (frames == expected).all()
        same_infos(infos, expected_infos)
        ends = 0
        for action in actions_of(single.action_space, 90):
            got, want = many.step(action), single.step(action)
            for part, expected in zip(got[:4], want[:4], strict=True):
                assert (part == expected).all()
                assert part.dtype == expected.dtype
            same_infos(got[4], want[4])
            for slot, game in enumerate(single.envs):
                truth = game.unwrapped.ground_truth()
                assert np.array_equal(many.depth_m[slot], truth.depth_m)
                assert np.array_equal(many.instance_ids[slot], truth.instance_ids)
            ends += int((got[2] | got[3]).sum())
        assert ends >= 6  # all slots were started anew, twice
    finally:
        numba.set_num_threads(cores)


def test_made_by_gymnasium_with_the_limit_of_the_game():
    env = gymnasium.make_vec("voxel/find", num_envs=2, vectorization_mode="vector_entry_point", **SIZE)
    assert isinstance(env, VoxelVectorEnv)
    assert env.max_episode_steps == gymnasium.spec("voxel/find").max_episode_steps
    assert env.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    frames, infos = env.reset(seed=0)
    assert frames.shape == (2, 24, 32, 3)
    assert env.observation_space.contains(frames)
    assert all(text.startswith("go to the ") for text in infos["task"])


def test_reset_mask_starts_only_the_marked_slots():
    many, single = pair()
    many.reset(seed=3)
    single.reset(seed=3)
    for action in actions_of(single.action_space, 12):
        many.step(action)
        single.step(action)
    mask = np.array([False, True, False])
    frames, infos = many.reset(seed=[None, 77, None], options={"reset_mask": mask})
    expected, expected_infos = single.reset(seed=[None, 77, None], options={"reset_mask": mask.copy()})
    assert (frames == expected).all()
    same_infos(infos, expected_infos)
    for action in actions_of(single.action_space, 35):
        assert (many.step(action)[0] == single.step(action)[0]).all()


def test_unseeded_resets_follow_from_the_last_seed():
    many, _ = pair()
    frames = [many.reset(seed=9)[0], many.reset()[0]]
    assert (many.reset(seed=9)[0] == frames[0]).all()
    assert (many.reset()[0] == frames[1]).all()
    assert (frames[0] != frames[1]).any()


def test_returned_frames_are_not_written_again_and_rendering_shows_them():
    many = VoxelVectorEnv(2, 40, **SIZE, render_mode="rgb_array")
    frames, _ = many.reset(seed=1)
    kept = frames.copy()
    later = many.step(next(actions_of(many.action_space, 1)))[0]
    assert (frames == kept).all()
    assert (np.stack(many.render()) == later).all()
    assert VoxelVectorEnv(2, **SIZE).render() is None


def test_misuse_is_named():
    with pytest.raises(WorldsimError, match="num_envs must be at least 1; got 0"):
        VoxelVectorEnv(0)
    with pytest.raises(WorldsimError, match="height=8"):
        VoxelVectorEnv(1, height=8)
    many, _ = pair()
    action = next(actions_of(many.action_space, 1))
    with pytest.raises(ResetNeeded):
        many.step(action)
    with pytest.raises(ResetNeeded):
        many.reset(options={"reset_mask": np.array([True, False, False])})
    with pytest.raises(WorldsimError, match="2 seeds for 3 worlds"):
        many.reset(seed=[1, 2])
    many.reset(seed=1)
    with pytest.raises(WorldsimError, match="reset_mask must be 3 booleans"):
        many.reset(options={"reset_mask": np.array([1, 0, 0])})
    with pytest.raises(WorldsimError, match="camera"):
        many.step({**action, "camera": np.full((3, 2), np.nan, np.float32)})
    with pytest.raises(WorldsimError, match="jump"):
        many.step({name: value for name, value in action.items() if name != "jump"})
