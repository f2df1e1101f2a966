"""The shipped physics world: what falls in the game falls in the dream, and as fast."""

import gymnasium
import numpy as np

from worldsim.core.types import Context
from worldsim.simulators import load

CONTEXT, DREAMT = 8, 4
SEEDS = range(900, 910)


def height_of_red_px(frame: np.ndarray) -> float:
    """Mean row, counted from below, of what is red: the body that can be pushed."""
    red, green, blue = frame.astype(int).transpose(2, 0, 1)
    rows = np.nonzero((red > 2 * green) & (red > 2 * blue) & (red > 60))[0]
    return float(len(frame) - rows.mean()) if len(rows) else np.nan


def test_bodies_fall_as_they_do_in_the_game():
    simulator = load("physics-base")
    env = gymnasium.make("physics/free_fall")
    still = simulator.codec.vector()
    fell = []
    for seed in SEEDS:
        frames = [env.reset(seed=seed)[0]]
        frames += [env.step(simulator.codec.decode(still))[0] for _ in range(CONTEXT + DREAMT - 1)]
        context = Context(np.stack(frames[:CONTEXT]), np.stack([still] * (CONTEXT - 1)))
        state = simulator.reset([context], [""], [0])
        for _ in range(DREAMT):
            state, prediction = simulator.step(state, still[None])
        start, real, dream = map(height_of_red_px, (frames[CONTEXT - 1], frames[-1], prediction.frames[0]))
        fell.append((start - real, start - dream))
    env.close()
    real_px, dream_px = np.array(fell).T
    assert real_px.min() > 8  # something falls
    assert np.abs(dream_px - real_px).max() < 3
    assert np.abs(dream_px - real_px).mean() < 1.5
