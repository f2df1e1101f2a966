"""Every task as a plan: which frames are given, in which order, with which actions."""

import numpy as np
import pytest

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.generate.tasks import TASKS, Clip, Request, choose_causal, find_task

SIZE = (16, 24)


def clip(value: int, frames: int, actions: bool = False, size=SIZE, name="the clip") -> Clip:
    rows = np.full((frames - 1, 2), value, np.float32) if actions else None
    return Clip(np.full((frames, *size, 3), value, np.uint8), rows, name)


def plan_of(task: str, frames: int = 3, **given):
    return TASKS[task].plan(Request(frames, SIZE, **given))


@pytest.mark.parametrize(
    ("task", "given", "expected"),
    [
        ("text", {}, "111"),
        ("image", {}, "1"),
        ("still", {"image": clip(7, 1)}, "0111"),
        ("extend", {"video": clip(7, 2)}, "00111"),
        ("prepend", {"video": clip(7, 2)}, "11100"),
        ("endings", {"end": clip(7, 2)}, "11100"),
        ("endings", {"video": clip(5, 1), "end": clip(7, 2)}, "011100"),
        ("loop", {}, "111"),
        ("loop", {"video": clip(7, 2)}, "00111"),
        ("connect", {"video": clip(5, 2), "end": clip(7, 2)}, "0011100"),
        ("long", {"image": clip(7, 1)}, "0111"),
    ],
)
def test_what_is_given_and_what_is_made(task, given, expected):
    plan = plan_of(task, **given)
    assert "".join(f"{level:g}" for level in plan.start_level_T) == expected
    assert plan.loop == (task == "loop")
    assert plan.causal == (task == "long")
    shown = np.concatenate([one.frames for key in ("image", "video", "end") if (one := given.get(key))] or [[]])
    assert np.array_equal(plan.frames_THW3[plan.given_T].ravel(), shown.ravel())


def test_an_edit_renoises_every_frame_to_its_strength():
    plan = plan_of("edit", video=clip(7, 3), strength=0.6)
    assert plan.start_level_T.tolist() == pytest.approx([0.6] * 3)
    assert plan_of("edit", video=clip(7, 3), strength=0.0).given_T.all()
    for strength in (-0.1, 1.2, float("nan")):
        with pytest.raises(WorldsimError, match=f"strength={strength:g} has to be from 0 .* to 1"):
            plan_of("edit", video=clip(7, 3), strength=strength)


def test_known_actions_stay_where_they_were():
    plan = plan_of("connect", frames=1, video=clip(5, 2, True), end=clip(7, 3, True))
    assert plan.actions_SA[:, 0].tolist()[0] == 5
    assert np.isnan(plan.actions_SA[1:3]).all()  # to and from the made frame
    assert plan.actions_SA[3:, 0].tolist() == [7, 7]
    assert plan_of("extend", video=clip(5, 2)).actions_SA is None


def test_a_clip_of_another_size_is_refused_with_both_sizes():
    end = clip(7, 2, size=(16, 16), name="end=b.mp4")
    with pytest.raises(WorldsimError, match=r"end=b.mp4 is 16x16 .*, the video 16x24.*resize=true"):
        plan_of("connect", video=clip(5, 2), end=end)


def test_clips_of_two_games_are_refused():
    other = Clip(clip(7, 2).frames, np.zeros((1, 5), np.float32))
    with pytest.raises(WorldsimError, match=r"channels; they are of different games"):
        plan_of("connect", video=clip(5, 2, True), end=other)


def test_no_frame_to_make_is_refused():
    with pytest.raises(WorldsimError, match="frames=0"):
        plan_of("text", frames=0)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("extent", set(), "Did you mean 'extend'"),
        ("still", {"frames"}, r"task=still .* needs image="),
        ("connect", {"video"}, r"task=connect .* needs end="),
        ("text", {"video"}, r"task=text .* has no use for video=; it takes frames="),
        ("image", {"frames"}, r"has no use for frames=; it takes a prompt alone"),
        ("extend", {"video", "strength"}, r"has no use for strength="),
        ("long", {"video", "image"}, "not with both"),
    ],
)
def test_what_does_not_fit_a_task_is_said(name, given, message):
    with pytest.raises((WorldsimError, UnknownNameError), match=message):
        find_task(name, given)


def test_frame_by_frame_or_all_at_once():
    assert choose_causal("long", None)
    assert not choose_causal("text", None)
    assert choose_causal("extend", True)
    with pytest.raises(WorldsimError, match="task=prepend is made all at once; causal=true is for text, still, extend"):
        choose_causal("prepend", True)
    with pytest.raises(WorldsimError, match="task=long is made frame by frame; causal=false is for text"):
        choose_causal("long", False)
