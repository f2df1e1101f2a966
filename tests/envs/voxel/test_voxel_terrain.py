import numpy as np
import pytest

from envs.voxel import paths
from envs.voxel.env import VoxelEnv
from envs.voxel.kinds import BEACON, GEM, NUMBER
from envs.voxel.maps import terrain
from worldsim.core.actions import ActionCodec


@pytest.mark.parametrize("seed", range(8))
def test_every_landscape_is_whole(seed):
    made = terrain.generate(seed)
    counts = {name: int((made.blocks == number).sum()) for name, number in NUMBER.items()}
    for ground in ("grass", "moss", "snow", "sandstone", "stone"):
        assert counts[ground] > 20, ground
    assert counts["beacon"] == terrain.BEACON_HEIGHT
    assert counts["gem"] == terrain.GEMS
    classes = [cls for _, cls, *_ in made.objects]
    assert sum(cls.endswith("_tree") for cls in classes) >= 5
    assert sum(cls in terrain.ANIMALS for cls in classes) == terrain.CREATURES
    assert sum(cls.endswith("_item") for cls in classes) == terrain.ITEMS
    still = {number for number, *_ in made.objects} - {int(row[9]) for row in made.entities}
    assert {int(n) for n in np.unique(made.ids)} - {0} <= still


@pytest.mark.parametrize("seed", range(8))
def test_the_player_starts_dry_and_can_walk_to_the_beacon_and_almost_everywhere(seed):
    made = terrain.generate(seed)
    x, y, z = start = tuple(int(n) for n in np.floor(made.spawn))
    assert not made.blocks[x, y : y + 2, z].any()
    assert made.blocks[x, y - 1, z] != NUMBER["water"]
    cells = paths.reachable(made.blocks, start)
    beacon = np.argwhere(made.blocks == BEACON)[0]
    assert np.abs(cells - beacon).sum(1).min() <= 2
    columns = {(a, c) for a, _, c in cells.tolist()}
    assert len(columns) > 0.8 * (terrain.SIZE[0] - 2) * (terrain.SIZE[2] - 2)


def test_lakes_are_filled_to_one_height_and_lie_on_some_maps():
    wet = 0
    for seed in range(8):
        made = terrain.generate(seed)
        water = np.argwhere(made.blocks == NUMBER["water"])
        wet += len(water)
        assert (water[:, 1] < terrain.WATER_TOP).all()
        # Nothing flows, so no water may stand over air or beside a lower shore.
        assert (made.blocks[tuple((water - [0, 1, 0]).T)] != 0).all()
    assert wet > 50


def test_noise_is_smooth_and_of_both_signs():
    noise = terrain.value_noise(np.random.default_rng(0), (48, 48), 12)
    assert np.abs(noise).max() < 1
    assert noise.min() < -0.2
    assert noise.max() > 0.2
    assert np.abs(np.diff(noise, axis=0)).max() < 0.45


def test_seeds_give_other_landscapes_and_equal_ones_the_same():
    first, again, other = terrain.generate(3), terrain.generate(3), terrain.generate(4)
    assert (first.blocks == again.blocks).all()
    assert (first.blocks != other.blocks).any()
    assert all((a == b).all() for a, b in zip(first.entities, again.entities, strict=True))


def wade(env, x, y, z):
    """Put the player into a cell, facing +z."""
    state = env.get_state()
    state["body"][:] = (x + 0.5, y, z + 0.5, 0, 0, 0, 0, 0)
    env.set_state(state)


@pytest.mark.parametrize("depth", [1, 2])
def test_one_can_get_out_of_the_water(depth):
    env = VoxelEnv("terrain", 16, 16)
    env.reset(seed=0)
    env.blocks[10:16, 5:, 10:20] = 0
    env.blocks[10:16, 5 - depth : 5, 10:14] = NUMBER["water"]
    env.blocks[10:16, 4 - depth, 10:14] = NUMBER["stone"]
    env.blocks[10:16, :5, 14:20] = NUMBER["stone"]
    wade(env, 12, 5 - depth, 11)
    codec = ActionCodec.from_space(env.action_space)
    for _ in range(60):
        env.step(codec.decode(codec.vector(forward=1, jump=1)))
    assert env.body[2] > 15
    assert env.body[1] >= 5


def test_a_gem_pays_when_it_is_picked_up():
    env = VoxelEnv("terrain", 16, 16)
    env.reset(seed=0)
    x, y, z = (int(n) for n in env.body[:3])
    env.blocks[x - 1 : x + 2, y : y + 4, z + 1 : z + 4] = 0
    env.blocks[x - 1 : x + 2, y - 1, z + 1 : z + 4] = NUMBER["stone"]
    env.blocks[x, y + 1, z + 2] = GEM
    wade(env, x, y, z)
    codec = ActionCodec.from_space(env.action_space)
    rewards = [env.step(codec.decode(codec.vector(attack=1)))[1]]
    assert not (env.blocks[x, y : y + 4, z + 1 : z + 4] == GEM).any()
    rewards += [env.step(codec.decode(codec.vector(forward=1)))[1] for _ in range(20)]
    assert rewards[0] == 0
    assert sum(rewards) == pytest.approx(0.2)
