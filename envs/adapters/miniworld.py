"""MiniWorld's games: drawn at the size asked for, with depth in metres and the camera."""

from __future__ import annotations

import contextlib
import io
import weakref
from typing import Any

import numpy as np

from envs.adapters.gym_game import ReplayedGymGame
from envs.adapters.pictures import Picture
from worldsim.core.types import Camera, Frames, GroundTruth

SAMPLES = 8  # a pixel, as MiniWorld asks for
FAR_M = 99.0  # its far plane is at 100 m, where one step of its 16-bit depth is 4 m

_last_drawn: Any = lambda: None  # noqa: E731  a weak reference to the game whose walls are in OpenGL's display list


class MiniWorldGame(ReplayedGymGame):
    """A game with depth (in steps of about depth squared / 2,600 m) and camera, brought to a point by replay."""

    def __init__(self, name: str, game: Any, picture: Picture | None, **settings: Any):
        super().__init__(name, game, picture, **settings)
        from miniworld.opengl import FrameBuffer

        env = self._env
        with contextlib.redirect_stdout(io.StringIO()):  # it prints how many samples the driver has
            env.obs_fb = FrameBuffer(self.width, self.height, SAMPLES)

    def ground_truth(self) -> GroundTruth:
        """Depth and camera of the present moment; its OpenGL axes (y up) become ours."""
        assert self._frame is not None, "reset() comes before this"
        self._own_walls()
        env = self._env
        depth_m = env.render_depth()[..., 0].astype(np.float32)
        depth_m[depth_m > FAR_M] = np.inf
        agent = env.agent
        focal = self.height / 2 / np.tan(np.radians(agent.cam_fov_y) / 2)
        K = np.array([[focal, 0, self.width / 2], [0, focal, self.height / 2], [0, 0, 1]])
        forward = np.asarray(agent.cam_dir, np.float64)
        right = np.cross(forward, [0.0, 1.0, 0.0])
        right /= np.linalg.norm(right)
        T = np.eye(4)
        T[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        T[:3, 3] = agent.cam_pos
        return GroundTruth(depth_m=depth_m, camera=Camera(K, T))

    @property
    def _env(self) -> Any:
        return self.game.unwrapped

    def _begin(self, seed: int | None, options: dict[str, Any] | None) -> dict[str, Any]:
        global _last_drawn
        info = super()._begin(seed, options)
        _last_drawn = weakref.ref(self)  # the reset has put its walls into the list
        return info

    def _advance(self, action: Any) -> tuple[float, bool, bool, dict[str, Any]]:
        self._own_walls()
        return super()._advance(action)

    def _own_walls(self) -> None:
        """Walls are drawn from OpenGL's display list 1, which all MiniWorld games of a process share."""
        global _last_drawn
        if _last_drawn() is not self:
            self._env.shadow_window.switch_to()
            self._env._render_static()
            _last_drawn = weakref.ref(self)

    def _see(self) -> Frames:
        self._frame = np.array(self._obs)  # drawn at this size
        return self._frame
