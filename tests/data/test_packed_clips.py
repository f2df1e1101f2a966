from __future__ import annotations

import shutil

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.data.captions import add_captions
from worldsim.data.packed import PackedClipReader, tokens_of
from worldsim.data.store import EpisodeTable

BUDGET = 40


@pytest.fixture(scope="module")
def tables(counting_table, record, tmp_path_factory):
    """Frames of 4x6 with 5 actions and of 9x4 with 2; with patches of 4 pixels 2 and 3 tokens a frame."""
    out = tmp_path_factory.mktemp("sizes")
    shutil.copytree(counting_table.path, out / "small.lance")
    first = counting_table.episodes.offsets.tolist()
    lengths = counting_table.episodes.lengths.tolist()
    whole = {row: [(n, f"episode {i}")] for i, (row, n) in enumerate(zip(first, lengths, strict=True))}
    add_captions(out / "small.lance", "state", 1, whole)
    tall = record(out / "tall.lance", 6, seed=8, env_kwargs={"height": 9, "width": 4, "choices": 2})
    return [EpisodeTable.open(out / "small.lance"), tall]


def reader(tables, **settings):
    return PackedClipReader(tables, BUDGET, 5, **{"frames": (3, 9), "patch_px": 4} | settings)


def test_clips_are_pieces_of_episodes_in_their_own_size(tables):
    seen = set()
    for step in range(30):
        for clip in reader(tables).batch(step):
            seen.add((clip.frames.shape, clip.table))
            episode = tables[clip.table].read_episode(clip.episode)
            count = len(clip.frames)
            assert (clip.frames == episode.frames[clip.start : clip.start + count]).all()
            assert (clip.actions == episode.actions[clip.start : clip.start + count - 1]).all()
            assert (clip.rewards == episode.rewards[clip.start : clip.start + count - 1]).all()
            ends = clip.start + count == len(episode.frames) and episode.terminated
            assert clip.terminated.tolist() == [False] * (count - 2) + [ends]
            assert clip.caption == ("" if clip.table else f"episode {clip.episode}")
    assert {shape[1:3] for shape, _ in seen} == {(4, 6), (9, 4)}
    assert {shape[0] for shape, _ in seen} == set(range(3, 10))


def test_a_batch_keeps_the_budget_and_uses_it(tables):
    used = [sum(clip.tokens(4) for clip in reader(tables).batch(step)) for step in range(40)]
    assert max(used) <= BUDGET
    assert min(used) > BUDGET - tokens_of(3, 9, 4, 4)  # less is left than the shortest of the larger clips needs
    assert tokens_of(3, 9, 4, 4) == 9


def test_batches_depend_on_seed_and_step_and_shares_divide_them(tables):
    def keys(batch):
        return [(clip.table, clip.episode, clip.start, len(clip.frames)) for clip in batch]

    whole = reader(tables)
    in_order = [keys(whole.batch(step)) for step in range(6)]
    assert [keys(reader(tables).batch(step)) for step in (4, 1)] == [in_order[4], in_order[1]]
    shares = [reader(tables, share=(rank, 2)) for rank in (0, 1)]
    assert [keys(shares[n % 2].batch(n // 2)) for n in range(6)] == in_order
    assert len({tuple(batch) for batch in in_order}) == 6


def test_what_cannot_be_packed_is_named(tables):
    with pytest.raises(WorldsimError, match="no episode has 40 frames; the longest has 21"):
        reader(tables, frames=(40, 50))
    with pytest.raises(WorldsimError, match=r"19 frames of 9x4 are 57 tokens of 4x4 pixels, more than tokens=40"):
        reader(tables, frames=(19, 19))
    with pytest.raises(WorldsimError, match=r"frames=\(5, 3\)"):
        reader(tables, frames=(5, 3))
    assert np.diff([tokens_of(1, 8, 8, 4), tokens_of(1, 9, 9, 4)]) == [5]
