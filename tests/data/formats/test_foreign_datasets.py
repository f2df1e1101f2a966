"""Datasets as others write them: what ours never has (several cameras, robots' joints, no fps, dict observations)."""

from __future__ import annotations

import json

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from worldsim.core.errors import WorldsimError
from worldsim.data.exporting import export_table
from worldsim.data.formats.source import ImportOptions
from worldsim.data.importing import import_recordings


def quiet(line: str) -> None:
    pass


@pytest.fixture
def robot(arena, tmp_path):
    """Our video export made like a robot's dataset: joints by name, nothing of worldsim's own in it."""
    out = tmp_path / "robot"
    export_table(arena, "lerobot", out)
    (out / "meta/worldsim.json").unlink()
    info = json.loads((out / "meta/info.json").read_text())
    info["robot_type"] = "so100"
    size = info["features"]["action"]["shape"][0]
    info["features"]["action"]["names"] = {"motors": [f"joint_{i}" for i in range(size)]}
    (out / "meta/info.json").write_text(json.dumps(info))
    return out


def test_a_robots_dataset(robot, arena, tmp_path):
    imported = import_recordings("lerobot", robot, tmp_path / "t.lance", progress=quiet)
    table = imported.table
    assert table.env_id == "lerobot/so100"
    assert table.codec.names[:2] == ("joint_0", "joint_1")
    assert "the last action of an episode" in imported.summary()
    before, after = arena.read_episode(1), table.read_episode(1)
    assert (after.actions == before.actions).all()
    assert (after.rewards == before.rewards).all()
    assert not after.terminated and after.truncated
    stats = json.loads((robot / "meta/stats.json").read_text())["action"]
    assert [channel.high for channel in table.codec.channels] == stats["max"]
    assert table.read_episode(2).caption == "a look, ä"


def test_a_damaged_file_costs_the_episodes_in_it(robot, tmp_path):
    video = robot / "videos/observation.image/chunk-000/file-000.mp4"
    whole = video.read_bytes()
    video.write_bytes(whole[:100])
    with pytest.raises(WorldsimError, match="none of 3 recordings could be read; the first: episode_000000"):
        import_recordings("lerobot", robot, tmp_path / "t.lance", progress=quiet)
    video.write_bytes(whole)
    import pyarrow.parquet as pq

    path = robot / "data/chunk-000/file-000.parquet"
    rows = pq.read_table(path)
    episode, t = (rows.column(name).to_numpy() for name in ("episode_index", "frame_index"))
    pq.write_table(rows.filter(~((episode == 1) & (t > 4))), path)
    imported = import_recordings("lerobot", robot, tmp_path / "t.lance", progress=quiet)
    ((name, why),) = imported.skipped
    assert name == "episode_000001"
    assert "5 rows, its entry in meta/episodes says 13" in why
    assert len(imported.table) == 2


def test_what_is_no_dataset_of_this_version_is_named(robot, tmp_path):
    with pytest.raises(WorldsimError, match=r"no frames of camera=wrist; it has observation.image"):
        import_recordings("lerobot", robot, tmp_path / "t.lance", options=ImportOptions(camera="wrist"))
    info = json.loads((robot / "meta/info.json").read_text())
    (robot / "meta/info.json").write_text(json.dumps({**info, "codebase_version": "v2.1"}))
    with pytest.raises(WorldsimError, match=r"dataset v2.1; this reads v3.0. Convert it"):
        import_recordings("lerobot", robot, tmp_path / "t.lance")
    with pytest.raises(WorldsimError, match=r"has no meta/info.json"):
        import_recordings("lerobot", tmp_path, tmp_path / "t.lance")


class Pictures(gymnasium.Env):
    """A game with a dict of observations, for Minari's own collector-free writer."""

    observation_space = spaces.Dict(
        {"view": spaces.Box(0, 255, (40, 32, 3), np.uint8), "speed": spaces.Box(-1, 1, (2,), np.float32)}
    )
    action_space = spaces.Box(-2.0, 2.0, (2,), np.float32)


def test_a_minari_dataset_with_dict_observations(tmp_path):
    from minari.data_collector import EpisodeBuffer
    from minari.dataset.minari_storage import MinariStorage

    rng = np.random.default_rng(0)
    data = tmp_path / "pictures-v0" / "data"
    data.mkdir(parents=True)
    storage = MinariStorage.new(
        data, Pictures.observation_space, Pictures.action_space, jpeg_encoding=False, data_format="hdf5"
    )
    storage.update_metadata({"dataset_id": "pictures-v0", "minari_version": "0.5.4"})
    views = rng.integers(0, 256, (6, 40, 32, 3), dtype=np.uint8)
    actions = rng.uniform(-2, 2, (5, 2)).astype(np.float32)
    buffer = EpisodeBuffer(
        seed=9,
        observations={"view": views, "speed": np.zeros((6, 2), np.float32)},
        actions=actions,
        rewards=[0.5, 0, 0, 0, 1],
        terminations=[False] * 4 + [True],
        truncations=[False] * 5,
    )
    storage.update_episodes([buffer])
    with pytest.raises(WorldsimError, match="does not say how many steps a second has; give fps="):
        import_recordings("minari", tmp_path / "pictures-v0", tmp_path / "t.lance")
    options = ImportOptions(fps=12.5)
    table = import_recordings(
        "minari", tmp_path / "pictures-v0", tmp_path / "t.lance", options=options, progress=quiet
    ).table
    episode = table.read_episode(0)
    assert (episode.frames == views).all()
    assert (episode.actions == actions).all()
    assert episode.rewards.tolist() == [0.5, 0, 0, 0, 1]
    assert (episode.terminated, episode.truncated, episode.seed, table.fps) == (True, False, 9, 12.5)
    options = ImportOptions(fps=1, camera="front")
    with pytest.raises(WorldsimError, match="has the images view; choose one with camera="):
        import_recordings("minari", tmp_path / "pictures-v0", tmp_path / "u.lance", options=options)
    (data / "main_data.hdf5").write_bytes(b"gone")
    with pytest.raises(
        WorldsimError, match=r"none of 1 recordings could be read; the first: episode_0: .*cannot be read"
    ):
        import_recordings("minari", tmp_path / "pictures-v0", tmp_path / "u.lance", options=ImportOptions(fps=1))
    with pytest.raises(WorldsimError, match="cannot be read as a Minari dataset"):
        import_recordings("minari", tmp_path, tmp_path / "u.lance")
