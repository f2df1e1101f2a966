"""What pays and what ends an episode. A task reads the events of the last step; what it counts is in ``progress``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.voxel import state
from envs.voxel.kinds import GEM
from worldsim.core.registry import Registry

BEACON_REWARD = 1.0
GEM_REWARD = 0.2


class Reach:
    """Touching the beacon gives 1 and ends the episode; a gem, broken or picked up, gives 0.2."""

    text = "go to the beacon"

    def __init__(self) -> None:
        self.progress: NDArray[np.float64] = np.zeros(0)  # part of the game's snapshot; the same size always

    def begin(self, env: Any) -> None:
        """A new episode of ``env`` (a VoxelEnv) begins."""

    def judge(self, env: Any) -> tuple[float, bool]:
        """Reward and termination of the step that ``env.world.events`` tells of."""
        reward, done = 0.0, False
        counters = env.world.counters
        for row in env.world.events[: counters[state.EVENT_COUNT]].tolist():
            what = row[state.WHAT]
            if what == state.TOUCHED:
                reward, done = reward + BEACON_REWARD, True
            # Where blocks leave items behind, a gem pays when it is picked up.
            elif row[state.KIND] == GEM and what == (state.PICKED_UP if env.world.rules[state.DROPS] else state.BROKEN):
                reward += GEM_REWARD
        return reward, done or bool(counters[state.HEALTH] <= 0)


TASKS = Registry("voxel task")
TASKS.add("reach", "envs.voxel.tasks:Reach", "go to the beacon; gems pay on the way")
