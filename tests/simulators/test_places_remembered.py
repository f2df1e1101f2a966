"""The shipped voxel-32x looks away from a real place and back: what left the picture is there again."""

import gymnasium
import numpy as np

from worldsim.core.types import Context
from worldsim.simulators import load
from worldsim.simulators.recall import MemoryConfig

TURN_DEG, SEEDS = 10.0, (31, 32, 33, 34)


def looked_back(steps_away: int, still: int = 0, memory: MemoryConfig | None = None) -> np.ndarray:
    """PSNR of each seed's dream beside the game, once the camera is back where the only given frame was taken."""
    simulator = load("voxel-32x", precision="float32", memory=memory)
    right, rest, left = (simulator.codec.vector(camera_yaw_right_deg=deg) for deg in (TURN_DEG, 0.0, -TURN_DEG))
    actions = [right] * steps_away + [rest] * still + [left] * steps_away
    games = [gymnasium.make("voxel/arena") for _ in SEEDS]
    starts = [game.reset(seed=seed)[0] for game, seed in zip(games, SEEDS, strict=True)]
    contexts = [Context(start[None], np.zeros((0, len(simulator.codec)), np.float32)) for start in starts]
    state = simulator.reset(contexts, [""] * len(SEEDS), list(SEEDS))
    for action in actions:
        state, prediction = simulator.step(state, np.stack([action] * len(SEEDS)))
        real = [game.step(simulator.codec.decode(action))[0] for game in games]
    for game in games:
        game.close()
    error = ((prediction.frames.astype(float) - np.stack(real)) ** 2).mean((1, 2, 3))
    return 10 * np.log10(255**2 / error)


def test_what_left_the_picture_comes_back():
    assert looked_back(10).mean() > 25  # 29.8; 15.9 where it left the window, as below


def test_memory_brings_back_what_left_the_window():
    """100 degrees away for longer than the window of 40 frames."""
    forgot, remembered = looked_back(10, still=40, memory=MemoryConfig(mosaic=0)), looked_back(10, still=40)
    assert remembered.mean() > forgot.mean() + 6


def test_a_dream_that_stands_still_does_not_fade():
    """34 dB from the tenth frame on, where mosaics of the newest frames had faded to 16 after 110."""
    assert looked_back(0, still=60).mean() > 28
