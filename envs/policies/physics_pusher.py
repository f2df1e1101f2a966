"""Watches a physics scene and now and then gives the red body a push, for recordings with and without."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from envs.physics.env import PhysicsEnv
from worldsim.core.actions import ActionCodec
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

ONLY_WATCHES = 0.25  # share of the episodes without a push
WAIT_STEPS = (2, 45)
HOLD_STEPS = (1, 5)


class PhysicsPusher:
    """Waits, pushes in some direction for a few steps, and waits again; what it does does not follow from the scene."""

    def __init__(self, env: PhysicsEnv):
        self.codec = ActionCodec.from_space(env.action_space)
        self.reset(0)

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "policy", "physics_pusher")
        self._plan = self._push_now_and_then() if self._rng.random() >= ONLY_WATCHES else iter(())

    def act(self, obs: Frames) -> NDArray[np.float32]:
        """The next action (3,)."""
        return next(self._plan, self.codec.vector())

    def _push_now_and_then(self) -> Iterator[NDArray[np.float32]]:
        while True:
            for _ in range(int(self._rng.integers(*WAIT_STEPS))):
                yield self.codec.vector()
            angle, strength = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(0.3, 1.0)
            push = self.codec.vector(push_x=np.cos(angle), push_y=np.sin(angle), push_strength=strength)
            for _ in range(int(self._rng.integers(*HOLD_STEPS))):
                yield push.copy()
