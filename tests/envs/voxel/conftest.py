from typing import Any

import numpy as np
import pytest

from envs.voxel import kinds, state
from envs.voxel.env import VoxelEnv
from envs.voxel.map import REST_FALL_M
from envs.voxel.maps import arena
from worldsim.core.actions import ActionCodec


class Played:
    """A voxel game with actions by channel name, and ways to put the player somewhere."""

    def __init__(self, height: int = 64, width: int = 64, seed: int = 3, **kwargs: Any):
        self.env = VoxelEnv(height=height, width=width, **kwargs)
        self.codec = ActionCodec.from_space(self.env.action_space)
        self.env.reset(seed=seed)

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

    def face(self, object_id: int) -> bool:
        """Put the player on the floor before an object, with the crosshair on it; False where that cannot be."""
        thing = self.object(object_id)
        for far in (1.6, 2.2, 2.8):
            for turn in range(0, 360, 30):
                x = thing.position_m[0] + far * np.sin(np.radians(turn))
                z = thing.position_m[2] - far * np.cos(np.radians(turn))
                i, k = int(x), int(z)
                nx, _, nz = self.env.blocks.shape
                if not (1 <= i < nx - 1 and 1 <= k < nz - 1) or self.env.blocks[i, 2:4, k].any():
                    continue
                frac = (x - i, z - k)
                if min(*frac) < 0.31 or max(*frac) > 0.69:  # not into a neighbouring block
                    continue
                down = np.degrees(np.arctan2(2 + 1.62 - thing.position_m[1], far))
                self.stand(x, z, float((turn + 180) % 360 - 180), float(down), empty=False)
                truth = self.env.ground_truth()
                if truth.instance_ids[self.env.height // 2, self.env.width // 2] == object_id:
                    return True
        return False

    def aim(self, object_id: int) -> None:
        """Turn to the middle of what is seen of an object."""
        truth = self.env.ground_truth()
        row, column = np.argwhere(truth.instance_ids == object_id).mean(0)
        K = truth.camera.K
        yaw, pitch = np.degrees(np.arctan2([column - K[0, 2], row - K[1, 2]], K[0, 0]))
        self.act(pitch=float(pitch), yaw=float(yaw))

    def object(self, object_id: int) -> Any:
        return self.env.ground_truth().objects[object_id - 1]

    @staticmethod
    def world_points(truth: Any) -> np.ndarray:
        """The world point of every pixel (H, W, 3), from depth and camera alone."""
        height, width = truth.depth_m.shape
        v, u = np.mgrid[:height, :width]
        rays = np.stack([u, v, np.ones_like(u)], -1) @ np.linalg.inv(truth.camera.K).T
        with np.errstate(invalid="ignore"):
            points = rays * truth.depth_m[..., None].astype(np.float64)
            return points @ truth.camera.T_world_camera[:3, :3].T + truth.camera.T_world_camera[:3, 3]

    def find(self, cls: str) -> list[int]:
        """The ids of the objects of a name, in whatever state they are."""
        return [number for number, name, *_ in self.env.objects if name == cls]

    def events(self) -> list[str]:
        """What happened in the last step."""
        count = self.env.counters[state.EVENT_COUNT]
        return [state.EVENT_NAMES[what] for what in self.env.world.events[:count, state.WHAT]]

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


@pytest.fixture
def gallery() -> Played:
    return Played(map="gallery", seed=1)


@pytest.fixture(scope="session")
def play_at():
    return Played
