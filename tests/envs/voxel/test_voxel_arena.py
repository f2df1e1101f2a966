import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import worldsim  # noqa: F401 (registers the games)
from envs.voxel import kinds
from envs.voxel.env import VoxelEnv
from envs.voxel.maps import arena
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import HasGroundTruth, Snapshots


@pytest.mark.filterwarnings("ignore:.*normalized space")  # the camera is in degrees, as in MineRL
@pytest.mark.filterwarnings("error")
def test_gymnasium_accepts_the_arena():
    check_env(gymnasium.make("voxel/arena", render_mode="rgb_array").unwrapped)


def test_capabilities_and_rate():
    env = gymnasium.make("voxel/arena").unwrapped
    assert isinstance(env, Snapshots)
    assert isinstance(env, HasGroundTruth)
    assert env.metadata["render_fps"] == 20


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 64), (100, 37)])
def test_any_size_is_drawn(height, width):
    frame, _ = VoxelEnv(height=height, width=width).reset(seed=1)
    assert frame.shape == (height, width, 3)
    assert len(np.unique(frame.reshape(-1, 3), axis=0)) > 20


@pytest.mark.parametrize(
    ("kwargs", "message"), [({"height": 8}, "height=8"), ({"render_mode": "human"}, "'human' is not offered")]
)
def test_wrong_arguments_are_named(kwargs, message):
    with pytest.raises(WorldsimError, match=message):
        VoxelEnv(**kwargs)


def test_equal_seed_and_actions_give_equal_frames(play_at):
    first, second = play_at(), play_at()
    rng = np.random.default_rng(0)
    for _ in range(150):
        names = [name for name in ("forward", "left", "jump", "use", "attack", "sprint") if rng.random() < 0.4]
        action = {"pitch": rng.normal(), "yaw": rng.normal() * 6, **dict.fromkeys(names, 1.0)}
        (frame_a, reward_a, *_), (frame_b, reward_b, *_) = first.act(**action), second.act(**action)
        assert (frame_a == frame_b).all()
        assert reward_a == reward_b
    assert not (frame_a == VoxelEnv().reset(seed=3)[0]).all()


def test_seeds_give_different_maps_and_unseeded_resets_follow_from_the_last_seed():
    env = VoxelEnv()
    frames = [env.reset(seed=7)[0], env.reset()[0], env.reset()[0]]
    again = [env.reset(seed=7)[0], env.reset()[0], env.reset()[0]]
    for frame, same in zip(frames, again, strict=True):
        assert (frame == same).all()
    assert (frames[0] != frames[1]).any()
    assert (frames[1] != frames[2]).any()


@pytest.mark.parametrize("seed", range(20))
def test_every_map_is_whole(seed):
    made = arena.generate(seed)
    assert (made.blocks == kinds.BEACON).sum() == arena.WALL_HEIGHT + 1
    assert (made.blocks == kinds.GEM).sum() == 4
    assert {int(n) for n in np.unique(made.ids)} == {0, *(number for number, *_ in made.objects)}
    x, y, z = (int(n) for n in made.spawn)
    assert not made.blocks[x, y : y + 2, z].any()
    beacon = next(np.array((x, z)) for _, cls, x, _, z in made.objects if cls == "beacon")
    assert np.hypot(*(beacon - np.array(made.spawn)[[0, 2]])) >= 5.9


def test_snapshots_branch_exactly(play_at):
    game, other = play_at(), play_at(48, 80)
    rng = np.random.default_rng(1)
    for point in range(4):
        game.env.reset(seed=point)
        game.wander(60, seed=point)
        snapshot = game.env.get_state()
        actions = [
            {"pitch": rng.normal(), "yaw": rng.normal() * 6, **{n: float(rng.random() < 0.4) for n in _HELD}}
            for _ in range(30)
        ]
        first = [game.act(**action)[:3] for action in actions]
        next_map = game.env.reset()[0]
        game.env.set_state(snapshot)
        second = [game.act(**action)[:3] for action in actions]
        for (frame_a, *rest_a), (frame_b, *rest_b) in zip(first, second, strict=True):
            assert (frame_a == frame_b).all()
            assert rest_a == rest_b
        assert (game.env.reset()[0] == next_map).all()
        # The state belongs to the world, not to the size it is drawn at, and survives what the game does afterwards.
        other.env.set_state(snapshot)
        for action, (_, *rest) in zip(actions, first, strict=True):
            assert list(other.act(**action)[1:3]) == rest
        assert (other.env.body == _body_after(game, snapshot, actions)).all()


_HELD = ("forward", "left", "right", "jump", "use", "attack", "hotbar.2")


def _body_after(game, snapshot, actions):
    game.env.set_state(snapshot)
    for action in actions:
        game.act(**action)
    return game.env.body


def test_snapshot_is_plain_data_and_returns_its_frame(game):
    frame = game.stand(10.5, 8.5, pitch=35)
    snapshot = game.env.get_state()
    kept = {name: value.copy() for name, value in snapshot.items()}
    assert all(isinstance(value, np.ndarray) and value.dtype != object for value in snapshot.values())
    for _ in range(2):
        game.act(5, forward=1, use=1, pitch=1)
        assert (game.env.ids != snapshot["ids"]).any()
        assert all(np.array_equal(snapshot[name], kept[name]) for name in kept)
        game.env.set_state(snapshot)
    assert (game.env.set_state(snapshot) == frame).all()


def test_beacon_ends_the_episode_with_one(game):
    game.stand(10.5, 6.5)
    for y in range(arena.FLOOR_Y, arena.FLOOR_Y + 4):
        game.put(10, y, 9, kinds.BEACON, 1)
    rewards = []
    for _ in range(30):
        _, reward, terminated, truncated, _ = game.act(forward=1)
        rewards.append(reward)
        assert not truncated
        if terminated:
            break
    assert terminated
    assert len(rewards) > 5
    assert rewards[:-1] == [0.0] * (len(rewards) - 1)
    assert rewards[-1] == 1.0


def test_gem_pays_once_and_other_blocks_nothing(game):
    game.stand(10.5, 8.5, pitch=0)
    game.put(10, arena.FLOOR_Y + 1, 10, kinds.GEM, 1)
    game.put(10, arena.FLOOR_Y + 1, 11, kinds.HOTBAR[0], 2)
    rewards = [game.act(attack=1)[1] for _ in range(14)]
    assert rewards[0] == pytest.approx(0.2)
    assert rewards[1:] == [0.0] * 13
    assert game.env.blocks[10, arena.FLOOR_Y + 1, 11] == kinds.AIR


def test_returned_frames_are_not_written_again(game):
    frame = game.act(yaw=1)[0]
    kept = frame.copy()
    game.act(5, yaw=9)
    assert (frame == kept).all()


def test_rendered_frame_is_the_observation():
    env = VoxelEnv(render_mode="rgb_array")
    frame, _ = env.reset(seed=2)
    assert (env.render() == frame).all()
    assert VoxelEnv().render() is None
