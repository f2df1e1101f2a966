"""Atari games of the Arcade Learning Environment: exact snapshots, random stream of the console included."""

from __future__ import annotations

from typing import Any

import ale_py
import numpy as np

from envs.adapters.gym_game import GymGame
from worldsim.core.types import Frames

CONSOLE_FPS = 60


class AleGame(GymGame):
    """A game with snapshots of the whole console."""

    reseeds = False  # a seed loads the cartridge anew, which takes as long as many steps

    def get_state(self) -> dict[str, Any]:
        """The console's memory and random stream, the counters, the frame, and the streams of game and wrapper."""
        assert self._frame is not None, "reset() comes before this"
        env: Any = self.game.unwrapped
        return {
            "console": env.ale.cloneSystemState().serialize(),
            "frame": self._frame.copy(),
            "steps": self._steps,
            "over": self._over,
            "random": env.np_random.bit_generator.state,
            "own_random": self.np_random.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]) -> Frames:
        env: Any = self.game.unwrapped
        if self._frame is None:
            self.game.reset()  # Gymnasium refuses steps before one
        env.ale.restoreSystemState(ale_py.ALEState(state["console"]))
        env.np_random.bit_generator.state = state["random"]
        self.np_random.bit_generator.state = state["own_random"]
        self._steps, self._over = state["steps"], state["over"]
        # The console draws its screen when it runs; until then it shows what was there before.
        self._frame = np.array(state["frame"])
        return self._frame.copy()

    def _own_fps(self) -> float:
        """The console's 60 frames a second by the frames of a step, which its metadata does not know of."""
        env: Any = self.game.unwrapped
        skip = env._frameskip if isinstance(env._frameskip, int) else np.mean(range(*env._frameskip))
        return CONSOLE_FPS / float(skip)
