"""Packs of several sizes and durations: their tokens, what they depend on, and what a pack of one group is."""

from __future__ import annotations

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import derive_seed, stream
from worldsim.data.clips import ClipReader
from worldsim.data.mixture import ClipMixture

DURATIONS = range(3, 10)


@pytest.fixture(scope="module")
def tables(counting_table, record, tmp_path_factory):
    """Frames of 4x6 and of 9x8: three times as many pixels."""
    return [counting_table, record(tmp_path_factory.mktemp("sizes") / "large.lance", 8, seed=8,
                                   env_kwargs={"height": 9, "width": 8})]  # fmt: skip


def mixture(tables, **settings):
    given = {"frames": DURATIONS, "batch": 8, "seed": 4, "shares": (0.5, 0.5), "groups": 3} | settings
    return ClipMixture(tables, **given)


def shapes(pack):
    return [clips.frames.shape[:4] for clips in pack]


def test_a_pack_holds_several_sizes_and_durations_of_about_equally_many_pixels(tables):
    packs = [shapes(mixture(tables).pack(step)) for step in range(40)]
    assert {len(pack) for pack in packs} == {3}
    assert {shape[2:] for pack in packs for shape in pack} == {(4, 6), (9, 8)}
    assert {shape[1] for pack in packs for shape in pack} == set(DURATIONS)
    assert sum(len(set(pack)) > 1 for pack in packs) > 30
    pixels = [sum(int(np.prod(shape)) for shape in pack) for pack in packs]
    budget = 8 * 9 * 4 * 6
    assert np.mean(pixels) == pytest.approx(budget, rel=0.1)
    assert max(pixels) < 1.5 * budget


def test_clips_of_every_duration_are_pieces_of_episodes(tables):
    for step in range(10):
        for clips in mixture(tables).pack(step):
            assert clips.actions.shape[:2] == clips.valid.shape == (len(clips.frames), clips.frames.shape[1] - 1)
            table = next(t for t in tables if t.frame_shape == clips.frames.shape[2:])
            recorded = table.read_frames(np.arange(int(table.episodes.lengths.sum())))
            for frames in clips.frames:
                starts = np.flatnonzero((recorded[: 1 - len(frames)] == frames[0]).all((1, 2, 3)))
                assert any((recorded[first : first + len(frames)] == frames).all() for first in starts)


def test_packs_depend_on_seed_and_step_alone(tables):
    def first(step, **settings):
        return [clips.frames.tobytes() for clips in mixture(tables, **settings).pack(step)]

    one = mixture(tables)
    in_order = [[clips.frames.tobytes() for clips in one.pack(step)] for step in range(4)]
    assert first(3) == in_order[3]
    assert first(3, seed=5) != in_order[3]


def test_one_group_of_one_duration_is_a_batch_of_one_table(tables):
    """As it was before there were packs: the shipped weights were trained on these batches."""
    one = mixture(tables, frames=5, groups=1)
    for step in range(12):
        number = int(stream(derive_seed(4, "mixture"), "table", step).choice(2, p=[0.5, 0.5]))
        reader = ClipReader([tables[number]], 5, (8, 3)[number], derive_seed(4, number), pad_endings=True)
        expected, (clips,) = reader.batch(step), one.pack(step)
        for field in ("frames", "actions", "rewards", "terminated", "valid"):
            assert (getattr(clips, field) == getattr(expected, field)).all()
        assert (one.batch(step).frames == clips.frames).all()


def test_a_duration_that_no_episode_has_is_named(tables):
    with pytest.raises(WorldsimError, match="no episode has 40 frames"):
        mixture(tables, frames=(3, 40))
