"""ViZDoom scenarios as Gymnasium environments whose observation is the frame."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np
import vizdoom as vzd
from gymnasium import spaces
from numpy.typing import NDArray

from envs.doom.frame import draw_health, resize_screen
from envs.doom.game import TICS_PER_SECOND, TICS_PER_STEP, choose_screen, engine_folder, start_game
from envs.doom.scenarios import find_scenario
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Frames

MAX_YAW_DEG = 20.0


class DoomEnv(gymnasium.Env):
    """One ViZDoom scenario: walk, strafe and turn; a step is 4 tics.

    Observation: the frame, uint8 (height, width, 3). Where health decides reward and death a bar along the bottom shows it.
    Action: a Dict of ``forward``, ``back``, ``left``, ``right`` (strafes; 0 or 1) and ``camera_yaw_right_deg``, the
    turn of the whole step in degrees, spread evenly over its tics.
    Reward: the scenario's own, scaled as :mod:`envs.doom.scenarios` says. ``terminated`` on success or death,
    ``truncated`` at the scenario's time limit. The engine draws nothing once an episode is over, so the frame of a
    terminal step is the last one seen (with the health bar empty after a death).
    Equal seeds and actions give equal bits, in any process; :meth:`replay` builds on that.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": TICS_PER_SECOND / TICS_PER_STEP}

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
        self._folder = engine_folder()
        self._game: vzd.DoomGame | None = None
        self._state: vzd.GameState | None = None  # of the last frame seen
        self._steps = 0
        self._frame: Frames | None = None

    @property
    def game(self) -> vzd.DoomGame:
        """The engine, started when it is first needed."""
        if self._game is None:
            self._game = start_game(self.scenario, choose_screen(self.height, self.width), False, self._folder.name)
        return self._game

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        super().reset(seed=seed)
        self._begin(int(self.np_random.integers(2**31)) if seed is None else seed)
        self._see()
        return self._observation(), self._info()

    def step(self, action: dict[str, Any]) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        if self._state is None or self.game.is_episode_finished():
            raise WorldsimError("the episode is over, or none has begun: call reset() before step()")
        health = self.health
        own_reward = self.game.make_action(self._buttons(action), TICS_PER_STEP)
        self._steps += 1
        self._see()
        reward = self.scenario.reward_scale * own_reward + self.scenario.health_reward_scale * (self.health - health)
        terminated = self.game.is_episode_finished()
        truncated = not terminated and self._steps >= self.max_steps
        return self._observation(), float(reward), terminated, truncated, self._info()

    def replay(self, seed: int, actions: NDArray[np.float32]) -> Frames:
        """Reset with ``seed``, take ``actions`` (P, channels), return the frame reached, equal to the bit.

        All but the last two steps are drawn by nobody, which makes a long prefix cheap.
        Raises WorldsimError when the episode ends before the actions do.
        """
        decoded = [self._codec.decode(action) for action in actions]
        super().reset(seed=seed)
        self._begin(seed)
        for action in decoded[:-2]:
            self.game.set_action(self._buttons(action))
            self.game.advance_action(TICS_PER_STEP, False)
            self._steps += 1
            if self.game.is_episode_finished():
                raise WorldsimError(f"seed {seed}: the episode ends at step {self._steps} of {len(decoded)} to replay")
        if len(decoded) < 2:
            self._see()
        for action in decoded[-2:]:
            self._state = self._state or self.game.get_state()
            self.step(action)
        return self._observation()

    def render(self) -> Frames | None:
        return self._observation() if self.render_mode == "rgb_array" and self._frame is not None else None

    def close(self) -> None:
        if self._game is not None:
            self._game.close()
            self._game = None
        self._state = self._frame = None
        self._folder.cleanup()

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
        self.game.set_seed(seed % 2**32)
        self.game.new_episode()
        self._steps, self._state, self._frame = 0, None, None

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
