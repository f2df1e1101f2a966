"""What tells the two sides of a control family apart in one clip: learnt from real clips that no scenario uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.games import RealGame
from evals.instruments.inverse_dynamics import SideTeller, held_out_accuracy, motion_features_of
from evals.metrics.pixels import mean_absolute_difference
from worldsim.core.seeding import game_seed, stream

Sides = dict[str, NDArray[np.float32]]  # side -> actions (H, A)

PAIRS = 20  # of clips for each family, a moment each
FEWEST = 8  # of fewer nothing can be learnt
MOMENTS = 40  # tried; at some of them nothing can be attacked, say
STEPS = (8, 40)  # of the policy before a moment: no context is needed, and games that replay take long for more
TRUSTED = 0.75  # share of held-out real clips about which an instrument is right; below it it says nothing


@dataclass(frozen=True)
class Told:
    """A family's instrument, None where there is none, and how often it is right about held-out real clips."""

    teller: SideTeller | None
    accuracy: float
    reason: str = ""  # why there is none


def learn_sides(game: RealGame, config: Any, families: Mapping[str, Sides]) -> dict[str, Told]:
    """An instrument for each family: one side played, or the other, from moments with seeds of their own.

    ``config`` has ``policy`` and ``min_difference``; pairs of clips that differ by less are left out, as they are in
    scenarios.
    """
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in families}
    for number in range(MOMENTS):
        wanting = [name for name, pairs in found.items() if len(pairs) < PAIRS]
        if not wanting:
            break
        seed = game_seed(0, "instrument", number)
        steps = int(stream(seed, "eval prefix").integers(STEPS[0], STEPS[1] + 1))
        moment = game.record(config.policy, seed, steps)
        if moment.ended:
            continue
        for name in wanting:
            a, b = (game.recall(seed, moment.actions, families[name][side]) for side in ("a", "b"))
            ended = a.ended.any() or b.ended.any()
            if not ended and mean_absolute_difference(a.frames, b.frames) >= config.min_difference:
                clips = [np.concatenate([moment.frames[-1:], branch.frames]) for branch in (a, b)]
                found[name].append(np.stack(motion_features_of(clips)))
    return {name: _told(name, pairs) for name, pairs in found.items()}


def _told(family: str, pairs: list[NDArray[np.float64]]) -> Told:
    if len(pairs) < FEWEST:
        return Told(None, np.nan, f"{len(pairs)} real pairs of {family} are too few to learn what tells them apart")
    a, b = np.stack(pairs, axis=1)
    accuracy = held_out_accuracy(a, b)
    if accuracy < TRUSTED:
        return Told(None, accuracy, f"the instrument is right about {accuracy:.0%} of held-out real clips of {family}")
    return Told(SideTeller.between(a, b), accuracy)
