"""The dream as a Gymnasium environment: ``gymnasium.make("worldsim/Dream-v0", checkpoint="voxel-base")``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from worldsim.core.errors import UnknownNameError
from worldsim.core.types import Frames
from worldsim.gym.saved import load_dream, save_dream
from worldsim.gym.streams import DreamConfig, DreamState, DreamStreams

RENDER_MODES = ("rgb_array",)


class DreamEnv(gymnasium.Env[Frames, Any]):
    """One stream of a learned simulator, stepped like the game it learned.

    Observations are frames, ``Box(0, 255, (H, W, 3), uint8)``; actions are the real game's own; an action outside its
    space raises WorldsimError with the channel and its bounds. Reward and termination come from the simulator,
    truncation from ``horizon``. Keyword arguments are those of :class:`DreamConfig`, and ``render_mode``
    (None or "rgb_array").

    ``reset(seed=s)`` starts where the real game's ``reset(seed=s)`` starts (start="game"); the same seed and actions
    give the same bits. ``info["seed"]`` at reset is the seed that repeats this episode, seeded or not. ``options`` may
    override the start: "frames" (C, H, W, 3), "actions" (C-1, A channels) between them, "prompt".
    Stepping on after the end is allowed: the dream just goes on.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": 20}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, checkpoint: str | None = None, *, render_mode: str | None = None, **config: Any):
        check_render_mode(render_mode)
        self.config = make_config(checkpoint, config)
        self.render_mode = render_mode
        self._streams = DreamStreams(self.config, num_slots=1)
        self.simulator = self._streams.simulator
        self.codec = self._streams.reader.codec
        self.action_space = self._streams.reader.space
        self.observation_space = spaces.Box(0, 255, (*self._streams.size, 3), np.uint8)
        self.metadata = metadata_of(self._streams)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        """Start a dream; returns its last real frame (H, W, 3) and info with "seed" and "horizon_left"."""
        super().reset(seed=seed)
        episode_seed = seed if seed is not None else draw_seed(self.np_random)
        self._streams.reset([0], [episode_seed], options)
        return self._obs(), {"seed": episode_seed} | self._horizon_info()

    def step(self, action: Any) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        """Dream the next frame under ``action``; info has "termination_prob" and, with a horizon, "horizon_left"."""
        self._need_reset("step")
        out = self._streams.step(self._streams.reader.read(action)[None])
        info = {"termination_prob": float(out.termination_prob[0])} | self._horizon_info()
        return self._obs(), float(out.reward[0]), bool(out.terminated[0]), bool(out.truncated[0]), info

    def render(self) -> Frames | None:
        """The present frame (H, W, 3), or None without a render mode."""
        self._need_reset("render")
        return self._obs() if self.render_mode == "rgb_array" else None

    def get_state(self) -> DreamState:
        """The whole dream, random streams included, as an opaque value that may be put back any number of times."""
        self._need_reset("get_state")
        return self._streams.get_state([self.np_random])

    def set_state(self, state: DreamState) -> Frames:
        """Go back to (or branch off from) a saved state of the same simulator; returns the frame there."""
        (self.np_random,) = self._streams.set_state(state)
        return self._obs()

    def save_state(self, path: str | Path) -> None:
        """Write ``get_state()`` to a safetensors file, with which another process can go on to the bit."""
        save_dream(path, self.get_state(), self.simulator)

    def load_state(self, path: str | Path) -> Frames:
        """``set_state`` from a file of ``save_state``; WorldsimError when it is of another checkpoint."""
        return self.set_state(load_dream(path, self.simulator))

    def close(self) -> None:
        """Release the game and the dream's memory; closing twice is fine."""
        self._streams.close()

    def _obs(self) -> Frames:
        return self._streams.slots[0].frame.copy()

    def _horizon_info(self) -> dict[str, int]:
        left = self._streams.horizon_left(0)
        return {} if left is None else {"horizon_left": left}

    def _need_reset(self, call: str) -> None:
        if not self._streams.slots:
            raise ResetNeeded(f"call reset() before {call}()")


def make_config(checkpoint: str | None, config: dict[str, Any]) -> DreamConfig:
    """A DreamConfig from keyword arguments; UnknownNameError for one it does not have."""
    for name in config:
        if name not in DreamConfig.__dataclass_fields__:
            raise UnknownNameError("dream setting", name, [*DreamConfig.__dataclass_fields__, "render_mode"])
    return DreamConfig(checkpoint, **config)


def check_render_mode(render_mode: str | None) -> None:
    if render_mode is not None and render_mode not in RENDER_MODES:
        raise UnknownNameError("render mode", str(render_mode), RENDER_MODES)


def metadata_of(streams: DreamStreams) -> dict[str, Any]:
    return {"render_modes": list(RENDER_MODES), "render_fps": streams.description.get("fps", 20)}


def draw_seed(np_random: np.random.Generator) -> int:
    """The seed of an episode that was reset without one, from the environment's own stream."""
    return int(np_random.integers(2**31))
