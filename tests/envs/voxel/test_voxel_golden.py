"""``voxel/arena`` and its explorer stay as they were when the shipped weights were trained, to the bit."""

import hashlib
import platform

import gymnasium
import numpy as np
import pytest

import worldsim  # noqa: F401 (registers the games)
from envs.policies.voxel_explorer import VoxelExplorer

# Height, width, seed, steps, and the digest of all that was seen and felt in that explorer's episode.
GOLDEN = [
    (64, 64, 1, 97, "fa763598813ee557"),
    (64, 64, 2, 127, "e3c804908c7f7b58"),
    (64, 64, 3, 200, "d15bf71a2598d612"),
    (64, 64, 4, 74, "02086352c10755f6"),
    (45, 80, 1, 97, "24be9e6e842596b7"),
]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="another processor may round the last bit otherwise")
@pytest.mark.parametrize(("height", "width", "seed", "steps", "expected"), GOLDEN)
def test_the_arena_is_the_one_the_weights_were_trained_on(height, width, seed, steps, expected):
    env = gymnasium.make("voxel/arena", height=height, width=width).unwrapped
    explorer = VoxelExplorer(env)
    explorer.reset(seed)
    digest = hashlib.blake2b(digest_size=8)

    def take(obs, reward, terminated):
        truth = env.ground_truth()
        for array in (
            obs, truth.depth_m, truth.instance_ids, truth.camera.T_world_camera,
            np.array([reward, terminated], np.float64), env.blocks, env.ids, env.body,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(repr(truth.objects).encode())

    obs, _ = env.reset(seed=seed)
    take(obs, 0.0, False)
    taken, terminated = 0, False
    while taken < 200 and not terminated:
        obs, reward, terminated, _, _ = env.step(explorer.codec.decode(explorer.act(obs)))
        take(obs, reward, terminated)
        taken += 1
    assert taken == steps
    assert digest.hexdigest() == expected


def test_the_actions_of_the_arena_are_those_of_the_weights():
    space = gymnasium.make("voxel/arena").action_space
    assert list(space) == [
        "attack", "back", "camera", "forward", "hotbar.1", "hotbar.2", "hotbar.3",
        "jump", "left", "right", "sneak", "sprint", "use",
    ]  # fmt: skip
    assert all(part == gymnasium.spaces.Discrete(2) for name, part in space.items() if name != "camera")
    assert space["camera"] == gymnasium.spaces.Box(-180.0, 180.0, (2,), np.float32)
