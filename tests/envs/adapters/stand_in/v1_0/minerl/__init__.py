"""A stand-in for MineRL 1.0 with its documented spaces: ``MineRLBasaltFindCave-v0`` and its kin."""

import gym
from malmo import Box, Dict, Discrete, Env

HOTBAR = [f"hotbar.{i}" for i in range(1, 10)]
KEYS = ["ESC", "attack", "back", "drop", "forward", *HOTBAR, "inventory", "jump", "left", "pickItem", "right"]
KEYS += ["sneak", "sprint", "swapHands", "use"]


class Basalt(Env):
    size = (360, 640)

    def make_action_space(self):
        return Dict({**{key: Discrete(2) for key in KEYS}, "camera": Box(-180.0, 180.0, (2,))})

    def play(self, action):
        return 0.0, bool(action["ESC"])


for _name, _steps in (("FindCave", 3600), ("MakeWaterfall", 6000), ("CreateVillageAnimalPen", 6000)):
    gym.register(f"MineRLBasalt{_name}-v0", Basalt, _steps)
