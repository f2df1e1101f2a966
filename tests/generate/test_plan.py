"""The plan: what it accepts, which steps an action is open for, and what is told of it."""

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.core.records import content_hash, to_plain
from worldsim.generate.plan import VideoPlan

PIXELS = np.arange(4 * 8 * 8 * 3, dtype=np.uint64).astype(np.uint8).reshape(4, 8, 8, 3)


def plan(*levels: float, **more) -> VideoPlan:
    return VideoPlan(np.array(levels, np.float32), PIXELS[: len(levels)], **more)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plan(), "0 frames"),
        (lambda: plan(0, 1.5), "noise level 1.5"),
        (lambda: plan(0, float("nan")), "noise level nan"),
        (lambda: plan(0, 1, actions_SA=np.zeros((2, 3), np.float32)), "2 frames have 1 actions between them; 2 were"),
        (lambda: plan(0, 1, causal=True, loop=True), "a loop cannot be made frame by frame"),
        (lambda: plan(1, 0, causal=True), "has to come first"),
        (lambda: plan(0.5, 0.5, causal=True), "has to come first"),
        (lambda: plan(0, 1, 1).with_actions(np.zeros((3, 2))), "3 actions were given; this video has 2 steps"),
    ],
)
def test_what_no_plan_can_be_is_said(make, message):
    with pytest.raises(WorldsimError, match=message):
        make()


def test_actions_are_open_from_and_to_made_frames():
    assert plan(0, 0, 1, 1).open_S.tolist() == [False, True, True]
    assert plan(1, 0, 0, 1).open_S.tolist() == [True, False, True]
    assert plan(0, 0, 1, 1, loop=True).open_S.tolist() == [False, True, True, True]  # the last leads to the first


def test_actions_fill_the_open_steps_and_keep_the_known_ones():
    known = np.array([[5, 5], [np.nan, np.nan], [np.nan, np.nan]], np.float32)
    filled = plan(0, 0, 1, 1, actions_SA=known).with_actions(np.array([[1, 2], [3, 4]]))
    assert filled.actions_SA.tolist() == [[5, 5], [1, 2], [3, 4]]
    repeated = plan(0, 1, 1).with_actions(np.array([7.0, 8.0]))
    assert repeated.actions_SA.tolist() == [[7, 8], [7, 8]]


def test_a_plan_tells_itself_from_another():
    told = to_plain(plan(0, 0, 1, 1).describe())
    assert told["start_levels"] == [[2, 0.0], [2, 1.0]]
    assert (told["frames"], told["height"], told["width"]) == (4, 8, 8)
    assert content_hash(told) == content_hash(to_plain(plan(0, 0, 1, 1).describe()))
    assert content_hash(told) != content_hash(to_plain(plan(0, 1, 1, 1).describe()))
    assert plan(1, 1).describe()["given_hash"] is None
