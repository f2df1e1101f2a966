"""Mosaics: what left the picture comes back from where it was, the least worn first, for streams as for clips."""

import pytest
import torch

from worldsim.models.cache import RingCache
from worldsim.models.mosaic import Mosaic, clip_mosaics, clip_paths, clip_wear

SIDE, WINDOW = 16, 6


def turn(across: float) -> torch.Tensor:
    """Places lie ``across`` halves of a side further to the right in the frame before."""
    homography = torch.eye(3)
    homography[0, 2] = across
    return homography


def panorama(turns: list[float]) -> torch.Tensor:
    """Frames (1, T, 3, h, w) cut from one wide picture by a camera that turns by so much of half a side each."""
    torch.manual_seed(0)
    wide = torch.randn(3, SIDE, 12 * SIDE)
    left, frames = 4 * SIDE, []
    for across in [0.0, *turns]:
        left += round(across * SIDE / 2)
        frames.append(wide[:, :, left : left + SIDE])
    return torch.stack(frames)[None]


def mosaic_of(frames: torch.Tensor, steps: torch.Tensor, worn: torch.Tensor, window: int = WINDOW) -> torch.Tensor:
    return clip_mosaics(frames, clip_paths(steps, window), clip_wear(worn, window), window)


def mosaics(turns: list[float], window: int = WINDOW, worn: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a camera that turns; every step wears, unless told otherwise."""
    frames, steps = panorama(turns), torch.stack([turn(across) for across in turns])[None]
    return frames, mosaic_of(frames[:, :-1], steps, torch.full((1, len(turns)), worn), window)[0]


def test_what_left_the_picture_comes_back():
    """Away by a whole frame in two steps and back in two: all of the last frame was seen in the first."""
    frames, seen = mosaics([1.0, 1.0, -1.0, -1.0])
    assert torch.allclose(seen[-1, :-1], frames[0, -1], atol=1e-4)
    half = SIDE // 2  # the left half was last seen four frames ago, the right half in the frame before
    assert torch.allclose(seen[-1, -1, :, half:], torch.ones(SIDE, half))
    assert torch.allclose(seen[-1, -1, :, :half], torch.full((SIDE, half), 1 / 4))


def test_what_was_never_seen_is_the_edge_and_says_so():
    frames, seen = mosaics([1.0])
    half = SIDE // 2
    assert torch.equal(seen[0, -1, :, half:], torch.zeros(SIDE, half))
    assert torch.allclose(seen[0, :-1, :, half:], frames[0, 0, :, :, -1:].expand(-1, -1, half), atol=1e-5)


def test_what_left_the_window_is_not_known():
    _, seen = mosaics([1.0, 1.0, -1.0, -1.0], window=3)
    assert seen[-1, -1, :, : SIDE // 2].max() == 0


def which_frame(turns: list[float], worn: list[float]) -> float:
    """The number of the frame that the middle of the next one is taken from."""
    steps = torch.stack([turn(across) for across in turns])[None]
    numbers = torch.arange(float(len(turns)))[None, :, None, None, None].expand(1, -1, 1, SIDE, SIDE)
    return float(mosaic_of(numbers, steps, torch.tensor([worn]))[0, -1, 0, SIDE // 2, SIDE // 2])


def test_a_place_is_taken_from_the_newest_frame_while_every_step_wears():
    assert which_frame([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]) == pytest.approx(2, abs=1e-5)


def test_a_place_is_taken_from_the_oldest_frame_since_the_last_step_that_wore():
    assert which_frame([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]) == pytest.approx(0, abs=1e-5)
    assert which_frame([0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]) == pytest.approx(2, abs=1e-5)


def test_a_frame_in_which_the_place_was_where_it_is_comes_before_one_that_has_to_be_moved():
    """Away and back and on: of what was seen twice, the frame of the same view; and the oldest of those."""
    assert which_frame([0.25, -0.25, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0]) == pytest.approx(1, abs=1e-5)


def test_what_only_turns_does_not_age():
    """Away and back without a step that wears: all is as new as the frame before."""
    frames, seen = mosaics([1.0, 1.0, -1.0, -1.0], worn=0.0)
    assert torch.allclose(seen[-1, :-1], frames[0, -1], atol=1e-4)
    assert torch.equal(seen[-1, -1], torch.ones(SIDE, SIDE))


def test_nothing_behind_the_camera_is_seen():
    """A turn by 180 degrees: lines through the picture point both ways, and only one of them is in front."""
    half_turn = torch.diag(torch.tensor([-1.0, 1.0, -1.0]))
    frames = panorama([0.0])
    seen = mosaic_of(frames[:, :1], half_turn[None, None], torch.ones(1, 1))
    assert seen[0, 0, -1].max() == 0


def test_streams_see_what_clips_see():
    """One after another, slots at different times, and a beginning at once."""
    torch.manual_seed(1)
    T = 3 * WINDOW
    frames = torch.randn(2, T, 3, SIDE, SIDE)
    steps = torch.eye(3) + 0.1 * torch.randn(2, T, 3, 3)
    worn = (torch.rand(2, T) < 0.4).float()
    whole = mosaic_of(frames, steps, worn)
    stream = Mosaic.empty(2, 3, SIDE, SIDE, WINDOW, WINDOW, frames.device)
    for t in range(T):
        time = torch.tensor([t, t])
        assert torch.allclose(stream.add(frames[:, t], time, steps[:, t], worn[:, t]), whole[:, t], atol=1e-4)
    begun = Mosaic.empty(2, 3, SIDE, SIDE, WINDOW, WINDOW, frames.device)
    assert torch.allclose(begun.fill(frames[:, :10], steps[:, :10], worn[:, :10]), whole[:, :10], atol=1e-4)
    for t in range(10, T):
        now = begun.add(frames[:, t], torch.tensor([t, t]), steps[:, t], worn[:, t])
        assert torch.allclose(now, whole[:, t], atol=1e-4)


def test_a_longer_memory_shows_older_places_as_if_they_were_the_oldest_of_training():
    """Twice the window: a place that left the window is there, and how new it is stays within what was learned."""
    frames, turns = panorama([1.0, 1.0, -1.0, -1.0]), torch.stack([turn(t) for t in (1.0, 1.0, -1.0, -1.0)])
    memory = Mosaic.empty(1, 3, SIDE, SIDE, 6, 3, frames.device)
    for t in range(4):
        seen = memory.add(frames[:, t], torch.tensor([t]), turns[None, t], torch.ones(1))
    assert torch.allclose(seen[0, :-1], frames[0, -1], atol=1e-4)
    assert torch.allclose(seen[0, -1, :, : SIDE // 2], torch.full((SIDE, SIDE // 2), 1 / 3))


def test_a_memory_of_many_frames_finds_what_a_short_one_does():
    """Its cells choose from a few frames; those show a turn away and back as well as all of them do."""
    turns = [0.5] * 6 + [-0.5] * 6
    frames, steps = panorama(turns), torch.stack([turn(t) for t in turns])
    shown = {}
    for room in (20, 200):
        memory = Mosaic.empty(1, 3, SIDE, SIDE, room, WINDOW, frames.device)
        for t in range(len(turns)):
            shown[room] = memory.add(frames[:, t], torch.tensor([t]), steps[None, t], torch.zeros(1))
        begun = Mosaic.empty(1, 3, SIDE, SIDE, room, WINDOW, frames.device)
        assert torch.allclose(
            begun.fill(frames[:, :-1], steps[None], torch.zeros(1, len(turns)))[:, -1], shown[room], atol=1e-3
        )
    assert torch.allclose(shown[200][:, :-1], frames[:, -1], atol=1e-4)
    assert torch.allclose(shown[20], shown[200], atol=1e-4)


def test_slots_of_a_cache_take_their_mosaics_along():
    cache = RingCache.empty(1, 3, 1, 4, WINDOW, 4)
    cache.mosaic = Mosaic.empty(3, 2, SIDE, SIDE, WINDOW, WINDOW, torch.device("cpu"))
    cache.mosaic.seen_BChw += torch.arange(3.0)[:, None, None, None]
    chosen = cache.select(torch.tensor([2, 0]))
    assert chosen.mosaic is not None
    assert chosen.mosaic.seen_BChw[:, 0, 0, 0].tolist() == [2, 0]
    chosen.mosaic.seen_BChw += 5
    cache.assign(torch.tensor([1, 2]), chosen)
    assert cache.mosaic.seen_BChw[:, 0, 0, 0].tolist() == [0, 7, 5]
