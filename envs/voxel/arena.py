"""``voxel/arena``: a small closed Minecraft-like arena as a Gymnasium environment."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.voxel import ground_truth, player, render, world
from envs.voxel.textures import TOP, block_textures
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames, GroundTruth

BUTTONS = (
    "attack", "back", "forward", "hotbar.1", "hotbar.2", "hotbar.3",
    "jump", "left", "right", "sneak", "sprint", "use",
)  # fmt: skip
BEACON_REWARD = 1.0
GEM_REWARD = 0.2


class ArenaEnv(gymnasium.Env[Frames, dict[str, Any]]):
    """First-person arena: walk, break, place; touching the beacon gives 1 and ends the episode, a broken gem gives 0.2.

    Observation: the frame, uint8 (height, width, 3). Action: MineRL 1.0 names; ``camera`` is the change of (pitch, yaw)
    in degrees this step, pitch positive down, yaw positive right. World axes: see :mod:`envs.voxel.world`.
    Raises WorldsimError for a size below 16 or an unknown render mode.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, height: int = 64, width: int = 64, render_mode: str | None = None):
        if height < 16 or width < 16:
            raise WorldsimError(f"voxel/arena draws 16x16 and up; got height={height}, width={width}")
        if render_mode not in (None, "rgb_array"):
            raise WorldsimError(f"render_mode {render_mode!r} is not offered; use 'rgb_array' or None")
        self.height, self.width, self.render_mode = int(height), int(width), render_mode
        self.observation_space = spaces.Box(0, 255, (self.height, self.width, 3), np.uint8)
        buttons: dict[str, spaces.Space[Any]] = {name: spaces.Discrete(2) for name in BUTTONS}
        self.action_space = spaces.Dict({**buttons, "camera": spaces.Box(-180.0, 180.0, (2,), np.float32)})
        self._textures = block_textures()
        self._swatches = self._textures[-1, list(world.HOTBAR), TOP, 0, 0].copy()
        self._hotbar = np.array(world.HOTBAR, np.uint8)
        self._focal_px = render.focal_px(self.height)
        self._depth = np.zeros((self.height, self.width), np.float32)
        self._instance = np.zeros((self.height, self.width), np.int32)
        self._frame: Frames = np.zeros((self.height, self.width, 3), np.uint8)
        self._buttons = np.zeros(len(BUTTONS), np.int64)
        self._edit = np.zeros(player.EDIT_SIZE, np.int64)
        self.body = np.zeros(player.BODY_SIZE)
        self.counters = np.zeros(player.COUNTERS_SIZE, np.int64)
        self._begin(world.Map())

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        """A new map: that of ``seed``, or the next one drawn from ``np_random``."""
        super().reset(seed=seed)
        map_seed = seed if seed is not None else int(self.np_random.integers(2**31))
        self._begin(world.generate(map_seed))
        return self._draw(), {}

    def step(self, action: dict[str, Any]) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        buttons = self._buttons
        for i, name in enumerate(BUTTONS):
            buttons[i] = action[name]
        pitch_down_deg, yaw_right_deg = action["camera"]
        touched = player.advance(
            self.blocks, self.ids, world.BREAKABLE, self._hotbar, self.body, self.counters,
            buttons, float(pitch_down_deg), float(yaw_right_deg), self._edit,
        )  # fmt: skip
        reward = BEACON_REWARD if touched else 0.0
        if self._edit[player.BROKEN_KIND] == world.GEM:
            reward += GEM_REWARD
        if self._edit[player.PLACED_KIND]:
            x, y, z = self._edit[player.EDIT_X :].tolist()
            name = world.NAMES[int(self._edit[player.PLACED_KIND])]
            number = int(self.counters[player.NEXT_ID]) - 1
            self.objects.append((number, f"placed_{name}", x + 0.5, y + 0.5, z + 0.5))
        return self._draw(), reward, bool(touched), False, {}

    def render(self) -> Frames | None:
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the future: the world, the player, and the stream that the next map comes from."""
        return {
            "blocks": self.blocks.copy(),
            "ids": self.ids.copy(),
            "body": self.body.copy(),
            "counters": self.counters.copy(),
            "object_classes": np.array([cls for _, cls, *_ in self.objects], np.str_),
            "object_places": np.array([(number, x, y, z) for number, _, x, y, z in self.objects]).reshape(-1, 4),
            "np_random": _words(self.np_random),
        }

    def set_state(self, state: dict[str, Any]) -> Frames:
        """Put the game into ``state`` and return the frame seen there."""
        self.blocks, self.ids = state["blocks"].copy(), state["ids"].copy()
        self.body, self.counters = state["body"].copy(), state["counters"].copy()
        self.objects = [
            (int(number), cls, x, y, z)
            for cls, (number, x, y, z) in zip(
                state["object_classes"].tolist(), state["object_places"].tolist(), strict=True
            )
        ]
        _set_words(self.np_random, state["np_random"])
        return self._draw()

    def ground_truth(self) -> GroundTruth:
        """Depth, ids, camera and objects of the present frame; crosshair and swatches are not in depth and ids."""
        return ground_truth.collect(
            self._depth, self._instance, self.eye(), float(self.body[player.YAW]), float(self.body[player.PITCH]),
            self._focal_px, self.ids, self.objects,
        )  # fmt: skip

    def hud_mask(self) -> NDArray[np.bool_]:
        """The pixels (H, W) where crosshair or swatches cover the world."""
        first, second = (np.full_like(self._frame, value) for value in (0, 7))
        for canvas in (first, second):
            render.draw_hud(canvas, self._swatches, 0, False)
        return (first == second).all(-1)

    def eye(self) -> tuple[float, float, float]:
        """Where the camera is, in world metres."""
        x, y, z = self.body[:3].tolist()
        return x, y + float(player.eye_height(self.counters)), z

    def _begin(self, made: world.Map) -> None:
        self.blocks, self.ids, self.objects = made.blocks, made.ids, made.objects
        self.body[:] = 0
        self.counters[:] = 0
        self.body[: player.VX] = made.spawn
        self.body[player.YAW] = made.spawn_yaw_deg
        self.body[player.VY] = player.REST_FALL_M
        self.counters[player.ON_GROUND] = 1
        self.counters[player.NEXT_ID] = len(made.objects) + 1

    def _draw(self) -> Frames:
        frame = np.empty((self.height, self.width, 3), np.uint8)
        x, y, z = self.eye()
        render.draw(
            self.blocks, self.ids, self._textures, world.GLOWS, x, y, z, self.body[player.YAW], self.body[player.PITCH],
            self._focal_px, frame, self._depth, self._instance,
        )  # fmt: skip
        waiting = bool(self.counters[player.ATTACK_WAIT] or self.counters[player.USE_WAIT])
        render.draw_hud(frame, self._swatches, self.counters[player.SELECTED], waiting)
        self._frame = frame
        return frame.copy() if self.render_mode == "rgb_array" else frame


def _words(generator: np.random.Generator) -> NDArray[np.uint64]:
    """The state of gymnasium's PCG64 as six words; its 128-bit numbers fit no numpy type."""
    state: dict[str, Any] = dict(generator.bit_generator.state)
    numbers = (state["state"]["state"], state["state"]["inc"])
    halves = [half for number in numbers for half in (number >> 64, number & (2**64 - 1))]
    return np.array([*halves, state["has_uint32"], state["uinteger"]], np.uint64)


def _set_words(generator: np.random.Generator, words: NDArray[np.uint64]) -> None:
    state_high, state_low, inc_high, inc_low, has_uint32, uinteger = (int(word) for word in words)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state_high << 64 | state_low, "inc": inc_high << 64 | inc_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
