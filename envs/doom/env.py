"""ViZDoom scenarios as Gymnasium environments whose observation is the frame."""

from __future__ import annotations

import weakref
from typing import Any

import gymnasium
import numpy as np
import vizdoom as vzd
from gymnasium import spaces
from numpy.typing import NDArray

from envs.doom.frame import draw_health, resize_screen
from envs.doom.game import TICS_PER_SECOND, TICS_PER_STEP, choose_screen, start_game
from envs.doom.ground_truth import describe
from envs.doom.level import read_level
from envs.doom.scenarios import find_scenario
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames, GroundTruth

MAX_YAW_DEG = 20.0


class DoomEnv(gymnasium.Env):
    """One ViZDoom scenario: walk, strafe and turn; a step is 4 tics.

    Observation: the frame, uint8 (height, width, 3). Where health decides reward and
    death, a bar at the bottom shows it.
    Action: a Dict of ``forward``, ``back``, ``left``, ``right`` (strafes; 0 or 1) and ``camera_yaw_right_deg``, the
    turn of the whole step in degrees, spread evenly over its tics.
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
        self.action_space = spaces.Dict(
            {name: spaces.Discrete(2) for name in ("forward", "back", "left", "right")}
            | {"camera_yaw_right_deg": spaces.Box(-MAX_YAW_DEG, MAX_YAW_DEG, (1,), np.float32)}
        )
        self.max_steps = (self.scenario.timeout_tics - self.scenario.start_tic) // TICS_PER_STEP
        self._codec = ActionCodec.from_space(self.action_space)
        self._level = read_level(self.scenario)
        self._screen = choose_screen(height, width)
        self._game: vzd.DoomGame | None = None
        self._with_labels = False
        self._seed = 0
        self._pressed: list[list[float]] = []  # the button vectors since reset
        self._state: vzd.GameState | None = None  # of the last frame seen
        self._frame: Frames | None = None

    @property
    def game(self) -> vzd.DoomGame:
        """The engine, started when it is first needed."""
        if self._game is None:
            self._game, stop = start_game(self.scenario, self._screen, self._with_labels)
            self._stop = weakref.finalize(self, stop)
        return self._game

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        super().reset(seed=seed)
        self._begin(int(self.np_random.integers(2**31)) if seed is None else seed)
        self._see()
        return self._observation(), self._info()

    def step(self, action: dict[str, Any]) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        if self._state is None or self.game.is_episode_finished():
            raise gymnasium.error.ResetNeeded("the episode is over, or none has begun: call reset() before step()")
        health = self.health
        self._pressed.append(self._buttons(action))
        own_reward = self.game.make_action(self._pressed[-1], TICS_PER_STEP)
        self._see()
        reward = self.scenario.reward_scale * own_reward + self.scenario.health_reward_scale * (self.health - health)
        terminated = self.game.is_episode_finished()
        truncated = not terminated and len(self._pressed) >= self.max_steps
        return self._observation(), float(reward), terminated, truncated, self._info()

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

    def ground_truth(self) -> GroundTruth:
        """Depth, ids, camera and objects of the last frame seen; axes and units are in :mod:`envs.doom.ground_truth`.

        The first call starts the engine anew with labels and replays up to here (a fraction of a second); from then
        on steps and replays are slower, and the frames are the same.
        """
        if not self._with_labels:
            self._restart_with_labels()
        return describe(self.state, self._level, self._screen, self.height, self.width)

    def render(self) -> Frames | None:
        return self._observation() if self.render_mode == "rgb_array" and self._frame is not None else None

    def close(self) -> None:
        if self._game is not None:
            self._stop()
            self._game = None
        self._state = self._frame = None

    @property
    def health(self) -> float:
        """Points of health, 0 to 100."""
        return max(0.0, float(self.game.get_game_variable(vzd.GameVariable.HEALTH)))

    @property
    def pose(self) -> tuple[float, float, float]:
        """Where the player is: x, y in map units and the angle in degrees, counter-clockwise from x."""
        variable = vzd.GameVariable
        wanted = (variable.POSITION_X, variable.POSITION_Y, variable.ANGLE)
        x, y, angle = (float(self.game.get_game_variable(name)) for name in wanted)
        return x, y, angle

    @property
    def state(self) -> vzd.GameState:
        """The engine's own description of the last frame seen."""
        assert self._state is not None, "reset() comes before this"
        return self._state

    def _begin(self, seed: int) -> None:
        self._seed, self._pressed, self._state, self._frame = seed, [], None, None
        self.game.set_seed(seed % 2**32)
        self.game.new_episode()

    def _advance(self, presses: list[list[float]]) -> None:
        """Take steps of which only the last is drawn, where that is possible.

        With labels the engine gives out ids in the order in which it draws, so it has to draw every step.
        """
        for left, buttons in zip(range(len(presses) - 1, -1, -1), presses, strict=True):
            self.game.set_action(buttons)
            self.game.advance_action(TICS_PER_STEP, self._with_labels or left == 0)
        self._pressed.extend(presses)

    def _restart_with_labels(self) -> None:
        assert self._state is not None, "reset() comes before this"
        frame, pressed, ended = self._frame, self._pressed, self.game.is_episode_finished()
        self.close()
        self._with_labels = True
        self._begin(self._seed)
        seen = len(pressed) - ended  # a step that ends the episode shows the frame before it
        self._advance(pressed[:seen])
        self._state, self._frame = self.game.get_state(), frame
        self._advance(pressed[seen:])

    def _see(self) -> None:
        """Take in the present state; after the end there is none and the last one stays."""
        self._state = self.game.get_state() or self._state
        assert self._state is not None
        self._frame = resize_screen(self._state.screen_buffer, self.height, self.width)
        if self.scenario.shows_health:
            draw_health(self._frame, self.health)

    def _observation(self) -> Frames:
        assert self._frame is not None
        return self._frame.copy()

    def _info(self) -> dict[str, Any]:
        return {"health": self.health}

    def _buttons(self, action: dict[str, Any]) -> list[float]:
        yaw_right_deg = float(np.float32(np.asarray(action["camera_yaw_right_deg"]).reshape(())))
        moves = [float(action[name]) for name in ("forward", "back", "left", "right")]
        return [*moves, yaw_right_deg / TICS_PER_STEP]
