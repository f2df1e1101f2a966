"""Every task on the shipped checkpoint: it is done, and a generator that ignored it would be found out.

Clips are of held-out scenes. Each check is also given what a generator would make that ignores the task, and has to
refuse it.
"""

from dataclasses import replace
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch
from real_clips import scene_clip
from task_checks import (
    brightness,
    differences,
    greenness,
    is_seamless,
    junctions_match,
    keeps,
    layout_likeness,
    shifts_right_px,
    warmth,
)

from worldsim.core.actions import CAMERA_CHANNELS
from worldsim.core.seeding import game_seed
from worldsim.generate.generator import load_generator
from worldsim.generate.sampler import SamplerConfig
from worldsim.generate.tasks import TASKS, Clip, Request, join

NAME = "voxel-text"
SIZE = (64, 64)
CLIPS = 4  # of each check
EACH = 2  # of those that every clip has to pass
TURN_DEG = 5.0  # a step
MAKE, BEFORE = 8, 5  # frames after what is given, and before it


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return load_generator(NAME, SamplerConfig(steps=4, guidance=2.0, action_guidance=1.5))


@cache
def clip(index: int, steps: int, yaw_right_deg: float = 0.0, **options) -> Clip:
    """A held-out clip in which the camera turns."""
    yaw = {CAMERA_CHANNELS[1]: yaw_right_deg}
    return scene_clip(game_seed(77, "test", index), steps, SIZE, options, **yaw)


def turning(steps: int, yaw_right_deg: float) -> list[Clip]:
    """Clips in whose real frames the instrument sees the turn; of a bare plain or a dark sky it cannot."""
    found = (clip(i, steps, yaw_right_deg) for i in range(3 * CLIPS))
    seen = (one for one in found if (np.sign(shifts_right_px(one.frames)) == -np.sign(yaw_right_deg)).all())
    return list(islice(seen, CLIPS))


def make(generator, plans, prompts=None, seeds=None) -> list[np.ndarray]:
    return generator.generate(plans, prompts or [""] * len(plans), seeds or list(range(len(plans))))


def cut(source: Clip, first: int, after: int) -> Clip:
    return Clip(source.frames[first:after], source.actions[first : after - 1])


# -- what is given is kept --------------------------------------------------------------------------------------------


def test_given_frames_are_kept_wherever_they_are(generator):
    turns = [clip(i, 4, TURN_DEG) for i in range(EACH)]
    shapes = {
        "still": (lambda one: (cut(one, 0, 1), MAKE), lambda video: video[:1], slice(0, 1)),
        "extend": (lambda one: (one, MAKE), lambda video: video[:5], slice(0, 5)),
        "prepend": (lambda one: (MAKE, one), lambda video: video[-5:], slice(0, 5)),
    }
    for parts, shown, where in shapes.values():
        videos = make(generator, [join(*parts(one), size=SIZE) for one in turns])
        for video, one in zip(videos, turns, strict=True):
            given = one.frames[where]
            assert keeps(shown(video), given, generator.reconstruct(given))
    ignored = make(generator, [join(5 + MAKE, size=SIZE) for _ in turns])
    for video, one in zip(ignored, turns, strict=True):
        assert not keeps(video[:5], one.frames, generator.reconstruct(one.frames))


def test_frame_by_frame_keeps_them_too_and_goes_on_smoothly(generator):
    turns = [clip(i, 4, TURN_DEG) for i in range(EACH)]
    plans = [join(one, MAKE, size=SIZE, causal=True).with_actions(one.actions[0]) for one in turns]
    for video, one in zip(make(generator, plans), turns, strict=True):
        assert keeps(video[:5], one.frames, generator.reconstruct(one.frames))
        assert junctions_match(video, [4], [one.frames])


# -- motion -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("yaw_right_deg", [-TURN_DEG, TURN_DEG])
def test_a_still_comes_to_life_as_the_player_turns(generator, monkeypatch, yaw_right_deg, causal):
    # On validation scenes .93 of the steps turn the right way, with 1.5 it is .89.
    monkeypatch.setattr(generator, "config", replace(generator.config, action_guidance=2.0))
    stills = turning(MAKE, yaw_right_deg)
    plans = [join(cut(one, 0, 1), MAKE, size=SIZE, causal=causal).with_actions(one.actions[0]) for one in stills]
    shifts = np.array([shifts_right_px(video) for video in make(generator, plans)])
    assert np.mean(np.sign(shifts) == -np.sign(yaw_right_deg)) >= 0.8
    frozen = np.array([shifts_right_px(np.repeat(one.frames[:1], MAKE, 0)) for one in stills])
    assert np.mean(np.sign(frozen) == -np.sign(yaw_right_deg)) < 0.8


@pytest.mark.parametrize("yaw_right_deg", [-TURN_DEG, TURN_DEG])
def test_what_came_before_moves_as_the_real_frames_before_do(generator, yaw_right_deg):
    reals = turning(BEFORE + 3, yaw_right_deg)
    plans = [join(BEFORE, cut(one, BEFORE, BEFORE + 4), size=SIZE).with_actions(one.actions[0]) for one in reals]
    videos = make(generator, plans)
    real = np.median([shifts_right_px(one.frames[: BEFORE + 1]) for one in reals])
    made = np.array([shifts_right_px(video[: BEFORE + 1]) for video in videos])
    assert np.mean(np.sign(made.sum(1)) == np.sign(real)) >= 0.75
    assert 0.5 < np.median(made) / real < 1.6
    backwards = np.array([shifts_right_px(video[BEFORE::-1]) for video in videos])
    assert np.mean(np.sign(backwards.sum(1)) == np.sign(real)) < 0.25
    for video, one in zip(videos, reals, strict=True):
        assert junctions_match(video, [BEFORE - 1], [one.frames])


# -- both ends --------------------------------------------------------------------------------------------------------


def test_a_connection_meets_both_its_ends(generator):
    reals = [clip(i, 15, 3.0) for i in range(CLIPS)]
    firsts, seconds = [cut(one, 0, 4) for one in reals], [cut(one, 12, 16) for one in reals]
    videos = make(generator, [join(a, 8, b, size=SIZE) for a, b in zip(firsts, seconds, strict=True)])
    ignored = make(generator, [join(a, 8, size=SIZE) for a in firsts])
    met = 0
    for video, half, one, a, b in zip(videos, ignored, reals, firsts, seconds, strict=True):
        assert keeps(video[:4], a.frames, generator.reconstruct(a.frames))
        assert keeps(video[-4:], b.frames, generator.reconstruct(b.frames))
        assert junctions_match(video, [3, 11], [one.frames])
        met += junctions_match(np.concatenate([half, b.frames]), [11], [one.frames])
    assert met < CLIPS  # who does not know the end seldom meets it


def test_several_beginnings_meet_in_one_ending(generator):
    ending = clip(1, 3, TURN_DEG)
    plan = join(10, ending, size=SIZE)
    videos = make(generator, [plan] * 3, seeds=[1, 2, 3])
    for video in videos:
        assert keeps(video[-4:], ending.frames, generator.reconstruct(ending.frames))
        assert junctions_match(video, [9], [ending.frames])
    starts = [video[0].astype(float) for video in videos]
    apart = min(np.abs(a - b).mean() for i, a in enumerate(starts) for b in starts[:i])
    assert apart > 0.5 * differences(ending.frames).max()
    same = make(generator, [plan] * 2, seeds=[1, 1])
    assert np.abs(same[0][0].astype(float) - same[1][0]).mean() < 0.1 * apart


def test_a_loop_has_no_seam(generator):
    starts = [clip(i, 3, TURN_DEG) for i in range(CLIPS)]
    loops = make(generator, [TASKS["loop"].plan(Request(12, SIZE, video=one)) for one in starts])
    for video, one in zip(loops, starts, strict=True):
        assert keeps(video[:4], one.frames, generator.reconstruct(one.frames))
    assert np.mean([is_seamless(video) for video in loops]) >= 0.75
    ignored = make(generator, [join(one, 12, size=SIZE).with_actions(one.actions[0]) for one in starts])
    assert np.mean([is_seamless(video) for video in ignored]) < 0.5


# -- words ------------------------------------------------------------------------------------------------------------


def test_an_edit_changes_what_the_prompt_says_and_keeps_the_layout(generator, monkeypatch):
    monkeypatch.setattr(generator, "config", replace(generator.config, guidance=5.0))
    days = [clip(i, 7, time="day", biome="meadow", colour="red", shape="cube") for i in range(CLIPS)]
    words = "a meadow {} with a red cube"
    plans = [TASKS["edit"].plan(Request(0, SIZE, strength=0.7, video=one)) for one in days]
    nights = make(generator, plans, [words.format("at night")] * CLIPS)
    same = make(generator, plans, [words.format("by day")] * CLIPS)
    for night, day, one in zip(nights, same, days, strict=True):
        assert brightness(night) < 0.95 * brightness(day)
        assert brightness(day) > 0.8 * brightness(one.frames)
    assert np.mean([brightness(night) / brightness(day) for night, day in zip(nights, same, strict=True)]) < 0.85
    assert np.mean(_nearer_to_own(nights, days)) > 0.1
    anew = make(generator, [join(8, size=SIZE)] * CLIPS, [words.format("at night")] * CLIPS)
    assert np.mean(_nearer_to_own(anew, days)) < 0.1


def _nearer_to_own(videos: list[np.ndarray], sources: list[Clip]) -> list[float]:
    """By how much each video's layout is more like that of its own source than like that of the next one's."""
    return [
        layout_likeness(video, one.frames) - layout_likeness(video, other.frames)
        for video, one, other in zip(videos, sources, [*sources[1:], sources[0]], strict=True)
    ]


@pytest.mark.parametrize("frames", [1, 8])
def test_pictures_and_videos_show_what_the_prompt_says(generator, frames):
    def shown(prompt: str) -> np.ndarray:
        return np.stack(make(generator, [join(frames, size=SIZE)] * CLIPS, [prompt] * CLIPS))

    day, night = shown("a meadow by day"), shown("a meadow at night")
    assert brightness(night) < 0.6 * brightness(day)
    desert, snow = shown("a desert by day"), shown("a snowy plain by day")
    lawns = [greenness(video) for video in day]
    assert min(lawns) > max(greenness(video) for video in (*desert, *snow))
    assert min(map(warmth, desert)) > max(map(warmth, snow))


# -- long and of any size ---------------------------------------------------------------------------------------------


def test_a_long_video_keeps_its_memory_and_its_motion(generator):
    start = clip(2, 0)
    plan = join(start, 200, size=SIZE, causal=True).with_actions(np.tile(_back_and_forth(start), (20, 1)))
    state_numbers = []
    step = generator.simulator.step

    def measured(state, actions):
        new, prediction = step(state, actions)
        state_numbers.append(new.cache.keys_LBHNE.numel() + new.newest_BChw.numel())
        return new, prediction

    generator.simulator.step = measured
    try:
        (video,) = make(generator, [plan])
    finally:
        del generator.simulator.step
    assert len(video) == 201
    assert len(set(state_numbers)) == 1
    assert differences(video[-40:]).mean() > 0.3 * differences(video[:40]).mean()  # neither frozen ...
    assert 0.5 < brightness(video[-20:]) / brightness(video[:20]) < 2  # ... nor gone grey


def _back_and_forth(start: Clip) -> np.ndarray:
    from worldsim.simulators.checkpoints import find_checkpoint

    codec = find_checkpoint(NAME).codec
    rows = [codec.vector(**{CAMERA_CHANNELS[1]: yaw}) for yaw in (TURN_DEG, -TURN_DEG)]
    return np.concatenate([np.tile(row, (5, 1)) for row in rows])


@pytest.mark.parametrize("size", [(64, 64), (96, 64), (64, 112), (128, 128)])
def test_one_checkpoint_makes_four_sizes(generator, size):
    (video,) = make(generator, [join(4, size=size)], ["a desert by day"])
    assert video.shape == (4, *size, 3)
    assert 60 < brightness(video) < 230
    assert video.std() > 15  # not one grey
