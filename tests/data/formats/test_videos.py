from __future__ import annotations

import json

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.data.formats.video_file import VideoWriter
from worldsim.data.importing import import_recordings
from worldsim.data.packed import PackedClipReader
from worldsim.data.store import EpisodeTable


def quiet(line: str) -> None:
    pass


def moving(count: int, height: int, width: int) -> np.ndarray:
    """Frames that each say which one they are, in the brightness of all pixels."""
    frames = np.arange(count, dtype=np.uint8) * 4
    return np.broadcast_to(frames[:, None, None, None], (count, height, width, 3)).copy()


def write(path, frames, fps=10.0):
    with VideoWriter(path, fps, *frames.shape[1:3], lossless=True) as video:
        video.add(frames)


def test_sizes_captions_and_rates(tmp_path):
    folder = tmp_path / "clips"
    write(folder / "a.mp4", moving(10, 32, 48))
    write(folder / "more" / "b.mp4", moving(20, 20, 16), fps=20.0)
    write(folder / "c.mp4", moving(6, 32, 48))
    write(folder / "d.mp4", moving(4, 32, 48))
    (folder / "a.txt").write_text("a red block\n")
    (folder / "a.json").write_text(json.dumps({"caption": ["a block", "a red block"]}))
    (folder / "captions.csv").write_text('file_name,caption\nmore/b.mp4,"walks, then stops"\nc.mp4,still\n')
    imported = import_recordings("videos", folder, tmp_path / "v.lance", progress=quiet)
    table = imported.table
    assert table.episodes.sources == ["a.mp4", "c.mp4", "d.mp4", "more/b.mp4"]
    assert table.episodes.sizes.tolist() == [[32, 48], [32, 48], [32, 48], [20, 16]]
    assert table.fps == 10
    assert len(table.codec) == 0
    found = table.read_episode(3)
    # 20 frames at 20 a second are 10 at 10: every second one.
    assert (found.frames == moving(20, 20, 16)[::2]).all()
    assert found.actions.shape == (9, 0)
    assert [one.text for one in table.captions() if one.row == 0] == ["a red block", "a block"]
    assert [table.read_episode(i).caption for i in (1, 2, 3)] == ["still", "", "walks, then stops"]
    with pytest.raises(WorldsimError, match=r"differ in frame size .20x16, 32x48.*height= and width="):
        _ = table.frame_shape

    clips = PackedClipReader([table], tokens=60, seed=0, frames=(3, 8), patch_px=16).batch(0)
    assert {clip.frames.shape[1:3] for clip in clips} == {(32, 48), (20, 16)}
    for clip in clips:
        assert (clip.frames == table.read_episode(clip.episode).frames[clip.start :][: len(clip.frames)]).all()
    one_size = import_recordings("videos", folder, tmp_path / "w.lance", height=16, width=16, progress=quiet).table
    assert one_size.frame_shape == (16, 16, 3)


def test_damaged_files_are_skipped_and_named(tmp_path):
    folder = tmp_path / "clips"
    write(folder / "a.mp4", moving(10, 32, 48))
    write(folder / "b.mp4", moving(10, 32, 48))
    (folder / "b.json").write_text('{"caption": ')
    (folder / "c.webm").write_bytes(b"not a video")
    imported = import_recordings("videos", folder, tmp_path / "v.lance", progress=quiet)
    why = dict(imported.skipped)
    assert sorted(why) == ["b.mp4", "c.webm"]
    assert "b.json is not valid JSON" in why["b.mp4"]
    assert "c.webm cannot be decoded" in why["c.webm"]
    table = EpisodeTable.open(tmp_path / "v.lance")
    assert table.frame_shape == (32, 48, 3)
    assert (table.read_episode(0).frames == moving(10, 32, 48)).all()


def test_a_list_without_names_is_named(tmp_path):
    folder = tmp_path / "clips"
    write(folder / "a.mp4", moving(3, 32, 48))
    (folder / "metadata.jsonl").write_text('{"text": "whose?"}\n')
    with pytest.raises(WorldsimError, match=r"metadata.jsonl has an entry without file_name"):
        import_recordings("videos", folder, tmp_path / "v.lance")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorldsimError, match="empty holds no videos"):
        import_recordings("videos", tmp_path / "empty", tmp_path / "v.lance")
