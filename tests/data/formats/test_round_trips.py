"""Out to another format and back into a table: steps exact in all of them, frames where the format keeps them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.data.exporting import export_table
from worldsim.data.importing import import_recordings
from worldsim.data.store import EpisodeTable


def psnr_db(a, b) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


def quiet(line: str) -> None:
    pass


def there_and_back(table, format, folder, **settings) -> EpisodeTable:
    export_table(table, format, folder / "out", **settings)
    imported = import_recordings(format, folder / "out", folder / "back.lance", progress=quiet)
    assert imported.skipped == []
    return imported.table


@pytest.mark.parametrize(
    ("format", "lossless"),
    [("mp4", True), ("mp4", False), ("lerobot", True), ("lerobot", False), ("minari", True)],
)
def test_steps_are_exact_and_frames_where_lossless(arena, tmp_path, format, lossless):
    back = there_and_back(arena, format, tmp_path, lossless=lossless)
    assert back.codec == arena.codec
    assert (back.env_id, back.fps, back.info.env_kwargs) == (arena.env_id, arena.fps, arena.info.env_kwargs)
    assert back.info.source == format
    assert len(back) == len(arena) == 3
    for i in range(3):
        before, after = arena.read_episode(i), back.read_episode(i)
        assert (after.actions == before.actions).all() and before.actions.any()
        assert (after.rewards == before.rewards).all()
        ends = (before.terminated, before.truncated, before.seed, before.caption)
        assert (after.terminated, after.truncated, after.seed, after.caption) == ends
        if lossless:
            assert (after.frames == before.frames).all()
        else:
            assert after.frames.shape == before.frames.shape
            assert psnr_db(after.frames, before.frames) > 34


def test_discrete_actions_and_endings_survive(counting_table, tmp_path):
    for format in ("mp4", "lerobot", "minari"):
        (tmp_path / format).mkdir()
        back = there_and_back(counting_table, format, tmp_path / format, lossless=True, episodes=[3, 11, 0])
        for i, number in enumerate((3, 11, 0)):
            before, after = counting_table.read_episode(number), back.read_episode(i)
            assert (after.frames == before.frames).all()
            assert (after.actions == before.actions).all()
            assert after.rewards.tolist() == before.rewards.tolist()
            assert (after.terminated, after.truncated) == (before.terminated, before.truncated)


def test_minari_and_pandas_read_what_we_write(arena, tmp_path):
    """The formats' own readers agree with us, not only our importers."""
    import minari
    import pandas as pd

    export_table(arena, "minari", tmp_path / "walk-v0")
    dataset = minari.MinariDataset(tmp_path / "walk-v0" / "data")
    episode = dataset[1]
    assert (episode.observations == arena.read_episode(1).frames).all()
    assert dataset.action_space == arena.codec.space()
    assert dataset.id == "walk-v0"

    export_table(arena, "lerobot", tmp_path / "robot")
    tasks = pd.read_parquet(tmp_path / "robot/meta/tasks.parquet")
    assert tasks.index.name == "task"
    assert tasks.loc["a walk"].task_index == 0
    rows = pd.read_parquet(tmp_path / "robot/data/chunk-000/file-000.parquet")
    info = json.loads((tmp_path / "robot/meta/info.json").read_text())
    assert set(rows.columns) | {"observation.image"} == set(info["features"])
    assert rows["index"].tolist() == list(range(39)) == list(range(info["total_frames"]))
    assert rows[rows.episode_index == 2].frame_index.tolist() == list(range(13))
    episodes = pd.read_parquet(tmp_path / "robot/meta/episodes/chunk-000/file-000.parquet")
    assert episodes["videos/observation.image/from_timestamp"].tolist() == pytest.approx([0, 13 / 20, 26 / 20])
    stats = json.loads((tmp_path / "robot/meta/stats.json").read_text())
    pixels = np.concatenate([arena.read_episode(i).frames for i in range(3)]).reshape(-1, 3) / 255
    assert np.ravel(stats["observation.image"]["mean"]) == pytest.approx(pixels.mean(0))
    assert np.ravel(stats["observation.image"]["std"]) == pytest.approx(pixels.std(0))


def test_frames_of_other_sizes_are_written_whole(tmp_path, record):
    odd = record(tmp_path / "odd.lance", 2, env_kwargs={"height": 35, "width": 33})
    for format, lossless in (("mp4", True), ("mp4", False), ("lerobot", False), ("minari", True)):
        folder = tmp_path / f"{format}-{lossless}"
        folder.mkdir()
        back = there_and_back(odd, format, folder, lossless=lossless)
        assert back.frame_shape == (35, 33, 3)
        if lossless:
            assert (back.read_episode(1).frames == odd.read_episode(1).frames).all()


def test_frames_are_resized_where_asked(arena, tmp_path):
    export_table(arena, "mp4", tmp_path / "out", lossless=True)
    table = import_recordings("mp4", tmp_path / "out", tmp_path / "s.lance", height=24, width=32, progress=quiet).table
    assert table.frame_shape == (24, 32, 3)
    blocks = arena.read_episode(0).frames.reshape(13, 24, 2, 32, 2, 3).astype(float).mean((2, 4))
    assert np.abs(table.read_episode(0).frames - blocks).max() <= 1
    with pytest.raises(WorldsimError, match="height=24, width=None: give both"):
        import_recordings("mp4", tmp_path / "out", tmp_path / "t.lance", height=24)


def test_what_cannot_be_exported_is_named(arena, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(WorldsimError, match=r"full is not empty; choose another out="):
        export_table(arena, "mp4", tmp_path / "full")
    with pytest.raises(WorldsimError, match=r"unknown format to export 'mp5'. Did you mean 'mp4'"):
        export_table(arena, "mp5", tmp_path / "x")
    with pytest.raises(WorldsimError, match="has episodes 0 to 2; asked for 7"):
        export_table(arena, "mp4", tmp_path / "x", episodes=[7])
    with pytest.raises(WorldsimError, match=r"cannot write .*file/x"):
        export_table(arena, "mp4", tmp_path / "full" / "file" / "x")


def test_a_damaged_episode_is_named_skipped_and_counted(arena, tmp_path):
    export_table(arena, "mp4", tmp_path / "out", lossless=True)
    video = tmp_path / "out" / "episode-000001.mp4"
    video.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    imported = import_recordings("mp4", tmp_path / "out", tmp_path / "back.lance", progress=quiet)
    assert [name for name, _ in imported.skipped] == ["episode-000001"]
    assert "episode-000001.mp4 cannot be decoded" in imported.skipped[0][1]
    assert "2 episodes, 26 frames; 1 skipped" in imported.summary()
    table = EpisodeTable.open(tmp_path / "back.lance")
    assert table.episodes.sources == ["episode-000000", "episode-000002"]
    assert table.read_episode(1).caption == "a look, ä"
    record = json.loads((tmp_path / "back.lance" / "record.json").read_text())
    assert (record["planned"], record["completed"], record["failed"]) == (3, 2, 1)
    assert record["config"]["skipped"][0]["name"] == "episode-000001"


def test_a_video_of_another_length_than_its_actions_is_named(arena, tmp_path):
    export_table(arena, "mp4", tmp_path / "out", lossless=True)
    (tmp_path / "out/episode-000000.mp4").write_bytes((tmp_path / "out/episode-000002.mp4").read_bytes())
    lines = (tmp_path / "out/episode-000000.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "out/episode-000000.jsonl").write_text("".join(lines[:5]))
    imported = import_recordings("mp4", tmp_path / "out", tmp_path / "back.lance", progress=quiet)
    ((name, why),) = imported.skipped
    assert name == "episode-000000"
    assert "13 frames and episode-000000.jsonl 5 lines" in why


def test_nothing_readable_is_an_error_and_leaves_no_table(arena, tmp_path):
    export_table(arena, "mp4", tmp_path / "out", episodes=[0])
    (tmp_path / "out/episode-000000.mp4").write_bytes(b"no video")
    with pytest.raises(WorldsimError, match="none of 1 recordings could be read; the first: episode-000000"):
        import_recordings("mp4", tmp_path / "out", tmp_path / "back.lance", progress=quiet)
    assert not (tmp_path / "back.lance").exists()
    (tmp_path / "out/dataset.json").write_text('{"format": "other"}')
    with pytest.raises(DamagedFileError, match="says format 'other'"):
        import_recordings("mp4", tmp_path / "out", tmp_path / "back.lance", progress=quiet)


def test_an_interrupted_import_goes_on(arena, tmp_path, monkeypatch):
    from worldsim.data import importing, store

    export_table(arena, "mp4", tmp_path / "out", lossless=True)
    monkeypatch.setattr(importing, "COMMIT_BYTES", 1)
    append, appended = store.append, []

    def interrupt(*args, **kwargs):
        if len(appended) == 2:
            raise KeyboardInterrupt
        appended.append(append(*args, **kwargs))

    out = tmp_path / "back.lance"
    with monkeypatch.context() as patch:
        patch.setattr(store, "append", interrupt)
        with pytest.raises(KeyboardInterrupt):
            import_recordings("mp4", tmp_path / "out", out, progress=quiet)
    with pytest.raises(WorldsimError, match=r"has 2 of 3 episodes; run the same .* or the same import"):
        EpisodeTable.open(out)
    table = import_recordings("mp4", tmp_path / "out", out, progress=quiet).table
    assert table.episodes.sources == [f"episode-{i:06d}" for i in range(3)]
    for i in range(3):
        assert (table.read_episode(i).frames == arena.read_episode(i).frames).all()
    with pytest.raises(WorldsimError, match=r"already holds another recording .*choose another out="):
        import_recordings("mp4", tmp_path / "out", out, height=24, width=32, progress=quiet)
