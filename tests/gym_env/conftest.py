"""Dreams to test: always one that is the real game replayed, and the shipped checkpoints where they are present."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np
import pytest

from worldsim.core.actions import ActionCodec
from worldsim.core.protocols import ResetsSlots, Simulator
from worldsim.core.types import Context, Prediction
from worldsim.simulators.checkpoints import shipped_names

ARENA = "voxel/arena"


class ReplayedGame:
    """A simulator that is the real game: each slot holds a snapshot, so its dream must equal the game frame by frame.

    The termination probability is 1 where the game ends and noise of the slot's own seed, up to ``noise``, elsewhere;
    ``noise`` is also added to every reward.
    """

    name = "replayed_game"

    def __init__(self, env_id: str = ARENA, noise: float = 0.0):
        self.env_id, self.noise = env_id, noise
        self.game = gymnasium.make(env_id).unwrapped
        self.codec = ActionCodec.from_space(self.game.action_space)

    def describe(self) -> dict[str, Any]:
        height, width, _ = self.game.observation_space.shape
        return {
            "kind": "replayed_game",
            "env_ids": [self.env_id],
            "env_kwargs": {},
            "height": height,
            "width": width,
            "fps": 20,
            "codec": self.codec.to_json(),
            "context_frames": 4,
        }

    def reset(self, contexts: Sequence[Context], prompts: Sequence[str], seeds: Sequence[int]) -> Any:
        return [self._begin(context, seed) for context, seed in zip(contexts, seeds, strict=True)]

    def reset_slots(self, state, slots, contexts, prompts, seeds) -> Any:
        for slot, fresh in zip(slots, self.reset(contexts, prompts, seeds), strict=True):
            state[slot] = fresh
        return state

    def step(self, state: Any, actions: np.ndarray) -> tuple[Any, Prediction]:
        frames, rewards, probs = [], [], []
        for slot, action in zip(state, actions, strict=True):
            self.game.set_state(slot["game"])
            frame, reward, terminated, _, _ = self.game.step(self.codec.decode(action))
            slot["game"] = self.game.get_state()
            frames.append(frame)
            rewards.append(reward + self.noise)
            probs.append(1.0 if terminated else self.noise * slot["noise"].random())
        return state, Prediction(np.stack(frames), np.array(rewards, np.float32), np.array(probs, np.float32))

    def branch(self, state: Any, slots: Sequence[int]) -> Any:
        return [copy.deepcopy(state[slot]) for slot in slots]

    def _begin(self, context: Context, seed: int) -> dict[str, Any]:
        # Frames that were given without an origin start in map 0: only what the simulator is handed can matter here.
        self.game.reset(seed=context.origin.seed if context.origin else 0)
        for action in context.origin.prefix if context.origin else context.actions:
            self.game.step(self.codec.decode(action))
        return {"game": self.game.get_state(), "noise": np.random.default_rng(seed)}


# They take longer than the others, and nothing else: what a dream is to the library is the same.
SLOWER = ("voxel-4x", "voxel-32x", "physics-base")


def _checkpoints() -> list[str]:
    return [name for name in shipped_names() if name not in SLOWER]


@pytest.fixture(scope="session")
def replayed_game() -> ReplayedGame:
    simulator = ReplayedGame()
    assert isinstance(simulator, Simulator)
    assert isinstance(simulator, ResetsSlots)
    return simulator


@pytest.fixture(scope="session", params=["replayed_game", *_checkpoints()])
def dream_kwargs(request, replayed_game) -> dict[str, Any]:
    """What ``gymnasium.make("worldsim/Dream-v0", ...)`` needs for each simulator under test."""
    if request.param == "replayed_game":
        return {"simulator": replayed_game}
    from worldsim.simulators import load

    return {"simulator": load(request.param)}  # loaded once, not once a test


@pytest.fixture
def dream_factory(dream_kwargs) -> Callable[..., gymnasium.Env]:
    """Makes dreams of the simulator under test; closed after the test."""
    made: list[gymnasium.Env] = []

    def make(**kwargs: Any) -> gymnasium.Env:
        made.append(gymnasium.make("worldsim/Dream-v0", **dream_kwargs, **kwargs).unwrapped)
        return made[-1]

    yield make
    for env in made:
        env.close()


@pytest.fixture
def vector_factory(dream_kwargs) -> Callable[..., gymnasium.vector.VectorEnv]:
    made: list[gymnasium.vector.VectorEnv] = []

    def make(num_envs: int, **kwargs: Any) -> gymnasium.vector.VectorEnv:
        made.append(gymnasium.make_vec("worldsim/Dream-v0", num_envs=num_envs, **dream_kwargs, **kwargs))
        return made[-1]

    yield make
    for env in made:
        env.close()
