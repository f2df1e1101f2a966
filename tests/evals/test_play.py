"""Action sequences of several lengths, side by side."""

import numpy as np
import pytest

from evals.play import roll_out_each
from worldsim.core.types import Prediction

LENGTHS = (3, 7, 1, 7, 5)


class Adds:
    """A picture of the sum of the actions so far; a slot begins at its own number. Notes how many slots it steps."""

    name = "adds"

    def __init__(self):
        self.stepped = []

    def reset(self, contexts, prompts, seeds):
        return np.array(seeds, np.float32)

    def step(self, state, actions):
        self.stepped.append(len(state))
        state += actions[:, 0]  # in place, as a simulator may
        frames = np.repeat(state.astype(np.uint8), 4 * 4 * 3).reshape(-1, 4, 4, 3)
        return state, Prediction(frames, state.copy(), np.zeros(len(state), np.float32))

    def branch(self, state, slots):
        return state[list(slots)].copy()


class AddsAtOnce(Adds):
    def rollout(self, state, actions):
        parts = []
        for t in range(actions.shape[1]):
            state, prediction = self.step(state, actions[:, t])
            parts.append((prediction.frames, prediction.reward, prediction.termination_prob))
        return Prediction(*(np.stack(part, axis=1) for part in zip(*parts, strict=True)))


@pytest.mark.parametrize("kind", [Adds, AddsAtOnce])
def test_slots_of_several_lengths_are_what_each_is_alone(kind):
    rng = np.random.default_rng(0)
    actions = [rng.integers(0, 20, (length, 1)).astype(np.float32) for length in LENGTHS]
    together = roll_out_each(kind(), np.arange(len(LENGTHS), dtype=np.float32), actions)
    for slot, (sequence, found) in enumerate(zip(actions, together, strict=True)):
        np.testing.assert_array_equal(found.reward, slot + sequence[:, 0].cumsum())
        assert found.frames.shape == (len(sequence), 4, 4, 3)
        np.testing.assert_array_equal(found.frames[:, 0, 0, 0], found.reward.astype(np.uint8))


def test_a_slot_that_is_done_costs_nothing_more():
    simulator = Adds()
    actions = [np.ones((length, 1), np.float32) for length in LENGTHS]
    roll_out_each(simulator, np.zeros(len(LENGTHS), np.float32), actions)
    assert simulator.stepped == [5, 4, 4, 3, 3, 2, 2]
