"""Many voxel worlds stepped and drawn in one call on all cores, as a Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numba import njit, prange
from numpy.typing import NDArray

from envs.voxel import kinds
from envs.voxel.env import VoxelEnv
from envs.voxel.picture import draw_world
from envs.voxel.player import BUTTONS, advance
from envs.voxel.rewards import judge
from envs.voxel.state import World
from worldsim.core.action_check import require_action
from worldsim.core.errors import WorldsimError
from worldsim.core.slots import marked_slots, seeds_of_slots
from worldsim.core.types import Frames

# Arrays of a world whose first dimension may differ from map to map: they are stacked to the longest.
RAGGED = ("entities", "canvas_cells", "paint", "lamps")


class VoxelVectorEnv(gymnasium.vector.VectorEnv[Frames, dict[str, Any], NDArray[Any]]):
    """``num_envs`` independent voxel worlds; keyword arguments are those of :class:`VoxelEnv`.

    Slot i is equal to the bit to a :class:`VoxelEnv` that was reset with the i-th seed (``reset(seed=s)`` means s,
    s+1, ...) under a limit of ``max_episode_steps``. A slot whose episode ended is started anew by the next step, which
    ignores its action and gives it reward 0 (next-step autoreset). ``options["reset_mask"]`` (num_envs,) bool resets
    only the slots it marks. ``depth_m`` (num_envs, H, W), planar, and ``instance_ids`` (num_envs, H, W) belong to the
    last frames and are overwritten by the next step. The number of cores is numba's (NUMBA_NUM_THREADS).
    """

    metadata = {**VoxelEnv.metadata, "autoreset_mode": AutoresetMode.NEXT_STEP}  # noqa: RUF012 (gymnasium's own)

    def __init__(self, num_envs: int = 1, max_episode_steps: int | None = None, **game: Any):
        if num_envs < 1:
            raise WorldsimError(f"num_envs must be at least 1; got {num_envs!r}.")
        self.game = VoxelEnv(**game)  # checks the settings and makes the worlds; it is never stepped
        self.num_envs, self.max_episode_steps, self.render_mode = num_envs, max_episode_steps, self.game.render_mode
        self.single_observation_space = self.game.observation_space
        self.single_action_space = self.game.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        size = (num_envs, self.game.height, self.game.width)
        self.depth_m = np.zeros(size, np.float32)
        self.instance_ids = np.zeros(size, np.int32)
        self._glow = np.zeros(size, np.bool_)
        self.worlds: World | None = None
        self._rows = np.zeros((num_envs, len(RAGGED)), np.int64)
        self._frames: Frames = np.zeros((*size, 3), np.uint8)
        self._buttons = np.zeros((num_envs, len(BUTTONS)), np.int64)
        self._turns_deg = np.zeros((num_envs, 2))
        self._steps = np.zeros(num_envs, np.int64)
        self._over = np.zeros(num_envs, np.bool_)
        self._randoms = [seeding.np_random()[0] for _ in range(num_envs)]

    @property  # type: ignore[misc]
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]
        """The slots' own streams, as SyncVectorEnv gives them."""
        return tuple(self._randoms)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Frames, dict[str, Any]]:
        """New worlds in all slots or those of ``options["reset_mask"]``; ``infos["task"]`` is what is asked there."""
        seeds = seeds_of_slots(seed, self.num_envs, "worlds")
        which = marked_slots((options or {}).get("reset_mask"), self.num_envs)
        if self.worlds is None and len(which) < self.num_envs:
            raise ResetNeeded("call reset() for all slots before a reset_mask")
        infos: dict[str, Any] = {}
        for slot in which:
            infos = self._add_info(infos, self._start(slot, seeds[slot]), slot)
        self._advance(np.ones(self.num_envs, np.bool_))
        return self._frames.copy(), infos

    def step(self, actions: dict[str, Any]) -> tuple[Frames, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Advance all worlds under a batch of actions; each result is an array over slots."""
        if self.worlds is None:
            raise ResetNeeded("call reset() before step()")
        require_action(self.action_space, actions)
        for i, name in enumerate(BUTTONS):
            self._buttons[:, i] = actions[name]
        self._turns_deg[:] = actions["camera"]
        starts = self._over.copy()
        infos: dict[str, Any] = {}
        for slot in np.flatnonzero(starts).tolist():
            infos = self._add_info(infos, self._start(slot, None), slot)
        reward, terminated = self._advance(starts)
        self._steps += ~starts
        limit = self.max_episode_steps
        truncated = (self._steps >= limit) & ~starts if limit is not None else np.zeros(self.num_envs, np.bool_)
        self._over = terminated | truncated
        return self._frames.copy(), reward, terminated, truncated, infos

    def render(self) -> tuple[Frames, ...] | None:
        """The present frames, one (H, W, 3) a slot, or None without a render mode."""
        return tuple(self._frames.copy()) if self.render_mode == "rgb_array" else None

    def _start(self, slot: int, seed: int | None) -> dict[str, Any]:
        """Put a new world into a slot; returns its info."""
        if seed is not None:
            self._randoms[slot], _ = seeding.np_random(seed)
        map_seed = seed if seed is not None else int(self._randoms[slot].integers(2**31))
        made = self.game.make_map(map_seed)
        world = self.game.make_world(made, map_seed)
        if self.worlds is None:
            self.worlds = World(*(np.zeros((self.num_envs, *array.shape), array.dtype) for array in world))
        for column, name in enumerate(RAGGED):
            self._make_room(name, len(getattr(world, name)))
            self._rows[slot, column] = len(getattr(world, name))
        for name in World._fields:
            stacked, array = getattr(self.worlds, name), getattr(world, name)
            assert name in RAGGED or stacked.shape[1:] == array.shape, f"{name} differs in shape from seed to seed"
            stacked[slot, : len(array)] = array
        self._steps[slot], self._over[slot] = 0, False
        return self.game.first_info(made, world)

    def _make_room(self, name: str, rows: int) -> None:
        assert self.worlds is not None
        stacked = getattr(self.worlds, name)
        missing = rows - stacked.shape[1]
        if missing > 0:
            longer = np.pad(stacked, [(0, 0), (0, missing)] + [(0, 0)] * (stacked.ndim - 2))
            self.worlds = self.worlds._replace(**{name: longer})

    def _advance(self, resting: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Step the worlds that do not rest, draw all; reward and termination of each."""
        reward, terminated = np.zeros(self.num_envs), np.zeros(self.num_envs, np.bool_)
        step_and_draw(
            self.worlds, self._rows, kinds.TABLES, self.game.textures, self.game.focal_px, self.game.hud,
            self._buttons, self._turns_deg, resting, self._frames, self.depth_m, self.instance_ids, self._glow,
            reward, terminated,
        )  # fmt: skip
        return reward, terminated


@njit(cache=True)
def _slot(worlds, rows, n):
    """The world of slot ``n``: views into the stacked arrays, the ragged ones cut to their length."""
    return World(
        worlds.blocks[n],
        worlds.ids[n],
        worlds.body[n],
        worlds.counters[n],
        worlds.rules[n],
        worlds.entities[n, : rows[n, 0]],
        worlds.canvas_cells[n, : rows[n, 1]],
        worlds.paint[n, : rows[n, 2]],
        worlds.lamps[n, : rows[n, 3]],
        worlds.hotbar[n],
        worlds.goal[n],
        worlds.goal_cells[n],
        worlds.events[n],
        worlds.changes[n],
    )


@njit(parallel=True, cache=True)
def step_and_draw(
    worlds,
    rows,
    tables,
    textures,
    focal,
    hud,
    buttons,
    turns_deg,
    resting,
    frames,
    depth,
    instance,
    glow,
    reward,
    ended,
):
    """For each slot, on any core: one step unless it rests, its reward and termination, and its picture."""
    for n in prange(len(resting)):
        world = _slot(worlds, rows, n)
        if not resting[n]:
            advance(world, tables, buttons[n], turns_deg[n, 0], turns_deg[n, 1])
            reward[n], ended[n] = judge(world)
        draw_world(world, tables, textures, focal, hud, frames[n], depth[n], instance[n], glow[n])
