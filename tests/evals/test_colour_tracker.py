"""The colour tracker, learned and tried on real frames of the arena with the game's own word for what is where."""

import numpy as np
import pytest

from envs.voxel.env import VoxelEnv
from evals.instruments.colour_tracker import ColourTracker


@pytest.fixture(scope="module")
def seen():
    """Frames (N, H, W, 3) of turning about in an arena, their ids (N, H, W), and the id that is seen most."""
    env = VoxelEnv("arena")
    frame, _ = env.reset(seed=5)
    noop = {name: 0 for name in env.action_space if name != "camera"}
    frames, ids = [], []
    for _ in range(72):
        frame, *_ = env.step({**noop, "camera": np.array([0, 5], np.float32)})
        frames.append(frame.copy())
        ids.append(env.ground_truth().instance_ids)
    ids = np.stack(ids)
    numbers, counts = np.unique(ids[ids > 0], return_counts=True)
    return np.stack(frames), ids, int(numbers[counts.argmax()])


def test_it_finds_in_other_frames_what_it_learned(seen):
    frames, ids, number = seen
    masks = ids == number
    tracker = ColourTracker.learn(frames[::2], masks[::2])
    assert tracker.iou(frames[1::2], masks[1::2]) > 0.8
    shown = [t for t in range(1, 72, 2) if masks[t].sum() > 100]
    assert len(shown) > 3
    for t in shown:
        largest = tracker.blobs(frames[t])[0]
        row, column = np.argwhere(masks[t]).mean(0)
        assert np.hypot(largest.row - row, largest.column - column) < 3


def test_it_sees_two_of_them_one_of_another_colour_and_none(seen):
    frames, ids, number = seen
    masks = ids == number
    tracker = ColourTracker.learn(frames, masks)
    ground = np.full((64, 64, 3), 128, np.uint8)
    colour = np.median(frames[masks], axis=0).astype(np.uint8)
    assert tracker.mask(colour[None, None]).all()
    picture = ground.copy()
    picture[10:20, 5:15] = picture[40:48, 30:40] = colour
    assert [blob.pixels for blob in tracker.blobs(picture)] == [100, 80]
    assert tracker.blobs(picture)[1][1:] == (43.5, 34.5)
    picture[10:20, 5:15] = colour[::-1] // 2
    assert len(tracker.blobs(picture)) == 1
    assert tracker.blobs(ground) == []
    assert np.isnan(tracker.iou(frames, np.zeros_like(masks)))
