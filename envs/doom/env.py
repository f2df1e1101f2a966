"""ViZDoom scenarios and rooms of our own as Gymnasium environments whose observation is the frame."""

from __future__ import annotations

import weakref
from operator import itemgetter
from typing import Any

import gymnasium
import numpy as np
import vizdoom as vzd
from gymnasium import spaces
from numpy.typing import NDArray

from envs.doom.frame import draw_frame
from envs.doom.game import TICS_PER_SECOND, TICS_PER_STEP, choose_screen, room_file, start_game
from envs.doom.ground_truth import describe
from envs.doom.interventions import NAMES, Change, command_for, has_happened
from envs.doom.level import Level, parse_level, read_level
from envs.doom.rooms import room_wad
from envs.doom.scenarios import find_scenario
from envs.doom.udmf import GridMap
from worldsim.core.action_check import require_action
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.seeding import stream
from worldsim.core.types import Frames, GroundTruth

MAX_YAW_DEG = 20.0
FLOAT32 = np.dtype(np.float32)
WALKING = ("forward", "back", "left", "right")


class DoomEnv(gymnasium.Env):
    """One Doom scenario: walk, strafe, turn, and where it makes sense shoot or use; a step is 4 tics.

    Observation: the frame, uint8 (height, width, 3). Where health decides reward and
    death, a bar at the bottom shows it.
    Action: a Dict of ``forward``, ``back``, ``left``, ``right`` (strafes; 0 or 1), ``attack`` and ``use`` where the
    scenario has them, and ``camera_yaw_right_deg``, the turn of the whole step in degrees, spread evenly over its tics.
    Reward: the scenario's own, scaled as :mod:`envs.doom.scenarios` says. ``terminated`` on success or death,
    ``truncated`` at the scenario's time limit. The engine draws nothing once an episode is over, so the frame of a
    terminal step is the last one seen (with the health bar empty after a death).
    Equal seeds and actions give equal bits, in any process; :meth:`replay` builds on that.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": TICS_PER_SECOND / TICS_PER_STEP}  # noqa: RUF012 (gymnasium's own declaration)

    def __init__(self, scenario: str, height: int = 48, width: int = 64, render_mode: str | None = None):
        self.scenario = find_scenario(scenario)
        if not (16 <= height <= 768 and 16 <= width <= 1024):
            raise WorldsimError(f"height={height}, width={width}: a Doom frame is 16 to 768 high and 16 to 1024 wide")
        if render_mode not in (None, "rgb_array"):
            raise WorldsimError(f"render_mode={render_mode!r}: use 'rgb_array' or None")
        self.height, self.width, self.render_mode = height, width, render_mode
        self.observation_space = spaces.Box(0, 255, (height, width, 3), np.uint8)
        self._keys = (*WALKING, *self.scenario.keys)
        self._pressed_keys = itemgetter(*self._keys)
        self.action_space = spaces.Dict(
            {name: spaces.Discrete(2) for name in self._keys}
            | {"camera_yaw_right_deg": spaces.Box(-MAX_YAW_DEG, MAX_YAW_DEG, (1,), np.float32)}
        )
        self.max_steps = (self.scenario.timeout_tics - self.scenario.start_tic) // TICS_PER_STEP
        self._codec = ActionCodec.from_space(self.action_space)
        self._room: GridMap | None = None
        self._level: Level | None = None  # read when somebody asks
        self._screen = choose_screen(height, width)
        self._game: vzd.DoomGame | None = None
        self._with_objects = self._with_labels = False
        self._seed = 0
        self._pressed: list[list[float]] = []  # the button vectors since reset
        self._changes: list[Change] = []  # the interventions since reset
        self._state: vzd.GameState | None = None  # of the last frame seen
        self._frame: Frames | None = None
        self._over = True
        self._health = 0.0

    @property
    def game(self) -> vzd.DoomGame:
        """The engine, started when it is first needed."""
        if self._game is None:
            level = self.level_file(self._seed) if self.scenario.room else None
            self._game, stop = start_game(self.scenario, self._screen, self._with_objects, self._with_labels, level)
            self._stop = weakref.finalize(self, stop)
        return self._game

    @property
    def level(self) -> Level:
        """The shape of the level; in rooms of our own that of this episode."""
        if self._level is None:
            assert self._room is not None or not self.scenario.room, "reset() comes before this"
            self._level = parse_level(self._room.text()) if self._room else read_level(self.scenario.name)
        return self._level

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        super().reset(seed=seed)
        self._begin(int(self.np_random.integers(2**31)) if seed is None else seed)
        self._see()
        return self._observation(), {"health": self._health}

    def step(self, action: dict[str, Any]) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        """Raises WorldsimError for an action outside of the space, and ResetNeeded after the end."""
        if self._over:
            raise gymnasium.error.ResetNeeded("the episode is over, or none has begun: call reset() before step()")
        buttons, health = self._buttons(action), self._health
        self._pressed.append(buttons)
        assert self._game is not None
        own_reward = self._game.make_action(buttons, TICS_PER_STEP)
        self._see()
        scenario = self.scenario
        reward = scenario.reward_scale * own_reward + scenario.health_reward_scale * (self._health - health)
        truncated = not self._over and len(self._pressed) >= self.max_steps
        return self._observation(), reward, self._over, truncated, {"health": self._health}

    def replay(self, seed: int, actions: NDArray[np.float32]) -> Frames:
        """Reset with ``seed``, take ``actions`` (P, channels), return the frame reached, equal to the bit.

        All but the last two steps are drawn by nobody, which makes a long prefix cheap.
        Raises WorldsimError when the episode ends before the actions do.
        """
        decoded = [self._codec.decode(action) for action in actions]
        super().reset(seed=seed)
        self._begin(seed)
        self._advance([self._buttons(action) for action in decoded[:-2]])
        if self.game.is_episode_finished():
            raise WorldsimError(f"seed {seed}: the episode ends before the {len(decoded)} actions to replay do")
        self._see()  # two before the end, because the last step may end the episode and show the frame before it
        for action in decoded[-2:]:
            self.step(action)
        return self._observation()

    def interventions(self) -> tuple[str, ...]:
        """In rooms of our own, which carry the scripts for it; none in bundled scenarios."""
        return NAMES if self.scenario.room else ()

    def intervene(self, name: str, **details: Any) -> Frames:
        """Change the world one tic before the present frame, and return the frame as it is then.

        The engine can change things only while time passes, so the episode is played again up to here with the change
        in it; what comes before is equal to the bit. ``details``: see :mod:`envs.doom.interventions`.
        Raises WorldsimError for what this scenario cannot do, and where no step has been taken or the episode is over.
        """
        if self._over or not self._pressed:
            raise WorldsimError(f"{name!r} changes an episode that runs and has taken a step; reset() and step() first")
        if not self._with_labels:
            self._restart(with_labels=True)
        kept, pressed, before = self._changes, self._pressed, list(self.state.objects or ())
        self._begin(self._seed)
        first = list(self.game.get_state().objects or ())
        try:
            command = command_for(name, details, self._room, first, len(kept))
            self._play_again(pressed, [*kept, Change(len(pressed) - 1, command)])
            if self._over or not has_happened(name, details, before, self.state.objects or ()):
                raise WorldsimError(f"{name!r} with {details} did nothing: the place is taken.")
        except WorldsimError:
            self._play_again(pressed, kept)
            raise
        return self._observation()

    def ground_truth(self) -> GroundTruth:
        """Depth, ids, camera and objects of the last frame seen; axes and units are in :mod:`envs.doom.ground_truth`.

        The first call starts the engine anew with labels and replays up to here (a fraction of a second); from then
        on steps and replays are slower, and the frames are the same.
        """
        if not self._with_labels:
            self._restart(with_labels=True)
        return describe(self.state, self.level, self._screen, self.height, self.width)

    def render(self) -> Frames | None:
        """A copy of the last frame; ResetNeeded before the first."""
        if self._frame is None:
            raise gymnasium.error.ResetNeeded("no episode has begun: call reset() before render()")
        return self._frame.copy() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        if self._game is not None:
            self._stop()
            self._game = None
        self._state = self._frame = None
        self._over = True

    @property
    def health(self) -> float:
        """Points of health, 0 to 100."""
        return self._health

    @property
    def pose(self) -> tuple[float, float, float]:
        """Where the player is: x, y in map units and the angle in degrees, counter-clockwise from x."""
        variable = vzd.GameVariable
        wanted = (variable.POSITION_X, variable.POSITION_Y, variable.ANGLE)
        x, y, angle = (float(self.game.get_game_variable(name)) for name in wanted)
        return x, y, angle

    @property
    def state(self) -> vzd.GameState:
        """The engine's own description of the last frame seen, with the objects of the level.

        The first call starts the engine anew with objects, as ``ground_truth`` does with labels: they slow each step.
        """
        if not self._with_objects:
            self._restart(with_labels=self._with_labels)
        assert self._state is not None
        return self._state

    def level_file(self, seed: int) -> bytes:
        """The WAD of the room of our own that ``seed`` makes; every WAD is equally long."""
        return room_wad(self._draw_room(seed).text())

    def _begin(self, seed: int) -> None:
        self._seed, self._pressed, self._changes, self._state, self._frame = seed, [], [], None, None
        game = self.game
        if self.scenario.room:
            self._room, self._level = self._draw_room(seed), None
            with open(room_file(game), "r+b") as file:
                file.write(room_wad(self._room.text()))
        game.set_seed(seed % 2**32)
        game.new_episode()

    def _draw_room(self, seed: int) -> GridMap:
        assert self.scenario.room is not None
        return self.scenario.room(stream(seed, "doom room", self.scenario.name))

    def _advance(self, presses: list[list[float]]) -> None:
        """Take steps of which only the last is drawn, where that is possible.

        With labels the engine gives out ids in the order in which it draws, so it has to draw every step.
        """
        for left, buttons in zip(range(len(presses) - 1, -1, -1), presses, strict=True):
            commands = [change.command for change in self._changes if change.step == len(self._pressed)]
            self.game.set_action(buttons)
            if commands:
                self.game.advance_action(TICS_PER_STEP - 1, False)
                for command in commands:
                    self.game.send_game_command(command)
                self.game.advance_action(1, True)
            else:
                self.game.advance_action(TICS_PER_STEP, self._with_labels or left == 0)
            self._pressed.append(buttons)

    def _play_again(self, pressed: list[list[float]], changes: list[Change]) -> None:
        """This episode from its reset, up to a frame that is seen."""
        self._begin(self._seed)
        self._changes = changes
        self._advance(pressed)
        self._see()

    def _restart(self, with_labels: bool) -> None:
        """The engine anew, with objects and perhaps labels, at the same place of this episode."""
        assert self._state is not None, "reset() comes before this"
        frame, pressed, changes, over = self._frame, self._pressed, self._changes, self._over
        health = self._health
        self.close()
        self._with_objects, self._with_labels = True, with_labels
        self._begin(self._seed)
        self._changes = changes
        seen = len(pressed) - over  # a step that ends the episode shows the frame before it
        self._advance(pressed[:seen])
        self._state = self.game.get_state()
        self._advance(pressed[seen:])
        self._frame, self._over, self._health = frame, over, health

    def _see(self) -> None:
        """Take in the present state; after the end there is none and the last one stays."""
        assert self._game is not None
        state = self._game.get_state()
        self._over = state is None
        if state is None:
            self._health = max(0.0, float(self._game.get_game_variable(vzd.GameVariable.HEALTH)))
            assert self._state is not None
        else:
            self._state = state
            self._health = max(0.0, state.game_variables.item(-1))  # type: ignore[union-attr]
        health = self._health if self.scenario.shows_health else None
        self._frame = draw_frame(self._state.screen_buffer, self.height, self.width, health)

    def _observation(self) -> Frames:
        assert self._frame is not None
        return self._frame

    def _buttons(self, action: dict[str, Any]) -> list[float]:
        try:
            turn = action["camera_yaw_right_deg"]
            # An array of the space's own type needs no conversion, the costliest part of all this.
            yaw_right_deg = (turn if getattr(turn, "dtype", None) is FLOAT32 else np.asarray(turn, np.float32)).item()
            buttons = list(map(float, self._pressed_keys(action)))
        except (KeyError, TypeError, ValueError):
            buttons, yaw_right_deg = [], np.nan
        known = buttons.count(0.0) + buttons.count(1.0) == len(self._keys) == len(action) - 1
        if not (known and abs(yaw_right_deg) <= MAX_YAW_DEG):
            require_action(self.action_space, action)
        buttons.insert(len(WALKING), yaw_right_deg / TICS_PER_STEP)
        return buttons
