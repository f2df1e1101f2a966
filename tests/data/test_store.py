from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.data.store import EpisodeTable


def test_action_t_leads_from_frame_t_to_frame_t_plus_1(counting_table):
    for i in range(len(counting_table)):
        episode = counting_table.read_episode(i)
        steps = len(episode.actions)
        assert episode.frames[:, 0, 0, 0].tolist() == list(range(steps + 1))
        # The game draws the action it was given into the frame that follows.
        assert episode.frames[1:, 0, 0, 1].tolist() == episode.actions.argmax(1).tolist()
        assert episode.rewards.tolist() == list(range(1, steps + 1))


def test_a_clip_is_the_same_piece_of_its_episode(counting_table):
    episode = counting_table.read_episode(7)
    frames, actions, rewards, terminated = counting_table.read_clip(7, 2, 4)
    assert (frames == episode.frames[2:6]).all()
    assert (actions == episode.actions[2:5]).all()
    assert rewards.tolist() == [3, 4, 5]
    assert not terminated.any()


def test_ends_are_told_apart(counting_table):
    seen = set()
    for i in range(len(counting_table)):
        episode = counting_table.read_episode(i)
        last_step = int(episode.frames[0, 0, 0, 2])
        assert len(episode.actions) == min(last_step, 20)
        assert episode.terminated == (last_step <= 20)
        assert episode.truncated == (last_step >= 20)
        seen.add(episode.terminated)
        *_, terminated = counting_table.read_clip(i, 0, len(episode.frames))
        assert np.flatnonzero(terminated).tolist() == ([last_step - 1] if episode.terminated else [])
    assert seen == {True, False}


def test_asking_beyond_an_episode_names_its_length(counting_table):
    with pytest.raises(WorldsimError, match=r"episode 0 .* has \d+ frames; asked for 50 from frame 0"):
        counting_table.read_clip(0, 0, 50)
    with pytest.raises(WorldsimError, match="has episodes 0 to 19; asked for 20"):
        counting_table.read_episode(20)


def test_a_missing_table_is_named_with_the_command_that_records_it(tmp_path):
    with pytest.raises(WorldsimError, match=r"no recorded table at .*nothing.lance; record one with: worldsim collect"):
        EpisodeTable.open(tmp_path / "nothing.lance")


def _cut(path: Path, share: float) -> None:
    os.truncate(path, int(path.stat().st_size * share))


def _garble(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


@pytest.mark.parametrize(
    ("pattern", "damage"),
    [
        ("data/*", lambda path: _cut(path, 0.5)),
        ("data/*", lambda path: _cut(path, 0.0)),
        ("data/*", _garble),
        ("data/*", Path.unlink),
        ("_versions/*.manifest", lambda path: _cut(path, 0.5)),
        ("_versions/*.manifest", _garble),
        ("_versions/*.manifest", Path.unlink),
    ],
)
def test_a_damaged_table_is_named_with_a_remedy(counting_table, tmp_path, pattern, damage):
    copy = tmp_path / "copy.lance"
    shutil.copytree(counting_table.path, copy)
    for path in copy.glob(pattern):
        damage(path)
    with pytest.raises(DamagedFileError, match=r"copy.lance cannot be read .* record it again"):
        EpisodeTable.open(copy)


def test_a_foreign_lance_table_is_refused(tmp_path):
    import lance
    import pyarrow as pa

    lance.write_dataset(pa.table({"x": [1]}), str(tmp_path / "other.lance"))
    with pytest.raises(DamagedFileError, match="not one of recorded episodes"):
        EpisodeTable.open(tmp_path / "other.lance")
