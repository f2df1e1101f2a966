"""A game of one's own, in a page: rain falls, a bucket at the bottom catches it, three lost drops end the episode.

    worldsim check env=examples/my_game.py:Rain
    worldsim collect env=examples/my_game.py:Rain episodes=20 out=data/rain.lance

Other commands take ``examples/my_game.py:Rain`` (a path from where you are, or a full one) wherever they take a game.
"""

from typing import Any

import gymnasium
import numpy as np

from worldsim.core.action_check import require_action

FIELD_WIDTH, FIELD_HEIGHT = 16, 12
MOVES = {0: 0, 1: -1, 2: 1}  # stay, left, right
SKY, DROP, BUCKET = (40, 60, 110), (120, 190, 255), (230, 170, 60)


class Rain(gymnasium.Env):
    """Move the bucket under the drops: reward 1 for each that is caught."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012 (as gymnasium declares it)

    def __init__(self, height: int = 64, width: int = 64, render_mode: str | None = None):
        self.height, self.width, self.render_mode = height, width, render_mode
        self.observation_space = gymnasium.spaces.Box(0, 255, (height, width, 3), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(3)
        self.lost = 3  # over, until reset

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.bucket, self.lost, self.steps = FIELD_WIDTH // 2, 0, 0
        self.drops = np.zeros((FIELD_HEIGHT, FIELD_WIDTH), bool)
        self._rain()
        return self._draw(), {}

    def step(self, action: int):
        if self.lost >= 3:
            raise gymnasium.error.ResetNeeded("the game is over: call reset()")
        require_action(self.action_space, action)
        self.steps += 1
        self.bucket = int(np.clip(self.bucket + MOVES[int(action)], 1, FIELD_WIDTH - 2))
        landed = np.flatnonzero(self.drops[-1])
        caught = int((abs(landed - self.bucket) <= 1).sum())
        self.lost += len(landed) - caught
        self.drops = np.roll(self.drops, 1, axis=0)
        self.drops[0] = False
        self._rain()
        return self._draw(), float(caught), self.lost >= 3, self.steps >= 500, {}

    def render(self):
        return self._draw() if self.render_mode == "rgb_array" else None

    def get_state(self) -> dict[str, Any]:
        """With these two the game can be branched exactly: everything that decides what comes next, as plain data."""
        counters = {"bucket": self.bucket, "lost": self.lost, "steps": self.steps}
        return {**counters, "drops": self.drops.copy(), "random": self.np_random.bit_generator.state}

    def set_state(self, state: dict[str, Any]):
        self.bucket, self.lost, self.steps = state["bucket"], state["lost"], state["steps"]
        self.drops = state["drops"].copy()
        self.np_random.bit_generator.state = state["random"]
        return self._draw()

    def _rain(self) -> None:
        if self.np_random.random() < 0.25:
            self.drops[0, self.np_random.integers(FIELD_WIDTH)] = True

    def _draw(self) -> np.ndarray:
        field = np.where(self.drops[..., None], DROP, SKY).astype(np.uint8)
        field[-1, self.bucket - 1 : self.bucket + 2] = BUCKET
        rows = np.arange(self.height) * FIELD_HEIGHT // self.height
        columns = np.arange(self.width) * FIELD_WIDTH // self.width
        return field[rows[:, None], columns]
