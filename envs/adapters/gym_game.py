"""Any Gymnasium game behind our contract: ``make_gym_game("ALE/Breakout-v5", height=64, width=64)``.

On the command line, in tables and for :func:`worldsim.core.games.make_game` its id is ``gym:ALE/Breakout-v5``.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from envs.adapters.packages import import_package_of
from envs.adapters.pictures import Picture, find_picture, fit, is_picture
from worldsim.core.action_check import require_action
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.games import make_game
from worldsim.core.seeding import stream
from worldsim.core.siblings import import_ours
from worldsim.core.types import Frames

LARGEST_SIDE = 4096
PROBE_STEPS = 16
# Packages whose games can do more than those of strangers, by the package that their class comes from.
FAMILIES = {
    "ale_py": "envs.adapters.ale:AleGame",
    "miniworld": "envs.adapters.miniworld:MiniWorldGame",
}


def make_gym_game(
    game: str,
    height: int | None = 64,
    width: int | None = 64,
    fps: float | None = None,
    render_mode: str | None = None,
    **kwargs: Any,
) -> GymGame:
    """The game with the id ``game``, its picture resized to (height, width), or of its own size where they are None.

    The picture is the observation, an entry of it, or what the game renders. ``fps`` is the number of steps a second,
    ``metadata["render_fps"]`` unless given. Other settings are the game's own.
    It offers snapshots (ALE) or replay (games found to give the same episode under the same seed), or no branching.
    Raises WorldsimError for a game without RGB or whose actions have no codec, and for a size that is none.
    """
    for name, side in (("height", height), ("width", width)):
        if side is not None and not (isinstance(side, int) and 1 <= side <= LARGEST_SIDE):
            raise WorldsimError(f"{name}={side}: {name!r} has to be a whole number from 1 to {LARGEST_SIDE}.")
    import_package_of(game)
    inner, picture = _with_picture(game, kwargs)
    try:
        settings = {"height": height, "width": width, "fps": fps, "render_mode": render_mode}
        for base in type(inner.unwrapped).__mro__:
            family = FAMILIES.get(base.__module__.partition(".")[0])
            if family is not None:
                module, _, attribute = family.partition(":")
                special: GymGame = getattr(import_ours(module), attribute)(game, inner, picture, **settings)
                return special
        return _probed(game, inner, picture, settings)
    except BaseException:
        inner.close()
        raise


def _probed(game: str, inner: gymnasium.Env, picture: Picture | None, settings: dict[str, Any]) -> GymGame:
    """With replay where the game gives the same episode under the same seed, tried out; otherwise without branching."""
    plain = GymGame(game, inner, picture, **settings)
    declared = getattr(inner.spec, "nondeterministic", False)
    return plain if declared or not is_reproducible(plain) else ReplayedGymGame(game, inner, picture, **settings)


class GymGame(gymnasium.Env):
    """A Gymnasium game whose observation is its picture; actions, rewards, ends and info are its own.

    Time limits of the game's registration are kept here, so that replaying and branching know of them.
    """

    reseeds = True  # a reset without a seed draws one, so that nothing depends on how the game was tried out

    def __init__(
        self,
        name: str,
        game: gymnasium.Env,
        picture: Picture | None,
        height: int | None,
        width: int | None,
        fps: float | None,
        render_mode: str | None,
    ):
        if render_mode not in (None, "rgb_array"):
            raise WorldsimError(f"render_mode={render_mode!r}: use 'rgb_array' or None.")
        self.name, self.game, self.render_mode = name, game, render_mode
        self.action_space = game.action_space
        try:
            self._codec = ActionCodec.from_space(game.action_space)
        except WorldsimError as error:
            raise WorldsimError(f"the game {name!r} cannot be steered: {error}.") from error
        self._picture = picture
        self._steps, self._over = 0, True
        self.task_text = ""  # MiniGrid's "mission"
        self._limit: int | None = None if game.spec is None else _registered(game).max_episode_steps
        self._frame: Frames | None = None
        own_height, own_width = self._own_size()
        self.height, self.width = height or own_height, width or own_width
        self.observation_space = spaces.Box(0, 255, (self.height, self.width, 3), np.uint8)
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": fps or self._own_fps()}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Frames, dict[str, Any]]:
        super().reset(seed=seed)
        info = self._begin(seed, options)
        return self._see().copy(), info

    def step(self, action: Any) -> tuple[Frames, float, bool, bool, dict[str, Any]]:
        if self._over:
            raise gymnasium.error.ResetNeeded("the episode is over, or none has begun: call reset() before step()")
        require_action(self.action_space, action)
        reward, terminated, truncated, info = self._advance(action)
        return self._see().copy(), reward, terminated, truncated, info

    def render(self) -> Frames | None:
        return self._frame.copy() if self.render_mode == "rgb_array" and self._frame is not None else None

    def close(self) -> None:
        self.game.close()

    def _begin(self, seed: int | None, options: dict[str, Any] | None) -> dict[str, Any]:
        if seed is None and self.reseeds:
            seed = int(self.np_random.integers(2**31))
        self._obs, info = self.game.reset(seed=seed, options=options)
        self._steps, self._over = 0, False
        mission = self._obs.get("mission", "") if isinstance(self._obs, dict) else ""
        self.task_text = " ".join(str(mission).split())
        return {**info, "task": self.task_text}

    def _advance(self, action: Any) -> tuple[float, bool, bool, dict[str, Any]]:
        """One step of the game, without looking at it."""
        self._obs, reward, terminated, truncated, info = self.game.step(action)
        self._steps += 1
        terminated = bool(terminated)
        truncated = bool(truncated) or (self._limit is not None and self._steps >= self._limit)
        self._over = terminated or truncated
        return float(reward), terminated, truncated, info

    def _see(self) -> Frames:
        """Take in the frame of this moment."""
        picture: Any = self.game.render() if self._picture is None else self._picture(self._obs)
        self._frame = fit(picture, self.height, self.width)
        return self._frame

    def _own_size(self) -> tuple[int, int]:
        """Height and width of the picture as the game gives it; one that it renders has to be looked at."""
        if self._picture is not None:
            height, width, _ = self._picture(self.game.observation_space.sample()).shape
            return height, width
        self.game.reset(seed=0)
        picture: Any = self.game.render()
        if not is_picture(picture):
            got = f"{picture.dtype} of shape {picture.shape}" if isinstance(picture, np.ndarray) else repr(picture)
            raise WorldsimError(f"the game {self.name!r} shows no RGB picture: its render() gives {got}.")
        height, width, _ = picture.shape
        return height, width

    def _own_fps(self) -> float:
        fps = self.game.metadata.get("render_fps")
        if not isinstance(fps, (int, float)) or fps <= 0:
            raise WorldsimError(f"the game {self.name!r} does not say how many steps a second it takes; give fps=.")
        return float(fps)


class ReplayedGymGame(GymGame):
    """A game that is brought to a point by its seed and the actions since."""

    def replay(self, seed: int, actions: NDArray[np.float32]) -> Frames:
        """Reset with ``seed``, take ``actions`` (P, channels), return the frame reached; only that one is drawn.

        Raises WorldsimError when the episode ends before the actions do.
        """
        decoded = [self._codec.decode(action) for action in actions]
        super(GymGame, self).reset(seed=seed)
        self._begin(seed, None)
        for action in decoded:
            if self._over:
                raise WorldsimError(f"seed {seed}: the episode ends before the {len(decoded)} actions to replay do.")
            self._advance(action)
        return self._see().copy()


def is_reproducible(game: GymGame) -> bool:
    """Whether one seed gives one episode to the bit, another one played in between."""
    episodes = []
    for seed in (1, 2, 1):
        frame, _ = game.reset(seed=seed)
        moments: list[Any] = [frame]
        rng = stream(1, "probe")
        for _ in range(PROBE_STEPS):
            action = game._codec.decode(_random_vector(game._codec, rng))
            frame, reward, terminated, truncated, _ = game.step(action)
            moments += [frame, np.array([reward, terminated, truncated])]
            if terminated or truncated:
                break
        episodes.append(moments)
    first, _, last = episodes
    return len(first) == len(last) and all(map(np.array_equal, first, last))


def _random_vector(codec: ActionCodec, rng: np.random.Generator) -> NDArray[np.float32]:
    low = np.array([max(channel.low, -1e3) for channel in codec.channels])
    high = np.array([min(channel.high, 1e3) for channel in codec.channels])
    return rng.uniform(low, high).astype(np.float32)


def _with_picture(game: str, kwargs: dict[str, Any]) -> tuple[gymnasium.Env, Picture | None]:
    """The game, and how its observations show the picture; None where it has to be rendered."""
    inner = _make(game, kwargs)
    picture = find_picture(inner.observation_space)
    if picture is not None:
        return inner, picture
    modes = inner.metadata.get("render_modes", [])
    space = inner.observation_space
    inner.close()
    if "rgb_array" not in modes:
        raise WorldsimError(
            f"the game {game!r} has no RGB picture: its observation is {space}, and its render modes are "
            f"{modes or 'none'}, without 'rgb_array'. Wrap it so that it shows one."
        )
    return _make(game, {**kwargs, "render_mode": "rgb_array"}), None


def _make(game: str, kwargs: dict[str, Any]) -> gymnasium.Env:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # greetings are not our output
        warnings.simplefilter("ignore")  # of outdated versions, of spaces: the user has chosen the game
        env: gymnasium.Env = make_game(game, disable_env_checker=True, max_episode_steps=-1, **kwargs)
    return env


def _registered(game: gymnasium.Env) -> Any:
    """The game as it was registered: the spec that ``make`` leaves behind has lost the time limit."""
    assert game.spec is not None
    return gymnasium.registry.get(game.spec.id, game.spec)
