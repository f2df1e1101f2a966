from typing import Any

import numpy as np
import pytest

from envs.voxel import kinds, state
from envs.voxel.env import VoxelEnv
from envs.voxel.map import REST_FALL_M
from envs.voxel.maps import arena
from worldsim.core.actions import ActionCodec


class Played:
    """The arena with actions by channel name, and ways to put the player somewhere."""

    def __init__(self, height: int = 64, width: int = 64):
        self.env = VoxelEnv(height=height, width=width)
        self.codec = ActionCodec.from_space(self.env.action_space)
        self.env.reset(seed=3)

    def act(self, steps: int = 1, pitch: float = 0.0, yaw: float = 0.0, **buttons: float) -> Any:
        vector = self.codec.vector(camera_pitch_down_deg=pitch, camera_yaw_right_deg=yaw, **buttons)
        for _ in range(steps):
            result = self.env.step(self.codec.decode(vector))
        return result

    def stand(self, x: float, z: float, yaw: float = 0.0, pitch: float = 0.0, empty: bool = True) -> np.ndarray:
        """Put the player on the floor at x, z; ``empty`` clears everything but floor and walls. Returns the frame."""
        snapshot = self.env.get_state()
        if empty:
            snapshot["blocks"][snapshot["ids"] > 0] = kinds.AIR
            snapshot["ids"][:] = 0
        snapshot["body"][:] = (x, arena.FLOOR_Y, z, 0.0, REST_FALL_M, 0.0, yaw, pitch)
        snapshot["counters"][state.ON_GROUND] = 1
        return self.env.set_state(snapshot)

    def put(self, x: int, y: int, z: int, kind: int, number: int = 0) -> np.ndarray:
        snapshot = self.env.get_state()
        snapshot["blocks"][x, y, z], snapshot["ids"][x, y, z] = kind, number
        return self.env.set_state(snapshot)

    def wander(self, steps: int, seed: int) -> None:
        """Random held buttons and turns, with the view kept near level."""
        rng = np.random.default_rng(seed)
        for _ in range(steps // 5):
            held = {name: float(rng.random() < 0.3) for name in ("forward", "left", "back", "jump", "use", "attack")}
            pitch = 0.2 * (12 - self.env.body[state.PITCH])
            _, _, terminated, _, _ = self.act(5, pitch, rng.normal() * 8, **held)
            if terminated:
                return


@pytest.fixture
def game() -> Played:
    return Played()


@pytest.fixture(scope="session")
def play_at():
    return Played
