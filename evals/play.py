"""Play whole action sequences in a simulator, step by step or as it likes best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.protocols import RollsOut, Simulator
from worldsim.core.types import Prediction


def roll_out(simulator: Simulator, state: Any, actions: NDArray[np.float32]) -> Prediction:
    """Play actions (B, H, A) from ``state``; the arrays of the result have a time axis after the batch."""
    if isinstance(simulator, RollsOut):
        return simulator.rollout(state, actions)
    steps = []
    for t in range(actions.shape[1]):
        state, prediction = simulator.step(state, actions[:, t])
        # Copied, because the simulator may reuse its memory in the next step.
        steps.append([np.array(part) for part in (prediction.frames, prediction.reward, prediction.termination_prob)])
    return Prediction(*(np.stack(part, axis=1) for part in zip(*steps, strict=True)))


def roll_out_each(simulator: Simulator, state: Any, actions: Sequence[NDArray[np.float32]]) -> list[Prediction]:
    """Play sequences (H, A) of any lengths side by side; a slot that is done leaves the batch.

    The result has one prediction for each slot, with time in the place of the batch.
    """
    lengths = np.array([len(sequence) for sequence in actions])
    if len(set(lengths)) == 1:
        return _by_slot(roll_out(simulator, state, np.stack(actions)))
    found: dict[int, Prediction] = {}
    if isinstance(simulator, RollsOut):
        for length in set(lengths):
            slots = np.flatnonzero(lengths == length).tolist()
            whole = simulator.rollout(simulator.branch(state, slots), np.stack([actions[slot] for slot in slots]))
            found |= zip(slots, _by_slot(whole), strict=True)
        return [found[slot] for slot in range(len(actions))]
    order = np.argsort(-lengths, kind="stable").tolist()
    state = simulator.branch(state, order)
    frames, rewards, ends = ([[] for _ in order] for _ in range(3))  # type: ignore[var-annotated]
    live = len(order)
    for t in range(lengths.max()):
        before, live = live, int((lengths > t).sum())
        if live < before:
            state = simulator.branch(state, range(live))
        state, prediction = simulator.step(state, np.stack([actions[slot][t] for slot in order[:live]]))
        for place, slot in enumerate(order[:live]):
            frames[slot].append(np.array(prediction.frames[place]))
            rewards[slot].append(prediction.reward[place])
            ends[slot].append(prediction.termination_prob[place])
    return [Prediction(*map(np.stack, parts)) for parts in zip(frames, rewards, ends, strict=True)]


def _by_slot(whole: Prediction) -> list[Prediction]:
    parts = (np.asarray(part) for part in (whole.frames, whole.reward, whole.termination_prob))
    return [Prediction(*slot) for slot in zip(*parts, strict=True)]
