"""A stand-in for MineRL 0.4.4 with its documented spaces: ``MineRLTreechop-v0`` and ``MineRLNavigate-v0``."""

import gym
import numpy as np
from malmo import Box, Dict, Discrete, Enum, Env

KEYS = ["attack", "back", "forward", "jump", "left", "right", "sneak", "sprint"]
LOGS = 64


class Treechop(Env):
    def make_action_space(self):
        return Dict({**{key: Discrete(2) for key in KEYS}, "camera": Box(-180.0, 180.0, (2,))})

    def reset(self):
        self.logs = 0
        return super().reset()

    def play(self, action):
        """Every fifth blow is a log; 64 are a success."""
        self.logs += action["attack"] * 0.2
        return float(action["attack"] * 0.2), round(self.logs, 6) >= LOGS


class Navigate(Env):
    def make_action_space(self):
        keys = {key: Discrete(2) for key in KEYS}
        return Dict({**keys, "camera": Box(-180.0, 180.0, (2,)), "place": Enum("none", "dirt")})

    def observe(self):
        return {"compass": {"angle": np.array(-self.yaw)}, "inventory": {"dirt": 5}, **super().observe()}

    def play(self, action):
        return 0.0, False


gym.register("MineRLTreechop-v0", Treechop, 8000)
gym.register("MineRLNavigate-v0", Navigate, 6000)
