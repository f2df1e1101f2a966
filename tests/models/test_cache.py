"""Frames that left the ring: where they stand, which are kept, and slots of different ages."""

from __future__ import annotations

import pytest
import torch

from worldsim.models.cache import RingCache
from worldsim.models.layers import rope_table, rotate

LAYERS, HEADS, E, WINDOW, TOKENS = 2, 2, 12, 3, 2
SINKS, RECALLED, ARCHIVED = 1, 2, 4
OWN = 50.0  # of the frame that is being denoised


def made(slots: int) -> RingCache:
    return RingCache.empty(LAYERS, slots, HEADS, E, WINDOW, TOKENS, SINKS, RECALLED, ARCHIVED, dtype=torch.float32)


def frame(number: int) -> torch.Tensor:
    """Keys before rotation of a frame, (L, H, P, E)."""
    return torch.randn(LAYERS, HEADS, TOKENS, E, generator=torch.Generator().manual_seed(number))


def at(keys: torch.Tensor, time: int) -> torch.Tensor:
    return rotate(keys, *rope_table(torch.tensor([[time, 0, 0]]), E, torch.float32))


def write(cache: RingCache, recall: list[list[int]] | None = None, stream: int = 0):
    """The next frame of every slot; values are those of the keys before rotation, plus one."""
    now = cache.count_B.tolist()
    view = cache.begin_frame(None if recall is None else torch.tensor(recall))
    frames = [frame(time + 1000 * stream) for time in now]
    for layer in range(LAYERS):
        keys = torch.stack([at(f, t)[layer] for f, t in zip(frames, now, strict=True)])
        values = torch.stack([f[layer] + 1 for f in frames])
        # The frame that is being denoised is written beside it, to a place of its own.
        view.write(layer, *(torch.stack((x, torch.full_like(x, OWN)), 2) for x in (keys, values)))
    return view


def kept(cache: RingCache, slot: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    part = slice(number * TOKENS, (number + 1) * TOKENS)
    return cache.keys_LBHNE[:, slot, :, part], cache.values_LBHNE[:, slot, :, part]


def sees(view, query: int) -> list[bool]:
    """Which frames a query of the first slot sees."""
    return (view.bias_GQN[0, query, ::TOKENS] == 0).tolist()


@pytest.mark.parametrize("age", [WINDOW + 1, 11, 300])
def test_kept_frames_stand_just_before_the_window_whatever_their_age(age):
    cache = made(1)
    for t in range(age):
        view = write(cache, [[t - WINDOW, -1]] if t > WINDOW else None)
    sink, value = kept(cache, 0, 0)
    # The frame to be denoised is number `age`; just before its window is `age - WINDOW - 1`.
    torch.testing.assert_close(sink, at(frame(0), age - WINDOW - 1), rtol=1e-4, atol=1e-5)
    assert torch.equal(value, frame(0) + 1)
    assert sees(view, query=0) == [True, age > WINDOW + 1, False, True, True, True, False]
    assert sees(view, query=TOKENS) == [True, age > WINDOW + 1, False, True, True, True, True]
    if age > WINDOW + 1:
        recalled = age - 1 - WINDOW
        torch.testing.assert_close(kept(cache, 0, 1)[0], at(frame(recalled), recalled), rtol=1e-4, atol=1e-5)


def test_any_archived_frame_can_be_recalled_and_nothing_grows():
    cache = made(1)
    shapes = set()
    for t in range(20):
        shown = [time for time in (SINKS, t - WINDOW - ARCHIVED + 1) if SINKS <= time <= t - WINDOW][-1:]
        view = write(cache, [[*shown, -1, -1][:RECALLED]])
        shapes.add((cache.keys_LBHNE.shape, cache.archive.keys_LBHNE.shape))
        for time in shown:
            assert torch.equal(kept(cache, 0, 1)[1], frame(time) + 1)
    assert shapes == {
        ((LAYERS, 1, HEADS, (SINKS + RECALLED + WINDOW + 1) * TOKENS, E), (LAYERS, 1, HEADS, 5 * TOKENS, E))
    }
    assert sees(view, query=TOKENS) == [True, True, False, *[True] * 4]
    assert sees(cache.same_frame(), query=0) == sees(view, query=TOKENS)


def test_once_all_places_are_filled_only_the_own_frame_is_hidden_from_the_context():
    cache = made(1)
    for t in range(9):
        view = write(cache, [[1, 2]] if t >= 6 else None)
    assert view.mask_B11N is None and cache.same_frame().bias_GQN is None
    assert view.bias_GQN[:TOKENS, -TOKENS:].isneginf().all()
    assert not view.bias_GQN[:TOKENS, :-TOKENS].any() and not view.bias_GQN[TOKENS:].any()


def test_the_frame_being_denoised_is_overwritten_and_nothing_else():
    cache = made(2)
    for _ in range(5):
        write(cache)
    before = cache.select(torch.arange(2))
    own = torch.full((2, HEADS, 1, TOKENS, E), 7.0)
    for layer in range(LAYERS):
        cache.same_frame().write(layer, own, own)
    for now, then in ((cache.keys_LBHNE, before.keys_LBHNE), (cache.values_LBHNE, before.values_LBHNE)):
        assert (then[..., -TOKENS:, :] == OWN).all() and (now[..., -TOKENS:, :] == 7).all()
        assert torch.equal(now[..., :-TOKENS, :], then[..., :-TOKENS, :])


def test_slots_of_different_ages_keep_their_own_frames():
    cache, fresh = made(2), made(1)
    for _ in range(5):
        write(cache)
    cache.assign(torch.tensor([1]), fresh)
    for t in range(8):
        write(cache, [[SINKS + t // 4, -1], [1 if t > WINDOW else -1, -1]])
    assert cache.count_B.tolist() == [13, 8]
    alone = made(1)
    for t in range(8):
        write(alone, [[1 if t > WINDOW else -1, -1]])
    taken = cache.select(torch.tensor([1]))
    for ours, theirs in ((taken, alone), (taken.archive, alone.archive)):
        torch.testing.assert_close(ours.keys_LBHNE, theirs.keys_LBHNE)
        torch.testing.assert_close(ours.values_LBHNE, theirs.values_LBHNE)
    assert torch.equal(taken.same_frame().mask_B11N, alone.same_frame().mask_B11N)
    before = cache.archive.keys_LBHNE.clone()
    write(taken, [[2, -1]])
    assert torch.equal(cache.archive.keys_LBHNE, before)
