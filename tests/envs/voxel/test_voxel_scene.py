"""``voxel/scene``: what it says in words is what is there."""

import numpy as np
import pytest

from envs.voxel import kinds
from envs.voxel.maps import scene
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.games import make_game


def made(seed, **options):
    env = make_game("voxel/scene", map_options=options).unwrapped
    frame, info = env.reset(seed=seed)
    return env, frame, info


def test_the_words_are_true_and_the_thing_is_in_view():
    seen = set()
    for seed in range(30):
        env, frame, info = made(seed)
        truth = env.ground_truth()
        thing = truth.objects[0]
        assert thing.cls.replace("_", " ") == truth.scene["thing"]
        assert f" {truth.scene['thing']}" in info["scene"]
        assert info["scene"].startswith(scene.PLACES[truth.scene["biome"]])
        columns = np.nonzero(truth.instance_ids == thing.id)[1]
        assert len(columns) > 20, f"{info['scene']}: {len(columns)} pixels of it"
        distance = np.hypot(*(np.array(thing.position_m)[[0, 2]] - env.body[[0, 2]]))
        assert 4.4 < distance < 7.1
        if "left" in info["scene"]:
            assert columns.mean() < 32
        if "right" in info["scene"]:
            assert columns.mean() > 31
        brightness = frame[np.isinf(truth.depth_m)].mean()  # of the sky
        assert {"day": brightness > 140, "dusk": 60 < brightness < 140, "night": brightness < 60}[truth.scene["time"]]
        seen |= {tuple(truth.scene.items())}
    assert len({dict(one)["biome"] for one in seen}) == 4
    assert len({dict(one)["time"] for one in seen}) == 3
    assert len({dict(one)["thing"] for one in seen}) > 10


def test_one_attribute_changes_nothing_else():
    first, frame, _ = made(4, biome="meadow", colour="red", time="day", shape="cube")
    for change in ({"biome": "snow"}, {"colour": "blue"}, {"time": "night"}):
        other, another, _ = made(4, **{"biome": "meadow", "colour": "red", "time": "day", "shape": "cube", **change})
        assert (first.body == other.body).all()
        assert (frame != another).any()
        thing = first.ids == 1
        assert (thing == (other.ids == 1)).all()
    assert (first.blocks[thing] == kinds.NUMBER["red"]).all()


def test_held_out_combinations_are_kept_out_of_training():
    drawn = {name: set() for name in scene.COMBINATIONS}
    for name, pairs in drawn.items():
        for seed in range(60):
            told = scene.generate(seed, combinations=name).scene
            pairs.add((told["biome"], told["thing"].split()[0]))
    assert drawn["held_out"] == set(scene.HELD_OUT)
    assert not drawn["train"] & set(scene.HELD_OUT)
    assert len(drawn["train"]) > 15 and drawn["all"] & set(scene.HELD_OUT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"biome": "dessert"}, "unknown scene biome 'dessert'. Did you mean 'desert'"),
        ({"colour": "pink"}, "unknown scene colour 'pink'"),
        ({"shape": "ball"}, "unknown scene shape 'ball'"),
        ({"time": "nigth"}, "unknown scene time 'nigth'. Did you mean 'night'"),
        ({"combinations": "test"}, "unknown choice of combinations 'test'"),
        ({"biome": "snow", "colour": "red", "combinations": "train"}, "biome=snow, colour=red is not among"),
        ({"spread_deg": 90}, "spread_deg is from 0 to 60; got 90"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises((WorldsimError, UnknownNameError), match=message):
        scene.generate(0, **options)


def test_the_hour_of_the_game_beats_the_hour_of_the_map():
    env = make_game("voxel/scene", time_of_day=0.0, map_options={"time": "day"}).unwrapped
    _, info = env.reset(seed=1)
    assert " at night " in info["scene"]
    assert env.ground_truth().scene["time"] == "night"


def test_a_snapshot_keeps_the_words():
    env, _, _ = made(1)
    snapshot, told = env.get_state(), env.ground_truth().scene
    env.reset(seed=2)
    env.set_state(snapshot)
    assert env.ground_truth().scene == told
    assert make_game("voxel/arena").unwrapped.ground_truth().scene is None
