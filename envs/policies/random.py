"""Policies that need to know nothing about the game: random actions, independent or held, and held in turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldsim.core.actions import CAMERA_CHANNELS, ActionCodec
from worldsim.core.seeding import stream
from worldsim.core.types import Frames

# Held with the same chance, opposite keys cancel out; a player who mostly walks forward sees more of a world.
PRESS_PROBABILITY = {"forward": 0.5, "back": 0.1, "sneak": 0.05, "inventory": 0.0, "ESC": 0.0}
DEFAULT_PRESS_PROBABILITY = 0.2
# A quarter of a network unit up and down: a random walk in pitch would otherwise end staring at the floor.
PITCH_SHARE_OF_SCALE = 0.25


class RandomPolicy:
    """An independent random action each step.

    Keys are pressed with the chance of ``PRESS_PROBABILITY``, a Discrete's choices are uniform, and continuous channels
    are normal with a standard deviation of one ``Channel.scale`` (10 degrees for a camera), clipped to the space.
    """

    def __init__(self, env: Any):
        self.codec = ActionCodec.from_space(env.action_space)
        self._rng = stream(0, "policy", "random")

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "policy", "random")

    def act(self, obs: Frames) -> NDArray[np.float32]:
        return self._draw()

    def _draw(self) -> NDArray[np.float32]:
        vec = np.zeros(len(self.codec), np.float32)
        choices: dict[str, list[int]] = {}
        for i, channel in enumerate(self.codec.channels):
            if channel.kind == "choice":
                choices.setdefault(channel.key, []).append(i)
            elif channel.kind == "binary":
                chance = PRESS_PROBABILITY.get(channel.name, DEFAULT_PRESS_PROBABILITY)
                vec[i] = self._rng.random() < chance
            else:
                share = PITCH_SHARE_OF_SCALE if channel.name == CAMERA_CHANNELS[0] else 1.0
                vec[i] = np.clip(self._rng.normal(0.0, channel.scale * share), channel.low, channel.high)
        for members in choices.values():
            vec[members[self._rng.integers(len(members))]] = 1.0
        return vec


class StickyRandomPolicy(RandomPolicy):
    """A random action held for 1 to ``MAX_HOLD_STEPS`` steps, so that movement gets somewhere."""

    MAX_HOLD_STEPS = 12

    def reset(self, seed: int) -> None:
        self._rng = stream(seed, "policy", "sticky")
        self._steps_left = 0

    def act(self, obs: Frames) -> NDArray[np.float32]:
        if self._steps_left == 0:
            self._held = self._draw()
            self._steps_left = int(self._rng.integers(1, self.MAX_HOLD_STEPS + 1))
        self._steps_left -= 1
        return self._held.copy()

    def __init__(self, env: Any):
        super().__init__(env)
        self.reset(0)


class CoveringPolicy(StickyRandomPolicy):
    """Held random actions of which each has one channel's turn: in every round each key is pressed, each choice taken,
    each continuous channel turned up and down, in an order that the seed gives.

    Keys whose chance in ``PRESS_PROBABILITY`` is 0 have no turn. The generic explorer, for games without their own.
    """

    def reset(self, seed: int) -> None:
        super().reset(seed)
        self._rng = stream(seed, "policy", "covering")
        self._round: list[tuple[int, float]] = []

    def _draw(self) -> NDArray[np.float32]:
        vec = super()._draw()
        if not self._round:
            self._round = self._turns()
            self._rng.shuffle(self._round)
        if self._round:
            self._give_turn(vec, *self._round.pop())
        return vec

    def _turns(self) -> list[tuple[int, float]]:
        """Every channel with the share of its range that it takes: 1 for keys and choices, both signs for others."""
        turns: list[tuple[int, float]] = []
        for i, channel in enumerate(self.codec.channels):
            if channel.kind == "continuous":
                turns += [(i, float(sign)) for sign in (-1, 1) if (channel.high if sign > 0 else -channel.low) > 0]
            elif PRESS_PROBABILITY.get(channel.name, DEFAULT_PRESS_PROBABILITY) > 0:
                turns.append((i, 1.0))
        return turns

    def _give_turn(self, vec: NDArray[np.float32], i: int, share: float) -> None:
        channel = self.codec.channels[i]
        if channel.kind == "continuous":
            vec[i] = np.clip(share * self._rng.uniform(0.2, 1.5) * channel.scale, channel.low, channel.high)
            return
        if channel.kind == "choice":
            vec[[j for j, other in enumerate(self.codec.channels) if other.key == channel.key]] = 0.0
        vec[i] = 1.0
