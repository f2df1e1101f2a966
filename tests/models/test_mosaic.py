"""Mosaics: what left the picture comes back from where it was, the least worn first, for streams as for clips."""

import pytest
import torch

from worldsim.models.cache import RingCache
from worldsim.models.mosaic import Mosaic, clip_mosaics, clip_paths, clip_wear
from worldsim.models.motion import Steps

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


def steps_of(homography: torch.Tensor, worn: torch.Tensor, acted: torch.Tensor | None = None) -> Steps:
    return Steps(homography, worn, torch.zeros_like(worn) if acted is None else acted, None, torch.zeros_like(worn))


def mosaic_of(
    frames: torch.Tensor, steps: Steps, window: int = WINDOW, own: torch.Tensor | None = None
) -> torch.Tensor:
    paths, wear = clip_paths(steps.homography_BT33, window), clip_wear(steps, window, own)
    return mosaic_alone(clip_mosaics(frames, paths, wear, window))


def mosaic_alone(seen: torch.Tensor) -> torch.Tensor:
    """Without the frame before, which comes first."""
    return seen[..., seen.shape[-3] // 2 :, :, :]


def mosaics(turns: list[float], window: int = WINDOW, worn: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Of a camera that turns; every step wears, unless told otherwise."""
    frames, steps = panorama(turns), torch.stack([turn(across) for across in turns])[None]
    return frames, mosaic_of(frames[:, :-1], steps_of(steps, torch.full((1, len(turns)), worn)), window)[0]


def test_what_left_the_picture_comes_back():
    """Away by a whole frame in two steps and back in two: all of the last frame was seen in the first."""
    frames, seen = mosaics([1.0, 1.0, -1.0, -1.0])
    assert torch.allclose(seen[-1, :-1], frames[0, -1], atol=1e-4)
    half = SIDE // 2  # the left half was last seen four frames ago, the right half in the frame before
    assert torch.allclose(seen[-1, -1, :, half:], torch.full((SIDE, half), 1 / 2))
    assert torch.allclose(seen[-1, -1, :, :half], torch.full((SIDE, half), 1 / 5))


def test_the_frame_before_stands_beside_it_as_it_is_now():
    """Half a frame to the right: its right half, and its edge."""
    frames, homography = panorama([1.0, 1.0]), turn(1.0).expand(1, 2, 3, 3)
    steps = steps_of(homography, torch.ones(1, 2))
    seen = clip_mosaics(frames[:, :-1], clip_paths(homography, WINDOW), clip_wear(steps, WINDOW), WINDOW)[0, -1]
    half = SIDE // 2
    assert torch.allclose(seen[:3, :, :half], frames[0, 1, :, :, half:], atol=1e-5)
    assert torch.allclose(seen[:3, :, half:], frames[0, 1, :, :, -1:].expand(-1, -1, half), atol=1e-5)
    assert torch.equal(seen[3, 0], torch.tensor([1 / 2] * half + [0.0] * half))  # one step old, and not in it


def test_what_the_frame_before_does_not_show_is_taken_from_the_mosaic():
    frames, homography = panorama([1.0, 1.0, -1.0]), torch.stack([turn(t) for t in (1.0, 1.0, -1.0)])[None]
    steps = steps_of(homography, torch.ones(1, 3))
    seen = clip_mosaics(frames[:, :-1], clip_paths(homography, WINDOW), clip_wear(steps, WINDOW), WINDOW)[0, -1]
    assert torch.allclose(seen[:4], seen[4:], atol=1e-5)
    assert torch.allclose(seen[:3], frames[0, -1], atol=1e-4)


def test_a_frame_before_that_was_drawn_is_told_from_a_real_one():
    frames, homography, own = panorama([0.0, 0.0]), turn(0.0).expand(1, 2, 3, 3), torch.tensor([[0.0, 1.0]])
    steps = steps_of(homography, torch.zeros(1, 2))
    paths, wear = clip_paths(homography, WINDOW), clip_wear(steps, WINDOW, own)
    seen = clip_mosaics(frames[:, :-1], paths, wear, WINDOW)[0]
    assert seen[0, 3].unique().tolist() == [1] and seen[1, 3].unique().tolist() == [1 / 4]
    assert seen[1, -1].unique().tolist() == [1]  # the mosaic has the real one


def test_what_was_never_seen_is_the_edge_and_says_so():
    frames, seen = mosaics([1.0])
    half = SIDE // 2
    assert torch.equal(seen[0, -1, :, half:], torch.zeros(SIDE, half))
    assert torch.allclose(seen[0, :-1, :, half:], frames[0, 0, :, :, -1:].expand(-1, -1, half), atol=1e-5)


def test_what_left_the_window_is_not_known():
    _, seen = mosaics([1.0, 1.0, -1.0, -1.0], window=3)
    assert seen[-1, -1, :, : SIDE // 2].max() == 0


def which_frame(
    turns: list[float], worn: list[float], own: list[float] | None = None, acted: list[float] | None = None
) -> float:
    """The number of the frame that the middle of the next one is taken from."""
    steps = torch.stack([turn(across) for across in turns])[None]
    numbers = torch.arange(float(len(turns)))[None, :, None, None, None].expand(1, -1, 1, SIDE, SIDE)
    drawn, done = (None if each is None else torch.tensor([each]) for each in (own, acted))
    seen = mosaic_of(numbers, steps_of(steps, torch.tensor([worn]), done), own=drawn)
    return float(seen[0, -1, 0, SIDE // 2, SIDE // 2])


def test_a_place_is_taken_from_the_newest_frame_while_every_step_wears():
    assert which_frame([0.0, 0.0, 0.0], [1.0, 1.0, 1.0]) == pytest.approx(2, abs=1e-5)


def test_a_place_is_taken_from_the_oldest_frame_since_the_last_step_that_wore():
    assert which_frame([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]) == pytest.approx(0, abs=1e-5)
    assert which_frame([0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]) == pytest.approx(2, abs=1e-5)


def test_a_frame_in_which_the_place_was_where_it_is_comes_before_one_that_has_to_be_moved():
    """Away and back and on: of what was seen twice, the frame of the same view; and the oldest of those."""
    assert which_frame([0.25, -0.25, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0]) == pytest.approx(1, abs=1e-5)


def test_a_real_frame_comes_before_a_drawn_one_until_it_is_much_more_worn():
    """Frames 2 and 3 are drawn; frame 1 is the last real one, two steps old, or worn by more than drawing does."""
    drawn = [0.0, 0.0, 1.0, 1.0]
    assert which_frame([0.0] * 4, [1.0, 1.0, 1.0, 0.0]) == pytest.approx(3, abs=1e-5)
    assert which_frame([0.0] * 4, [1.0, 1.0, 1.0, 0.0], drawn) == pytest.approx(1, abs=1e-5)
    assert which_frame([0.0] * 4, [1.0, 4.0, 1.0, 0.0], drawn) == pytest.approx(3, abs=1e-5)


def test_a_real_frame_that_has_to_be_moved_comes_before_a_drawn_one_that_has_not():
    assert which_frame([0.25, 0.0], [0.0, 0.0]) == pytest.approx(1, abs=1e-5)
    assert which_frame([0.25, 0.0], [0.0, 0.0], [0.0, 1.0]) == pytest.approx(0, abs=1e-5)


def test_what_is_done_to_the_world_is_not_undone_by_the_real_frames_before_it():
    """Something is done after the real frame 1; in 2 and 3, which are drawn, it is there."""
    drawn, done = [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 0.0]
    assert which_frame([0.0] * 4, [0.0, 1.0, 0.0, 0.0], drawn) == pytest.approx(0, abs=1e-5)
    assert which_frame([0.0] * 4, [0.0, 1.0, 0.0, 0.0], drawn, done) == pytest.approx(2, abs=1e-5)
    assert which_frame([0.0] * 4, [0.0, 1.0, 0.0, 0.0], drawn, [1.0, 0.0, 0.0, 0.0]) == pytest.approx(1, abs=1e-5)


def test_what_only_turns_does_not_age():
    """Away and back without a step that wears: all is as new as the frame before."""
    frames, seen = mosaics([1.0, 1.0, -1.0, -1.0], worn=0.0)
    assert torch.allclose(seen[-1, :-1], frames[0, -1], atol=1e-4)
    assert torch.equal(seen[-1, -1], torch.ones(SIDE, SIDE))


def test_nothing_behind_the_camera_is_seen():
    """A turn by 180 degrees: lines through the picture point both ways, and only one of them is in front."""
    half_turn = torch.diag(torch.tensor([-1.0, 1.0, -1.0]))
    frames = panorama([0.0])
    seen = mosaic_of(frames[:, :1], steps_of(half_turn[None, None], torch.ones(1, 1)))
    assert seen[0, 0, -1].max() == 0


def test_streams_see_what_clips_see():
    """One after another, slots at different times, and a beginning at once."""
    torch.manual_seed(1)
    T = 3 * WINDOW
    frames = torch.randn(2, T, 3, SIDE, SIDE)
    homography = torch.eye(3) + 0.1 * torch.randn(2, T, 3, 3)
    worn, own, acted = ((torch.rand(2, T) < share).float() for share in (0.4, 0.3, 0.2))
    own[:, :10] = 0
    whole = mosaic_of(frames, steps_of(homography, worn, acted), own=own)

    def steps(first: int, last: int) -> Steps:
        return steps_of(*(each[:, first:last] for each in (homography, worn, acted)))

    stream = Mosaic.empty(2, 3, SIDE, SIDE, WINDOW, WINDOW, frames.device)
    for t in range(T):
        time = torch.tensor([t, t])
        now = mosaic_alone(stream.add(frames[:, t], time, steps(t, t + 1), own[:, t]))
        assert torch.allclose(now, whole[:, t], atol=1e-4)
    begun = Mosaic.empty(2, 3, SIDE, SIDE, WINDOW, WINDOW, frames.device)
    assert torch.allclose(mosaic_alone(begun.fill(frames[:, :10], steps(0, 10))), whole[:, :10], atol=1e-4)
    for t in range(10, T):
        now = mosaic_alone(begun.add(frames[:, t], torch.tensor([t, t]), steps(t, t + 1), own[:, t]))
        assert torch.allclose(now, whole[:, t], atol=1e-4)


def test_a_longer_memory_shows_older_places_as_if_they_were_the_oldest_of_training():
    """Twice the window: a place that left the window is there, and how new it is stays within what was learned."""
    frames, turns = panorama([1.0, 1.0, -1.0, -1.0]), torch.stack([turn(t) for t in (1.0, 1.0, -1.0, -1.0)])
    memory = Mosaic.empty(1, 3, SIDE, SIDE, 6, 3, frames.device)
    for t in range(4):
        now = steps_of(turns[None, t : t + 1], torch.ones(1, 1))
        seen = mosaic_alone(memory.add(frames[:, t], torch.tensor([t]), now))
    assert torch.allclose(seen[0, :-1], frames[0, -1], atol=1e-4)
    assert torch.allclose(seen[0, -1, :, : SIDE // 2], torch.full((SIDE, SIDE // 2), 1 / 4))


def test_a_memory_of_many_frames_finds_what_a_short_one_does():
    """Its cells choose from a few frames; those show a turn away and back as well as all of them do."""
    turns = [0.5] * 6 + [-0.5] * 6
    frames, steps = panorama(turns), torch.stack([turn(t) for t in turns])
    shown = {}
    for room in (20, 200):
        memory = Mosaic.empty(1, 3, SIDE, SIDE, room, WINDOW, frames.device)
        for t in range(len(turns)):
            now = steps_of(steps[None, t : t + 1], torch.zeros(1, 1))
            shown[room] = mosaic_alone(memory.add(frames[:, t], torch.tensor([t]), now))
        begun = Mosaic.empty(1, 3, SIDE, SIDE, room, WINDOW, frames.device)
        seen = mosaic_alone(begun.fill(frames[:, :-1], steps_of(steps[None], torch.zeros(1, len(turns)))))
        assert torch.allclose(seen[:, -1], shown[room], atol=1e-3)
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
