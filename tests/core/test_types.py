"""The one rule about time: action t leads from frame t to frame t+1."""

from __future__ import annotations

import numpy as np
import pytest

from worldsim.core.types import Episode


def episode(frames: int, actions: int, rewards: int) -> Episode:
    return Episode(
        np.zeros((frames, 4, 4, 3), np.uint8),
        np.zeros((actions, 2), np.float32),
        np.zeros(rewards, np.float32),
        False,
        True,
        "voxel/arena",
        0,
        20.0,
    )


def test_an_episode_has_one_frame_more_than_actions():
    assert len(episode(4, 3, 3).frames) == 4
    with pytest.raises(AssertionError, match="3 frames for 3 actions; expected 4"):
        episode(3, 3, 3)
    with pytest.raises(AssertionError, match="4 rewards for 3 actions"):
        episode(4, 3, 4)
