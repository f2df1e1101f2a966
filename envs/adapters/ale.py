"""Atari games of the Arcade Learning Environment, with exact snapshots."""

from __future__ import annotations

from typing import Any

import ale_py
import numpy as np

from envs.adapters.gym_game import GymGame
from envs.adapters.pictures import Picture
from worldsim.core.types import Frames

CONSOLE_FPS = 60
STICKINESS = "repeat_action_probability"


class AleGame(GymGame):
    """A game with snapshots of the whole console and of the joystick."""

    reseeds = False  # a seed loads the cartridge anew, which takes as long as many steps

    def __init__(self, name: str, game: Any, picture: Picture | None, **settings: Any):
        env = game.unwrapped
        env.ale = self._console = StickyConsole(env)
        env.load_game()  # from where the new stickiness counts
        super().__init__(name, game, picture, **settings)

    def get_state(self) -> dict[str, Any]:
        """The console, its joystick, the counters, the frame, and the random streams of game and adapter."""
        assert self._frame is not None, "reset() comes before this"
        env: Any = self.game.unwrapped
        action, strength = self._console.held
        return {
            "console": env.ale.cloneSystemState().serialize(),
            "held_action": action.value,
            "held_strength": float(strength),
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
        self._console.held = ale_py.Action(state["held_action"]), state["held_strength"]
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


class StickyConsole:
    """A console with a sticky joystick of our own: each frame it stays where it was with the probability ALE was told.

    ALE's own keeps the held action where no snapshot reaches it, so the same snapshot would go on in different ways.
    Chances are the same and come from the game's ``np_random``; so under one seed an episode is not ALE's to the bit.
    """

    def __init__(self, env: Any):
        self._env, self._ale = env, env.ale
        self._probability = self._ale.getFloat(STICKINESS)
        self._ale.setFloat(STICKINESS, 0.0)
        self.held = (ale_py.Action.NOOP, 1.0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ale, name)

    def reset_game(self) -> None:
        self.held = (ale_py.Action.NOOP, 1.0)
        self._ale.reset_game()

    def act(self, action: Any, strength: float = 1.0) -> int:
        if not self._probability or self._env.np_random.random() >= self._probability:
            self.held = (action, strength)
        reward: int = self._ale.act(*self.held)
        return reward
