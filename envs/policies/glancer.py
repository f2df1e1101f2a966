"""Explores, and now and then looks away and back: recordings in which what was out of sight has to be there still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.policies.camera_paths import CameraPath, Wish, rest
from envs.policies.explorer import make_explorer
from worldsim.core.types import Frames

EXPLORING = (10, 40)  # steps between two glances
AWAY_DEG = (60.0, 180.0)
BACK_BY_DEG = 16.0  # one comes back short or too far by up to this, so that nothing is where it was in the picture
SLOWEST = 2.0  # times the steps that the fastest turn takes


class Glancer(CameraPath):
    """The game's explorer, who turns away for a random time of up to so many steps, and back to about where it was."""

    usual_size = 24.0

    def __init__(self, env: Any, size: float | None = None):
        self._explorer = make_explorer(env)
        super().__init__(env, size)

    def reset(self, seed: int) -> None:
        super().reset(seed)
        self._explorer.reset(seed)

    def act(self, obs: Frames) -> NDArray[np.float32]:
        self._obs = obs
        return super().act(obs)

    def round(self, side: float) -> Iterator[Wish]:
        for _ in range(int(self._rng.integers(*EXPLORING))):
            yield self.explorers_wish()
        yield from self.glance(side)

    def explorers_wish(self) -> Wish:
        return dict(zip(self.codec.names, self._explorer.act(self._obs).tolist(), strict=True))

    def glance(self, side: float) -> Iterator[Wish]:
        rng = self._rng
        away_deg = side * rng.uniform(*AWAY_DEG)
        back_deg = -away_deg + rng.uniform(-BACK_BY_DEG, BACK_BY_DEG)
        steps = round(self.steps_to_turn(away_deg) * rng.uniform(1, SLOWEST))
        yield from self.turn(away_deg, steps)
        yield from rest(int(rng.integers(self.steps + 1)))
        yield from self.turn(back_deg, steps)
