"""The game under test: two instances of it, and short episodes played in them the same way every time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from envs.contract.finding import Broken
from envs.registration import GAMES
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.games import make_game
from worldsim.core.protocols import HasGroundTruth
from worldsim.core.seeding import stream
from worldsim.core.types import Frames, GroundTruth

SEED = 7
STEPS = 40


@dataclass(frozen=True)
class Moment:
    """What one reset or step returned."""

    frame: Frames
    reward: float
    terminated: bool
    truncated: bool

    def same_as(self, other: Moment) -> bool:
        """Equal to the bit."""
        mine, theirs = (self.reward, self.terminated, self.truncated), (other.reward, other.terminated, other.truncated)
        return np.array_equal(self.frame, other.frame) and mine == theirs


@dataclass
class Subject:
    """A registered game with its keyword arguments; rules share its two instances and begin with a reset."""

    env_id: str
    kwargs: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def env(self) -> gymnasium.Env:
        return self.make()

    @cached_property
    def twin(self) -> gymnasium.Env:
        """A second instance, to see that nothing hangs on the first."""
        return self.make()

    @cached_property
    def codec(self) -> ActionCodec:
        try:
            return ActionCodec.from_space(self.env.action_space)
        except WorldsimError as error:
            raise Broken(f"the action space has no codec: {error}") from error

    @property
    def info(self) -> dict[str, Any]:
        """What the table of games says about it; empty for a game that is not ours."""
        return GAMES.entry(self.env_id).info if self.env_id in GAMES else {}

    def make(self) -> gymnasium.Env:
        env: gymnasium.Env = make_game(self.env_id, **{"render_mode": "rgb_array", **self.kwargs})
        return env

    def close(self) -> None:
        for name in ("env", "twin"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def actions(self, count: int = STEPS, name: str = "play") -> list[NDArray[np.float32]]:
        """Random action vectors, each held for a few steps so that the player gets somewhere."""
        self.env.action_space.seed(int(stream(SEED, "contract", name).integers(2**31)))
        vectors: list[NDArray[np.float32]] = []
        while len(vectors) < count:
            vectors.extend([self.codec.encode(self.env.action_space.sample())] * 4)
        return vectors[:count]

    def play(self, env: gymnasium.Env, vectors: list[NDArray[np.float32]], seed: int = SEED) -> Iterator[Moment]:
        """Reset with ``seed`` and take the actions, up to the end of the episode."""
        frame, _ = env.reset(seed=seed)
        yield Moment(np.array(frame), 0.0, False, False)
        yield from self.go_on(env, vectors)

    def go_on(self, env: gymnasium.Env, vectors: list[NDArray[np.float32]]) -> Iterator[Moment]:
        """Take the actions from where ``env`` is, up to the end of the episode."""
        for vector in vectors:
            frame, reward, terminated, truncated, _ = env.step(self.codec.decode(vector))
            yield Moment(np.array(frame), float(reward), terminated, truncated)
            if terminated or truncated:
                return

    @cached_property
    def views(self) -> list[tuple[Frames, GroundTruth]]:
        """The frames of an episode with what the game says about them; empty where it says nothing."""
        game: Any = self.env.unwrapped
        if not isinstance(game, HasGroundTruth):
            return []
        return [(moment.frame, game.ground_truth()) for moment in self.play(self.env, self.actions())]

    @cached_property
    def moving_views(self) -> list[tuple[Frames, GroundTruth]]:
        """The same with a moving camera, where the table of games says by which settings it moves."""
        settings = self.info.get("moving_camera")
        if not settings:
            return self.views
        other = Subject(self.env_id, {**self.kwargs, **settings})
        try:
            return other.views
        finally:
            other.close()


def first_difference(one: list[Moment], other: list[Moment]) -> int | None:
    """The first step at which two episodes are not equal to the bit, or None."""
    for step, (a, b) in enumerate(zip(one, other, strict=False)):
        if not a.same_as(b):
            return step
    return None if len(one) == len(other) else min(len(one), len(other))
