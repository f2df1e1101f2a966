"""A game whose frame says which step it is and what the last action was; its episodes end after a number of steps."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium import spaces

from worldsim.core.actions import ActionCodec


class CountingGame(gymnasium.Env):
    metadata = {"render_fps": 10, "render_modes": ["rgb_array"]}  # noqa: RUF012 (as gymnasium declares it)
    action_space = spaces.Discrete(5)

    def __init__(self, height: int = 4, width: int = 6, terminates: bool = True, choices: int = 5):
        self.observation_space = spaces.Box(0, 255, (height, width, 3), np.uint8)
        self.action_space = spaces.Discrete(choices)
        self.terminates = terminates

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t, self.last_step = 0, int(self.np_random.integers(6, 30))
        self.color = int(self.np_random.integers(256))
        return self._frame(action=255), {}

    def step(self, action):
        self.t += 1
        return self._frame(action), float(self.t), self.terminates and self.t == self.last_step, False, {}

    def _frame(self, action):
        frame = np.full(self.observation_space.shape, self.color, np.uint8)
        frame[0, 0] = self.t, action, self.last_step
        return frame


class CyclingPolicy:
    """Action number n is (seed + n) modulo the number of choices."""

    def __init__(self, env):
        self.codec = ActionCodec.from_space(env.action_space)

    def reset(self, seed):
        self.n = seed

    def act(self, obs):
        self.n += 1
        vec = np.zeros(len(self.codec), np.float32)
        vec[self.n % len(self.codec)] = 1
        return vec


class BrokenPolicy(CyclingPolicy):
    """Its tenth action is not a number."""

    def act(self, obs):
        vec = super().act(obs)
        if obs[0, 0, 0] == 9:
            vec[0] = np.nan
        return vec


gymnasium.register("test/Counting-v0", entry_point=CountingGame)
