"""A small sound game for breaking: a box-shaped room with a poster on one wall, drawn by intersecting six planes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from worldsim.core.types import Camera, GroundTruth, ObjectState

HEIGHT, WIDTH = 12, 16
HALF_M = np.array([4.0, 1.5, 4.0])  # the room's half extents: x, y (down), z
POSTER_M = 1.0
COLOURS = np.array([[200, 60, 60], [60, 200, 60], [90, 90, 90], [230, 230, 230], [60, 60, 200], [200, 200, 60]])


class Room(gymnasium.Env):
    """Walk and turn in the room; it ends close to a wall. Offers no way to branch."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012
    observation_space = gymnasium.spaces.Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8)

    def __init__(self, render_mode: str | None = None, height: int = HEIGHT, width: int = WIDTH):
        self.render_mode = render_mode
        self.action_space = gymnasium.spaces.Dict(
            {
                "forward": gymnasium.spaces.Discrete(2),
                "camera": gymnasium.spaces.Box(-20, 20, (2,), np.float32),
            }
        )
        self.ended = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None):
        super().reset(seed=seed)
        self.position = np.array([self.np_random.uniform(-1, 1), 0.0, self.np_random.uniform(-1, 1)])
        self.yaw_right_deg = float(self.np_random.uniform(0, 360))
        self.ended = False
        return self.draw()[0], {}

    def step(self, action):
        if self.ended:
            raise gymnasium.error.ResetNeeded("the episode is over: call reset()")
        self.yaw_right_deg += float(action["camera"][1])
        yaw = np.radians(self.yaw_right_deg)
        self.position = self.position + 0.25 * int(action["forward"]) * np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        self.ended = bool(np.abs(self.position).max() > 3.5)
        return self.draw()[0], float(self.ended), self.ended, False, {}

    def render(self):
        return self.draw()[0]

    def camera(self) -> Camera:
        yaw = np.radians(self.yaw_right_deg)
        T = np.eye(4)
        T[:3, :3] = [[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]]
        T[:3, 3] = self.position
        return Camera(np.array([[10.0, 0, WIDTH / 2], [0, 10.0, HEIGHT / 2], [0, 0, 1]]), T)

    def draw(self):
        """Frame, planar depth and instance ids of the present view."""
        camera = self.camera()
        rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
        rays = np.stack([(columns - WIDTH / 2) / 10, (rows - HEIGHT / 2) / 10, np.ones_like(rows)], -1)
        rays = rays @ camera.T_world_camera[:3, :3].T
        with np.errstate(divide="ignore"):
            reach = (np.sign(rays) * HALF_M - self.position) / rays  # to the plane ahead on each axis
        axis = reach.argmin(-1)
        depth = reach.min(-1)
        hit = self.position + rays * depth[..., None]
        ahead = np.take_along_axis(rays, axis[..., None], -1)[..., 0] > 0
        shade = COLOURS[axis * 2 + ahead]
        ids = ((axis == 2) & ahead & (np.abs(hit[..., 0]) < POSTER_M) & (np.abs(hit[..., 1]) < POSTER_M)).astype(
            np.int32
        )
        frame = np.where(ids[..., None] > 0, 255, shade - (np.abs(hit).sum(-1) % 1 * 40)[..., None])
        return frame.astype(np.uint8), depth.astype(np.float32), ids

    def ground_truth(self) -> GroundTruth:
        _, depth, ids = self.draw()
        poster = ObjectState(1, "poster", (0.0, 0.0, HALF_M[2]), (0.0, 0.0, 0.0), True, int(ids.sum()))
        return GroundTruth(depth, ids, self.camera(), (poster,))


class ToyGame(Room):
    """The room with snapshots."""

    def get_state(self) -> dict[str, Any]:
        return {
            "position": self.position.copy(),
            "yaw_right_deg": self.yaw_right_deg,
            "ended": self.ended,
            "random": self.np_random.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]):
        self.position = np.array(state["position"])
        self.yaw_right_deg = state["yaw_right_deg"]
        self.ended = state["ended"]
        self.np_random.bit_generator.state = state["random"]
        return self.draw()[0]
