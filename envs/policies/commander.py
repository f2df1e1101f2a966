"""Carries out one clean command after the other, so that a short clip has a short true caption: "turn left"."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import CAMERA_CHANNELS, ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

PITCH, YAW = CAMERA_CHANNELS
STEPS = (13, 20)  # that a command lasts
TURN_DEG, LOOK_DEG = (4.0, 7.0), (1.0, 2.5)  # a step
# How often each is chosen: channels and their values; an angle is drawn from its range.
COMMANDS: dict[str, tuple[float, dict[str, float]]] = {
    "turn left": (0.15, {YAW: -1}),
    "turn right": (0.15, {YAW: 1}),
    "walk forward": (0.20, {"forward": 1}),
    "walk back": (0.12, {"back": 1}),
    "strafe left": (0.08, {"left": 1}),
    "strafe right": (0.08, {"right": 1}),
    "look up": (0.05, {PITCH: -1}),
    "look down": (0.05, {PITCH: 1}),
    "jump": (0.06, {"jump": 1}),
    "stand still": (0.06, {}),
}
UNDO = {"turn left": "turn right", "look up": "look down"}
UNDO |= {back: there for there, back in UNDO.items()}


class Commander:
    """Does one of ``COMMANDS`` for 13 to 20 steps, then another; mostly turns and looks back the way it turned.

    Works in any game with the action names of MineRL; a command for which a game has no channel is not chosen.
    """

    def __init__(self, env: Any):
        self.codec = ActionCodec.from_space(env.action_space)
        self._known = [name for name, (_, wish) in COMMANDS.items() if all(key in self.codec.names for key in wish)]
        if self._known == ["stand still"]:
            raise WorldsimError(
                f"the commands need action channels like forward or {YAW}; this game has {', '.join(self.codec.names)}."
            )
        self.reset(0)

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "policy", "commander")
        self._left, self.command, self._to_undo = 0, "", ""

    def act(self, obs: Frames) -> NDArray[np.float32]:
        del obs
        if self._left == 0:
            self._begin()
        self._left -= 1
        return self._vector.copy()

    def _begin(self) -> None:
        rng = self._rng
        others = [name for name in self._known if name != self.command]
        if self.command in UNDO:
            self._to_undo = "" if self._to_undo == UNDO[self.command] else self.command
        weights = np.array([COMMANDS[name][0] * self._liking(name) for name in others])
        self.command = str(rng.choice(others, p=weights / weights.sum()))
        self._left = int(rng.integers(STEPS[0], STEPS[1] + 1))
        wish = dict(COMMANDS[self.command][1])
        for channel, (low, high) in ((YAW, TURN_DEG), (PITCH, LOOK_DEG)):
            if channel in wish:
                wish[channel] *= float(rng.uniform(low, high))
        self._vector = self.codec.vector(**wish)

    def _liking(self, name: str) -> float:
        """Turning back is likely and turning on is rare, so that what is seen at the start comes into view again."""
        if not self._to_undo or name not in UNDO:
            return 1.0
        return 3.0 if name == UNDO[self._to_undo] else 0.1 if name == self._to_undo else 1.0
