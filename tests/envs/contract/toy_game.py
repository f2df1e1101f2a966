"""A small sound game for breaking: a box-shaped room with a poster on one wall, drawn by intersecting six planes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from worldsim.core.action_check import require_action
from worldsim.core.errors import UnknownNameError, WorldsimError
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
        self.posters = {1: (0.0, 255)}
        return self.draw()[0], {}

    def step(self, action):
        if self.ended:
            raise gymnasium.error.ResetNeeded("the episode is over: call reset()")
        self.check(action)
        self.yaw_right_deg += float(action["camera"][1])
        yaw = np.radians(self.yaw_right_deg)
        self.position = self.position + 0.25 * int(action["forward"]) * np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        self.ended = bool(np.abs(self.position).max() > 3.5)
        return self.draw()[0], float(self.ended), self.ended, False, {}

    def check(self, action):
        require_action(self.action_space, action)

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
        frame = shade - (np.abs(hit).sum(-1) % 1 * 40)[..., None]
        ids = np.zeros(axis.shape, np.int32)
        for number, (x, brightness) in self.posters.items():
            seen = (axis == 2) & ahead & (np.abs(hit[..., 0] - x) < POSTER_M) & (np.abs(hit[..., 1]) < POSTER_M)
            ids[seen], frame[seen] = number, brightness
        return frame.astype(np.uint8), depth.astype(np.float32), ids

    def ground_truth(self) -> GroundTruth:
        _, depth, ids = self.draw()
        posters = tuple(
            ObjectState(number, "poster", (x, 0.0, HALF_M[2]), (0.0, 0.0, 0.0), True, int((ids == number).sum()))
            for number, (x, _) in self.posters.items()
        )
        return GroundTruth(depth, ids, self.camera(), posters)


class ToyGame(Room):
    """The room with snapshots."""

    def get_state(self) -> dict[str, Any]:
        return {
            "position": self.position.copy(),
            "yaw_right_deg": self.yaw_right_deg,
            "ended": self.ended,
            "posters": {str(number): list(poster) for number, poster in self.posters.items()},
            "random": self.np_random.bit_generator.state,
        }

    def set_state(self, state: dict[str, Any]):
        self.position = np.array(state["position"])
        self.yaw_right_deg = state["yaw_right_deg"]
        self.ended = state["ended"]
        self.posters = {int(number): tuple(poster) for number, poster in state["posters"].items()}
        self.np_random.bit_generator.state = state["random"]
        return self.draw()[0]


class Furnished(ToyGame):
    """The room whose posters can be changed from outside, and in which something is asked."""

    task_text = "go to a wall"

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed)[0], {"task": self.task_text}

    def interventions(self) -> tuple[str, ...]:
        return ("remove", "add", "recolour", "teleport")

    def intervene(self, name: str, **details: Any):
        if name not in self.interventions():
            raise UnknownNameError("intervention", name, self.interventions())
        if "object_id" in details and details["object_id"] not in self.posters:
            raise WorldsimError(f"there is no object {details['object_id']}.")
        self.change(name, **details)
        return self.draw()[0]

    def change(self, name, object_id=0, cls="", position_m=(), colour=""):
        if position_m and tuple(position_m[1:]) != (0.0, HALF_M[2]):
            raise WorldsimError(f"position_m={position_m}: a poster hangs in the middle of its wall.")
        if name == "remove":
            del self.posters[object_id]
        elif name == "add":
            self.posters[max(self.posters, default=0) + 1] = (position_m[0], 255)
        elif name == "recolour":
            self.posters[object_id] = (self.posters[object_id][0], 120 if colour == "red" else 60)
        else:
            self.posters[object_id] = (position_m[0], self.posters[object_id][1])
