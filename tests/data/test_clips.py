from __future__ import annotations

import numpy as np
import pytest

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.data.clips import ClipReader
from worldsim.data.latents import encode_table


def _same(a, b):
    return all(
        np.array_equal(getattr(a, name), getattr(b, name)) for name in ("frames", "actions", "rewards", "terminated")
    )


def test_clips_are_aligned(counting_table):
    clips = ClipReader([counting_table], frames=5, batch=64, seed=0).batch(0)
    first = clips.frames[:, 0, 0, 0, 0]
    assert (clips.frames[..., 0, 0, 0] == first[:, None] + np.arange(5)).all()
    assert (clips.frames[:, 1:, 0, 0, 1] == clips.actions.argmax(-1)).all()
    assert (clips.rewards == clips.frames[:, 1:, 0, 0, 0]).all()
    # Row 0, column 0 names the step at which the game ends the episode.
    assert (clips.terminated == (clips.frames[:, 1:, 0, 0, 0] == clips.frames[:, 1:, 0, 0, 2])).all()
    assert clips.valid.all()


def test_batches_depend_on_seed_and_step_alone(counting_table):
    cached = ClipReader([counting_table], frames=5, batch=8, seed=1, termination_share=0.3)
    in_order = [cached.batch(step) for step in range(4)]
    resumed = ClipReader([counting_table], frames=5, batch=8, seed=1, termination_share=0.3, cache_gb=0)
    assert all(_same(in_order[step], resumed.batch(step)) for step in (2, 3, 0))
    assert not _same(in_order[0], in_order[1])
    assert not _same(in_order[0], ClipReader([counting_table], frames=5, batch=8, seed=2).batch(0))


def test_every_start_is_drawn_about_equally_often(counting_table):
    reader = ClipReader([counting_table], frames=19, batch=4000, seed=0)
    lengths = counting_table.episodes.lengths
    starts = int((lengths - 18)[lengths >= 19].sum())
    clips = reader.batch(0)
    keys = clips.frames[:, 0].reshape(4000, -1) @ np.random.default_rng(0).random(clips.frames[0, 0].size)
    _, counts = np.unique(keys, return_counts=True)
    assert len(counts) == starts
    # Six standard deviations of a binomial around the mean.
    mean = 4000 / starts
    assert (np.abs(counts - mean) < 6 * np.sqrt(mean)).all()


def test_termination_share(counting_table):
    share = ClipReader([counting_table], frames=6, batch=2000, seed=0).batch(0).terminated.any(1).mean()
    clips = ClipReader([counting_table], frames=6, batch=2000, seed=0, termination_share=0.5).batch(0)
    assert clips.terminated.any(1).mean() == pytest.approx(0.5 + share / 2, abs=0.05)
    assert clips.terminated[:, :-1].sum() == 0


def test_padded_endings_put_the_terminating_step_anywhere(counting_table):
    reader = ClipReader([counting_table], frames=6, batch=2000, seed=0, termination_share=1.0, pad_endings=True)
    clips = reader.batch(0)
    assert (clips.terminated.sum(1) == 1).all()
    end = clips.terminated.argmax(1)
    assert (np.bincount(end, minlength=5) > 300).all()
    # Valid up to and with the terminating step; the last frame stands still after it.
    assert (clips.valid == (np.arange(5) <= end[:, None])).all()
    assert (clips.frames[:, -1] == clips.frames[np.arange(2000), end + 1]).all()
    assert np.isfinite(clips.actions).all()
    assert (clips.rewards[~clips.valid] == 0).all()


@pytest.fixture(scope="module")
def make_table(tmp_path_factory, record):
    def make(**env_kwargs):
        return record(tmp_path_factory.mktemp("more") / "other.lance", 3, seed=9, env_kwargs=env_kwargs)

    return make


def test_several_tables_are_one_pool(counting_table, make_table):
    other = make_table(terminates=False)
    for cache_gb in (8, 0):
        clips = ClipReader([counting_table, other], frames=5, batch=500, seed=0, cache_gb=cache_gb).batch(0)
        assert (clips.frames[:, 1:, 0, 0, 1] == clips.actions.argmax(-1)).all()
        steps = clips.frames[:, 1:, 0, 0, :]
        never_ending = (steps[..., 0] >= steps[..., 2]).any(1) & ~clips.terminated.any(1)
        assert never_ending.any()


def test_tables_with_other_actions_or_sizes_are_refused(counting_table, make_table):
    with pytest.raises(WorldsimError, match=r"action channels action=0, action=1 but .* equal channels"):
        ClipReader([counting_table, make_table(choices=2)], frames=5, batch=1, seed=0)
    with pytest.raises(WorldsimError, match=r"frames of \(8, 6\) but .* of \(4, 6\)"):
        ClipReader([counting_table, make_table(height=8)], frames=5, batch=1, seed=0)


def test_too_long_clips_are_refused(counting_table):
    with pytest.raises(WorldsimError, match="no episode has 22 frames; the longest has 21"):
        ClipReader([counting_table], frames=22, batch=1, seed=0)


def _encode(frames):
    return frames.astype(np.float16).transpose(0, 3, 1, 2)[:, :, ::2, ::2]


def test_latents_take_the_place_of_their_frames(counting_table, tmp_path):
    path = encode_table(counting_table, _encode, tmp_path, vae_hash="a", batch_rows=50)
    frames = ClipReader([counting_table], frames=5, batch=16, seed=4, termination_share=0.5).batch(2)
    latents = ClipReader([counting_table], frames=5, batch=16, seed=4, termination_share=0.5, latents=[path]).batch(2)
    assert latents.frames is None
    assert (latents.latents == _encode(frames.frames.reshape(-1, 4, 6, 3)).reshape(16, 5, 3, 2, 3)).all()
    assert (latents.actions == frames.actions).all()


def test_latents_are_made_once_for_each_autoencoder(counting_table, tmp_path):
    def fail(frames):
        raise AssertionError("encoded again")

    path = encode_table(counting_table, _encode, tmp_path, vae_hash="a")
    assert encode_table(counting_table, fail, tmp_path, vae_hash="a") == path
    assert encode_table(counting_table, _encode, tmp_path, vae_hash="b") != path
    assert sorted(tmp_path.iterdir()) == sorted({path, encode_table(counting_table, fail, tmp_path, vae_hash="b")})


def test_damaged_or_foreign_latents_are_refused(counting_table, make_table, tmp_path):
    path = encode_table(counting_table, _encode, tmp_path, vae_hash="a")
    with pytest.raises(DamagedFileError, match=r"latents but .* frames; encode again"):
        ClipReader([make_table()], frames=5, batch=1, seed=0, latents=[path])
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DamagedFileError, match=r"cannot be read as latents .* encode again"):
        ClipReader([counting_table], frames=5, batch=1, seed=0, latents=[path])


def test_processes_divide_a_batch(counting_table):
    whole = ClipReader([counting_table], frames=5, batch=12, seed=1, termination_share=0.3).batch(3)
    parts = [
        ClipReader([counting_table], frames=5, batch=12, seed=1, termination_share=0.3, share=(rank, 3)).batch(3)
        for rank in range(3)
    ]
    for rank, part in enumerate(parts):
        assert (part.frames == whole.frames[rank::3]).all()
        assert (part.actions == whole.actions[rank::3]).all()
        assert (part.terminated == whole.terminated[rank::3]).all()
    for share in ((3, 3), (-1, 2), (0, 5)):
        with pytest.raises(WorldsimError, match="a batch that divides by ranks"):
            ClipReader([counting_table], frames=5, batch=12, seed=1, share=share)


def test_single_frames_are_clips_without_actions(counting_table):
    batch = ClipReader([counting_table], 1, 16, seed=3).batch(0)
    assert batch.frames.shape[:2] == (16, 1)
    assert batch.actions.shape[:2] == (16, 0)
    assert len(np.unique(batch.frames.reshape(16, -1), axis=0)) > 4
