"""The voxel game as a Gymnasium environment: any map, any task, any size, any time of day."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.voxel import ground_truth, kinds, player, render, rewards, state
from envs.voxel.hands import eye_height
from envs.voxel.hud import draw_health, draw_hud
from envs.voxel.interventions import INTERVENTIONS, LastStep
from envs.voxel.map import Map, Placed
from envs.voxel.maps import MAPS
from envs.voxel.maps.scene import in_words, told
from envs.voxel.picture import draw_world
from envs.voxel.player import BUTTONS
from envs.voxel.state import World
from envs.voxel.tasks import TASKS
from envs.voxel.textures import block_textures
from worldsim.core.action_check import require_action
from worldsim.core.errors import UnknownNameError, WorldsimError, did_you_mean
from worldsim.core.seeding import stream
from worldsim.core.types import Frames, GroundTruth

SIZES_PX = (16, 1024)
# Events that bring a new object, and what it is called.
APPEARS = {state.PLACED: "placed_{}", state.DROPPED: "{}_item", state.FELL: "falling_{}"}


class VoxelEnv(gymnasium.Env[Frames, dict[str, Any]]):
    """First-person voxel world ``map``: walk, look, attack (break, hit) and use (place, paint, bite, open, switch).

    Observation: the frame, uint8 (height, width, 3). Action: MineRL 1.0 names; ``camera`` is the change of (pitch, yaw)
    in degrees this step, pitch positive down, yaw positive right. World axes: see :mod:`envs.voxel.state`.
    ``task`` decides reward and termination; ``time_of_day`` is the hour (0-24) an episode starts at (null: the map's
    own, noon in most), which runs on where ``day_length_steps`` is above 0; ``map_options`` go to the map's generator.
    Raises WorldsimError for a size, hour, mode or option that is not offered, UnknownNameError for a map or task.
    """

    world: World
    objects: list[Placed]
    last_step: LastStep | None  # what "undo" needs; None where there is nothing to undo
    _alive: list[bool] | None  # by id, whether cells of it are left; None: to be looked up
    _shown: list[Placed] | None  # the objects with classes that follow their state; None: to be looked up

    metadata = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(
        self,
        map: str = "arena",
        height: int = 64,
        width: int = 64,
        render_mode: str | None = None,
        task: str = "reach",
        time_of_day: float | None = None,
        day_length_steps: int = 0,
        hud: bool = True,
        map_options: Mapping[str, Any] | None = None,
    ):
        low, high = SIZES_PX
        if not (low <= height <= high and low <= width <= high):
            raise WorldsimError(
                f"voxel/{map} draws {low}x{low} to {high}x{high} pixels; got height={height}, width={width}"
            )
        if render_mode not in (None, "rgb_array"):
            raise WorldsimError(f"render_mode {render_mode!r} is not offered; use 'rgb_array' or None")
        if time_of_day is not None and not 0 <= time_of_day <= 24:
            raise WorldsimError(f"time_of_day is an hour from 0 to 24, 12 for noon; got {time_of_day}")
        if day_length_steps < 0:
            raise WorldsimError(f"day_length_steps is 0 (time stands still) or positive; got {day_length_steps}")
        self.map, self.height, self.width, self.render_mode = map, int(height), int(width), render_mode
        self.time_of_day = None if time_of_day is None else float(time_of_day)
        self.day_length_steps, self.hud = int(day_length_steps), hud
        self._generate = MAPS.load(map)
        self.map_options = dict(map_options or {})
        _check_options(map, self._generate, self.map_options)
        self.task_name = task
        self.task_text = ""
        self._prepare = TASKS.load(task)
        self.observation_space = spaces.Box(0, 255, (self.height, self.width, 3), np.uint8)
        buttons: dict[str, spaces.Space[Any]] = {name: spaces.Discrete(2) for name in BUTTONS}
        self.action_space = spaces.Dict({**buttons, "camera": spaces.Box(-180.0, 180.0, (2,), np.float32)})
        self.textures = block_textures()
        self.focal_px = render.focal_px(self.height)
        self._depth = np.zeros((self.height, self.width), np.float32)
        self._instance = np.zeros((self.height, self.width), np.int32)
        self._glow = np.zeros((self.height, self.width), np.bool_)
        self._frame: Frames = np.zeros((self.height, self.width, 3), np.uint8)
        self._buttons = np.zeros(len(BUTTONS), np.int64)
        self._resting = ground_truth.RestingRows()
        self._begin(Map.empty((3, 4, 3)), 0)

    # Gymnasium

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        """A new map: that of ``seed``, or the next one drawn from ``np_random``."""
        super().reset(seed=seed)
        map_seed = seed if seed is not None else int(self.np_random.integers(2**31))
        made = self.make_map(map_seed)
        self._begin(made, map_seed)
        return self._draw(), self.first_info(made, self.world)

    def make_map(self, seed: int) -> Map:
        """The map of ``seed`` with what the task puts there."""
        made: Map = self._generate(seed, **self.map_options)
        self._prepare(made, stream(seed, "voxel", "task", self.task_name))
        return made

    def make_world(self, made: Map, seed: int) -> World:
        """The first moment of a map, at the hour that the game was made with."""
        return made.world(seed, self.time_of_day, self.day_length_steps)

    @staticmethod
    def first_info(made: Map, world: World) -> dict[str, Any]:
        """What a player is told at the start: the task, and the scene where the map can be told in words."""
        if not made.scene:
            return {"task": made.task_text}
        return {"task": made.task_text, "scene": in_words(told(made.scene, world), made.scene_side)}

    def step(self, action: dict[str, Any]) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        reward, terminated = self.advance(action)
        return self._draw(), reward, terminated, False, {}

    def advance(self, action: dict[str, Any]) -> tuple[float, bool]:
        """A step without its picture: reward, and whether the episode is over."""
        require_action(self.action_space, action)
        buttons = self._buttons
        for i, name in enumerate(BUTTONS):
            buttons[i] = action[name]
        pitch_down_deg, yaw_right_deg = map(float, action["camera"])
        self.last_step = LastStep(self.world, self.objects, buttons, pitch_down_deg, yaw_right_deg)
        player.advance(self.world, kinds.TABLES, buttons, pitch_down_deg, yaw_right_deg)
        if self.world.counters[state.EVENT_COUNT]:
            self.read_events()
        if self.world.counters[state.CHANGE_COUNT]:
            self._alive = self._shown = None
        reward, terminated = rewards.judge(self.world)
        return float(reward), bool(terminated)

    def render(self) -> Frames | None:
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    # Snapshots and ground truth

    def get_state(self) -> dict[str, Any]:
        """Everything that decides the future: the world, the objects, and the stream that the next map comes from."""
        return {
            **{name: getattr(self.world, name).copy() for name in state.LASTING},
            "object_classes": np.array([cls for _, cls, *_ in self.objects], np.str_),
            "object_places": np.array([(number, x, y, z) for number, _, x, y, z in self.objects]).reshape(-1, 4),
            "task_text": np.array(self.task_text),
            "scene": np.array(list(self.scene.items()), np.str_).reshape(-1, 2),
            "np_random": _words(self.np_random),
        }

    def set_state(self, snapshot: dict[str, Any]) -> Frames:
        """Put the game into the state ``snapshot`` and return the frame seen there."""
        self.world = self.world._replace(**{name: snapshot[name].copy() for name in state.LASTING})
        self.world.events[:], self.world.changes[:] = 0, 0
        self.last_step = self._alive = self._shown = None
        self.objects = [
            (int(number), cls, x, y, z)
            for cls, (number, x, y, z) in zip(
                snapshot["object_classes"].tolist(), snapshot["object_places"].tolist(), strict=True
            )
        ]
        self.task_text = str(snapshot["task_text"])
        self.scene = dict(snapshot["scene"].tolist())
        _set_words(self.np_random, snapshot["np_random"])
        return self._draw()

    def ground_truth(self) -> GroundTruth:
        """Depth, ids, camera and objects of the present frame; crosshair and swatches are not in depth and ids."""
        if self._alive is None or len(self._alive) <= len(self.objects):
            self._alive = (ground_truth.count_ids(self.ids.ravel(), len(self.objects) + 1) > 0).tolist()
        if self._shown is None:
            self._shown = ground_truth.with_states(self.world, self.objects)
        known = ground_truth.collect(
            self.world,
            self._shown,
            self._alive,
            self._resting,
            self._depth,
            self._instance,
            self.eye(),
            self.focal_px,
            self.metadata["render_fps"],
        )
        return replace(known, scene=told(self.scene, self.world)) if self.scene else known

    def interventions(self) -> tuple[str, ...]:
        """The names :meth:`intervene` takes; see :mod:`envs.voxel.interventions` for their details."""
        return tuple(INTERVENTIONS)

    def intervene(self, name: str, **details: Any) -> Frames:
        """Change the world now and return the frame seen then; time does not pass.

        Raises UnknownNameError for a name, thing or colour, WorldsimError for details that do not fit and for a place
        that is not free.
        """
        if name not in INTERVENTIONS:
            raise UnknownNameError("intervention", name, INTERVENTIONS)
        try:
            arguments = inspect.signature(INTERVENTIONS[name]).bind(self, **details)
        except TypeError as error:
            raise WorldsimError(f"intervention {name!r} with {', '.join(details) or 'nothing'}: {error}") from error
        if name != "undo":
            self.counters[[state.EVENT_COUNT, state.CHANGE_COUNT]] = 0
        INTERVENTIONS[name](*arguments.args, **arguments.kwargs)
        self.read_events()
        self.last_step = self._alive = self._shown = None
        return self._draw()

    def hud_mask(self) -> NDArray[np.bool_]:
        """The pixels (H, W) where crosshair or swatches cover the world."""
        if not self.hud:
            return np.zeros((self.height, self.width), np.bool_)
        first, second = (np.full_like(self._frame, value) for value in (0, 7))
        for canvas in (first, second):
            draw_hud(canvas, self.textures, self.world.hotbar, 0, False)
            if self.world.goal[state.TASK] == rewards.SURVIVE:
                draw_health(canvas, state.FULL_HEALTH)
        return (first == second).all(-1)

    def eye(self) -> tuple[float, float, float]:
        """Where the camera is, in world metres."""
        x, y, z = self.body[:3].tolist()
        return x, y + float(eye_height(self.counters)), z

    @property
    def blocks(self) -> NDArray[np.uint8]:
        """Kind of each cell (X, Y, Z)."""
        return self.world.blocks

    @property
    def ids(self) -> NDArray[np.int32]:
        """Instance id of each cell (X, Y, Z), 0 for terrain."""
        return self.world.ids

    @property
    def body(self) -> NDArray[np.float64]:
        """The player's body, see :mod:`envs.voxel.state`."""
        return self.world.body

    @property
    def counters(self) -> NDArray[np.int64]:
        """The player's hands and things, see :mod:`envs.voxel.state`."""
        return self.world.counters

    def _begin(self, made: Map, seed: int) -> None:
        self.world = self.make_world(made, seed)
        self.objects = list(made.objects)
        self.last_step = self._alive = self._shown = None
        self.task_text, self.scene = made.task_text, made.scene

    def read_events(self) -> None:
        """Keep the table of objects up with what the last step did."""
        self.objects, self._shown = list(self.objects), None
        for what, who, kind, x, y, z, _ in self.world.events[: self.counters[state.EVENT_COUNT]].tolist():
            if what in APPEARS and who > len(self.objects):
                name = APPEARS[what].format(kinds.NAMES[kind])
                self.objects.append((who, name, x + 0.5, y + 0.5, z + 0.5))
            elif what == state.LANDED:
                self.objects[who - 1] = (who, self.objects[who - 1][1], x + 0.5, y + 0.5, z + 0.5)

    def _draw(self) -> Frames:
        frame = np.empty((self.height, self.width, 3), np.uint8)
        draw_world(
            self.world, kinds.TABLES, self.textures, self.focal_px, self.hud, frame, self._depth, self._instance,
            self._glow,
        )  # fmt: skip
        self._frame = frame
        return frame.copy() if self.render_mode == "rgb_array" else frame


def _check_options(name: str, generate: Any, options: dict[str, Any]) -> None:
    offered = [option for option in inspect.signature(generate).parameters if option != "seed"]
    for option in options:
        if option not in offered:
            raise WorldsimError(f"the map {name!r} has no option {option!r}.{did_you_mean(option, offered)}")


def _words(generator: np.random.Generator) -> NDArray[np.uint64]:
    """The state of gymnasium's PCG64 as six words; its 128-bit numbers fit no numpy type."""
    inner: dict[str, Any] = dict(generator.bit_generator.state)
    numbers = (inner["state"]["state"], inner["state"]["inc"])
    halves = [half for number in numbers for half in (number >> 64, number & (2**64 - 1))]
    return np.array([*halves, inner["has_uint32"], inner["uinteger"]], np.uint64)


def _set_words(generator: np.random.Generator, words: NDArray[np.uint64]) -> None:
    state_high, state_low, inc_high, inc_low, has_uint32, uinteger = (int(word) for word in words)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": state_high << 64 | state_low, "inc": inc_high << 64 | inc_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
