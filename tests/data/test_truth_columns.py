from __future__ import annotations

import gymnasium
import numpy as np
import pytest

import worldsim  # noqa: F401 (registers the games)
from worldsim.core.actions import ActionCodec
from worldsim.core.types import Camera, GroundTruth, ObjectState
from worldsim.data import truth
from worldsim.data.collect import collect
from worldsim.data.store import EpisodeTable


@pytest.fixture(scope="module")
def arena(tmp_path_factory) -> EpisodeTable:
    out = tmp_path_factory.mktemp("truth") / "arena.lance"
    policy = "envs.policies.random:StickyRandomPolicy"
    return collect("voxel/arena", policy, 3, out, max_steps=25, workers=1, truth=True, progress=lambda line: None)


def test_truth_is_what_the_game_says_in_that_frame(arena):
    episode = arena.read_episode(1)
    game = gymnasium.make("voxel/arena")
    codec = ActionCodec.from_space(game.action_space)
    game.reset(seed=episode.seed)
    assert len(episode.truth) == len(episode.frames) == 26
    for t, stored in enumerate(episode.truth):
        known = game.unwrapped.ground_truth()
        assert (stored.camera.K == known.camera.K).all()
        assert (stored.camera.T_world_camera == known.camera.T_world_camera).all()
        assert stored.objects == known.objects
        if t < len(episode.actions):
            game.step(codec.decode(episode.actions[t]))
    game.close()


def test_truth_of_rows_in_any_order(arena):
    whole = [frame for i in range(3) for frame in arena.read_episode(i).truth]
    rows = np.array([60, 0, 30, 30])
    for row, found in zip(rows, arena.read_truth(rows), strict=True):
        assert found.objects == whole[row].objects
        assert (found.camera.T_world_camera == whole[row].camera.T_world_camera).all()


def test_truth_changes_nothing_else(arena, tmp_path):
    policy = "envs.policies.random:StickyRandomPolicy"
    plain = collect("voxel/arena", policy, 3, tmp_path / "plain.lance", max_steps=25, workers=1, progress=str)
    for ours, theirs in zip(plain.read_steps(), arena.read_steps(), strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert (np.concatenate(list(plain.scan_frames())) == np.concatenate(list(arena.scan_frames()))).all()
    assert plain.read_episode(0).truth is None
    assert plain.read_truth(np.arange(2)) == [GroundTruth(), GroundTruth()]
    assert "truth" not in plain.info.to_json()  # tables of before keep their content_key


def test_a_game_without_truth_leaves_the_columns_null(tmp_path, record):
    table = record(tmp_path / "counting.lance", 2, truth=True)
    assert set(truth.COLUMNS) <= set(table.column_names)
    assert list(table.read_episode(0).truth) == [GroundTruth()] * len(table.read_episode(0).frames)


def test_parts_that_are_missing_in_some_frames_stay_missing():
    import pyarrow as pa

    camera = Camera(np.arange(9.0).reshape(3, 3), np.arange(16.0).reshape(4, 4))
    thing = ObjectState(7, "gem", (0.1, -2.0, 3.0), (0.0, 0.0, -9.81), False, 12)
    frames = [
        GroundTruth(),
        GroundTruth(camera=camera),
        GroundTruth(objects=(thing, thing)),
        GroundTruth(objects=()),
        GroundTruth(camera=camera, objects=(thing,)),
    ]
    columns = truth.to_columns(truth.TruthTrack.of(frames))
    table = pa.table(columns, schema=pa.schema(truth.fields_of_table()))
    for kept in (table, pa.concat_tables([table.slice(0, 2), table.slice(2)])):
        found = list(truth.from_columns(kept))
        assert [one.objects for one in found] == [one.objects for one in frames]
        assert [one.camera is None for one in found] == [one.camera is None for one in frames]
        assert (found[4].camera.K == camera.K).all()
