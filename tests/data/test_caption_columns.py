from __future__ import annotations

import shutil

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.data.captions import Caption, add_captions
from worldsim.data.clips import ClipReader
from worldsim.data.store import EpisodeTable


@pytest.fixture
def copy(counting_table, tmp_path):
    shutil.copytree(counting_table.path, tmp_path / "copy.lance")
    return tmp_path / "copy.lance"


def test_captions_come_back_and_frames_stay(copy, counting_table):
    row = int(counting_table.episodes.offsets[1])
    before = {path: path.stat().st_mtime_ns for path in (copy / "data").iterdir()}
    add_captions(copy, "state", 1, {row: [(5, "five frames"), (3, "a colon: 'quoted'")], 0: [(2, "two")]})
    add_captions(copy, "Qwen/Qwen2.5-VL:3b~", 2, {0: [(4, "ä")]})
    table = EpisodeTable.open(copy)
    assert table.captioners == [("Qwen/Qwen2.5-VL:3b~", 2), ("state", 1)]
    assert table.captions("state") == [
        Caption(0, 2, "two", "state", 1),
        Caption(row, 5, "five frames", "state", 1),
        Caption(row, 3, "a colon: 'quoted'", "state", 1),
    ]
    assert [one.text for one in table.captions("Qwen/Qwen2.5-VL:3b~", 2)] == ["ä"]
    assert table.captions("state", 2) == []
    assert table.content_key == counting_table.content_key  # files derived from the frames stay valid
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert table.read_episode(1).caption == "five frames"
    assert table.read_episode(2).caption == ""


def test_adding_again_keeps_other_rows_and_replaces_given_ones(copy):
    add_captions(copy, "state", 1, {0: [(2, "old")], 3: [(2, "kept")]})
    add_captions(copy, "state", 1, {0: [(2, "new"), (3, "newer")], 4: [(1, "more")]})
    table = EpisodeTable.open(copy)
    assert [(one.row, one.text) for one in table.captions()] == [(0, "new"), (0, "newer"), (3, "kept"), (4, "more")]
    assert sum(name.startswith("caption:") for name in table.column_names) == 1


def test_a_kill_between_the_two_commits_loses_nothing(copy, monkeypatch):
    import lance

    add_captions(copy, "state", 1, {0: [(2, "old")]})

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lance.LanceDataset, "drop_columns", killed)
        with pytest.raises(KeyboardInterrupt):
            add_captions(copy, "state", 1, {3: [(2, "new")]})
    assert [one.text for one in EpisodeTable.open(copy).captions()] == ["old", "new"]
    add_captions(copy, "state", 1, {4: [(2, "newer")]})
    table = EpisodeTable.open(copy)
    assert [one.text for one in table.captions()] == ["old", "new", "newer"]
    assert sum(name.startswith("caption:") for name in table.column_names) == 1


def test_captions_across_episodes_are_refused(copy, counting_table):
    length = int(counting_table.episodes.lengths[0])
    total = int(counting_table.episodes.lengths.sum())
    for row, frames in ((0, length + 1), (length - 1, 2), (-1, 1), (total, 1), (0, 0)):
        with pytest.raises(WorldsimError, match=f"{frames} frames from row {row} is not inside one episode"):
            add_captions(copy, "state", 1, {row: [(frames, "x")]})
    with pytest.raises(WorldsimError, match="captioner=''"):
        add_captions(copy, "", 1, {0: [(1, "x")]})


def test_a_clip_gets_a_caption_that_covers_it(copy, counting_table):
    index = counting_table.episodes
    spans = [(e, s, n) for e in range(len(index)) for s in (0, 2) for n in (5, 7) if s + n <= index.lengths[e]]
    captions: dict[int, list[tuple[int, str]]] = {}
    for e, s, n in spans:
        captions.setdefault(int(index.offsets[e]) + s, []).append((n, f"{e} {s} {n}"))
    add_captions(copy, "state", 1, captions)
    reader = ClipReader([counting_table, EpisodeTable.open(copy)], frames=5, batch=3000, seed=0, captions=True)
    clips = reader.batch(0)
    plain = ClipReader([counting_table, EpisodeTable.open(copy)], frames=5, batch=3000, seed=0).batch(0)
    assert (clips.frames == plain.frames).all()
    assert plain.captions is None
    # Frames show colour (of the episode) and step, which tell its episode, not its table.
    shown = {}
    for e in range(len(index)):
        first = counting_table.read_episode(e).frames[0]
        shown[int(first[1, 1, 0]), int(first[0, 0, 2])] = e
    several, without = set(), 0
    for frames, text in zip(clips.frames, clips.captions, strict=True):
        start, end = int(frames[0, 0, 0, 0]), int(frames[-1, 0, 0, 0])
        if not text:
            without += 1
            continue
        e, s, n = map(int, text.split())
        assert e == shown[int(frames[0, 1, 1, 0]), int(frames[0, 0, 0, 2])]
        assert s <= start and end < s + n
        covering = [(f, m) for d, f, m in spans if d == e and f <= start and end < f + m]
        assert n == min(m for _, m in covering)
        if len(covering) > 1:
            several.add((s, n))
    assert 1500 < without < 2900  # half are of the table without captions
    assert several >= {(0, 5), (2, 5)}  # the shortest of several, wherever the clip begins
    again = ClipReader([counting_table, EpisodeTable.open(copy)], frames=5, batch=3000, seed=0, captions=True)
    assert again.batch(0).captions == clips.captions
    assert again.batch(1).captions != clips.captions
    assert np.unique(clips.captions).size > 20
    add_captions(copy, "other", 1, {int(index.offsets[0]): [(5, "another's")]})
    alone = ClipReader([EpisodeTable.open(copy)], 5, 3000, seed=0, captions=True, captioner="other").batch(0)
    assert set(alone.captions) == {"", "another's"}
