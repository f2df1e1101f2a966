"""Many dreams in one simulator: ``gymnasium.make_vec("worldsim/Dream-v0", num_envs=8, checkpoint="voxel-base")``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import NDArray

from worldsim.core.errors import WorldsimError
from worldsim.core.slots import marked_slots, seeds_of_slots
from worldsim.core.types import Frames
from worldsim.gym.dream import check_render_mode, draw_seed, make_config, metadata_of
from worldsim.gym.saved import load_dream, save_dream
from worldsim.gym.streams import DreamState, DreamStreams


class DreamVectorEnv(gymnasium.vector.VectorEnv[Frames, Any, NDArray[Any]]):
    """``num_envs`` independent dreams advanced together; keyword arguments are those of :class:`DreamEnv`.

    Slot i behaves like a :class:`DreamEnv` that was reset with the i-th seed (``reset(seed=s)`` means s, s+1, ...).
    A slot whose episode ended is started anew by the next step, which ignores its action and gives it reward 0
    (Gymnasium's next-step autoreset). ``options["reset_mask"]`` (num_envs,) bool resets only the slots it marks.
    """

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(
        self, num_envs: int = 1, checkpoint: str | None = None, *, render_mode: str | None = None, **config: Any
    ):
        check_render_mode(render_mode)
        if num_envs < 1:
            raise WorldsimError(f"num_envs must be at least 1; got {num_envs!r}.")
        self.config = make_config(checkpoint, config)
        self.render_mode = render_mode
        self.num_envs = num_envs
        self._streams = DreamStreams(self.config, num_slots=num_envs)
        self.simulator = self._streams.simulator
        self.codec = self._streams.reader.codec
        self.single_action_space = self._streams.reader.space
        self.single_observation_space = spaces.Box(0, 255, (*self._streams.size, 3), np.uint8)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.metadata = metadata_of(self._streams) | {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self._randoms = [seeding.np_random()[0] for _ in range(num_envs)]

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The slots' own streams, as SyncVectorEnv gives them."""
        return tuple(self._randoms)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frames, dict[str, Any]]:
        """Start all dreams, or those of ``options["reset_mask"]``; frames (num_envs, H, W, 3) and info arrays."""
        seeds = seeds_of_slots(seed, self.num_envs, "dreams")
        options = dict(options or {})
        which = marked_slots(options.pop("reset_mask", None), self.num_envs)
        if len(which) < self.num_envs:
            self._need_reset("reset with a reset_mask")
        episode_seeds = []
        for slot in which:
            given = seeds[slot]
            if given is not None:
                self._randoms[slot], _ = seeding.np_random(given)
            episode_seeds.append(given if given is not None else draw_seed(self._randoms[slot]))
        self._streams.reset(which, episode_seeds, options)
        infos: dict[str, Any] = {}
        for slot in which:
            infos = self._add_info(infos, self._reset_info(slot), slot)
        return self._obs(), infos

    def step(self, actions: Any) -> tuple[Frames, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance all dreams under a batch of actions; each is returned as an array over slots."""
        self._need_reset("step")
        streams = self._streams
        over = [slot for slot in range(self.num_envs) if streams.slots[slot].done]
        out = streams.step(self._read(actions, over))
        reward = out.reward.astype(np.float64)
        if over:
            streams.reset(over, [draw_seed(self._randoms[slot]) for slot in over])
            reward[over], out.terminated[over], out.truncated[over] = 0.0, False, False
        infos: dict[str, Any] = {}
        for slot in range(self.num_envs):
            if slot in over:
                info = self._reset_info(slot)
            else:
                info = {"termination_prob": float(out.termination_prob[slot])} | self._horizon_info(slot)
            infos = self._add_info(infos, info, slot)
        return self._obs(), reward, out.terminated, out.truncated, infos

    def render(self) -> tuple[Frames, ...] | None:
        """The present frames, one (H, W, 3) a slot, or None without a render mode."""
        self._need_reset("render")
        return tuple(self._obs()) if self.render_mode == "rgb_array" else None

    def get_state(self) -> DreamState:
        """All dreams as an opaque value that may be put back any number of times."""
        self._need_reset("get_state")
        return self._streams.get_state(self._randoms)

    def set_state(self, state: DreamState) -> Frames:
        """Go to a saved state; one of a single :class:`DreamEnv` fans out into every slot. Returns the frames there."""
        self._randoms = self._streams.set_state(state)
        return self._obs()

    def save_state(self, path: str | Path) -> None:
        """Write ``get_state()`` to a safetensors file, with which another process can go on to the bit."""
        save_dream(path, self.get_state(), self.simulator)

    def load_state(self, path: str | Path) -> Frames:
        """``set_state`` from a file of ``save_state``; WorldsimError when it is of another checkpoint."""
        return self.set_state(load_dream(path, self.simulator))

    def close_extras(self, **kwargs: Any) -> None:
        self._streams.close()

    def _read(self, actions: Any, ignored: list[int]) -> NDArray[np.float32]:
        """Channel vectors (num_envs, A); slots about to be reset get the action that does nothing."""
        reader = self._streams.reader
        reader.check_keys(actions)
        parts = list(actions.values()) if isinstance(actions, dict) else [actions]
        for part in parts:
            if np.ndim(part) == 0 or len(part) != self.num_envs:
                raise WorldsimError(f"actions for {self.num_envs} dreams are needed in every entry; got {part!r}.")
        vectors = [reader.codec.vector()] * self.num_envs
        for slot, action in enumerate(iterate(self.action_space, actions)):
            if slot not in ignored:
                vectors[slot] = reader.read(action)
        return np.stack(vectors)

    def _obs(self) -> Frames:
        return np.stack([slot.frame for slot in self._streams.slots])

    def _reset_info(self, slot: int) -> dict[str, Any]:
        return {"seed": self._streams.slots[slot].seed} | self._horizon_info(slot)

    def _horizon_info(self, slot: int) -> dict[str, int]:
        left = self._streams.horizon_left(slot)
        return {} if left is None else {"horizon_left": left}

    def _need_reset(self, call: str) -> None:
        if not self._streams.slots:
            raise ResetNeeded(f"call reset() before {call}()")
