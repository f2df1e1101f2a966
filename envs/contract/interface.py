"""Rules about the Gymnasium interface: spaces, codec, rendering, ends."""

from __future__ import annotations

import warnings

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env

from envs.contract.finding import Broken
from envs.contract.subject import Subject
from worldsim.core.errors import WorldsimError

LONGEST_EPISODE = 400


def observation_is_a_frame(game: Subject) -> str:
    """The observation is the frame itself: Box(0, 255, (H, W, 3), uint8)."""
    shape = game.env.observation_space.shape or ()
    height, width = shape[:2] if len(shape) == 3 else (0, 0)
    if game.env.observation_space != gymnasium.spaces.Box(0, 255, (height, width, 3), np.uint8):
        raise Broken(
            f"the observation space is {game.env.observation_space}; make it one frame, Box(0, 255, (H, W, 3), uint8)"
        )
    for key, size in (("height", height), ("width", width)):
        if game.kwargs.get(key, size) != size:
            raise Broken(f"made with {key}={game.kwargs[key]}, the game shows frames of {height} x {width}")
    return f"frames of {height} x {width}"


def frame_rate_is_named(game: Subject) -> str:
    """``metadata["render_fps"]`` is the number of steps a second."""
    fps = game.env.metadata.get("render_fps")
    if not isinstance(fps, (int, float)) or not 0 < fps < 1000:
        raise Broken(f"metadata['render_fps'] is {fps!r}; make it the number of steps a second")
    return f"{fps:g} steps a second"


def actions_have_a_codec(game: Subject) -> str:
    """Actions survive the way to channel vectors and back, and the action that does nothing is one the game takes."""
    codec, space = game.codec, game.env.action_space
    space.seed(0)
    for action in [codec.decode(codec.vector()), *(space.sample() for _ in range(20))]:
        back = codec.decode(codec.encode(action))
        if back not in space:
            raise Broken(f"the action {action} comes back from the codec as {back}, which is not in {space}")
        if not np.allclose(codec.encode(back), codec.encode(action), rtol=1e-6):
            raise Broken(f"the action {action} comes back from the codec as {back}")
    return f"channels {', '.join(codec.names)}"


def gymnasium_accepts_it(game: Subject) -> str:
    """Gymnasium's own ``check_env`` passes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check_env(game.env.unwrapped)
        except Exception as error:
            raise Broken(f"gymnasium's check_env: {type(error).__name__}: {error}") from error
    return "gymnasium's check_env passes"


def render_is_the_observation(game: Subject) -> str:
    """``render()`` shows what the player was shown."""
    for step, moment in enumerate(game.play(game.env, game.actions(10))):
        picture = game.env.render()
        if not isinstance(picture, np.ndarray) or not np.array_equal(picture, moment.frame):
            raise Broken(f"render() after step {step} is not the observation")
    return "render() is the observation"


def ends_are_clear(game: Subject) -> str:
    """Ends and rewards have plain types; after the end the game waits for a reset; after that it starts afresh."""
    env, codec = game.env, game.codec
    env.reset(seed=1)
    for step, vector in enumerate(game.actions(LONGEST_EPISODE, "ends"), start=1):
        _, reward, terminated, truncated, _ = env.step(codec.decode(vector))
        if not isinstance(terminated, bool) or not isinstance(truncated, bool):
            kinds = f"{type(terminated).__name__}, {type(truncated).__name__}"
            raise Broken(f"terminated and truncated are {kinds}; make both bool")
        if not np.isfinite(float(reward)):
            raise Broken(f"the reward of step {step} is {reward}; make it a finite number")
        if terminated or truncated:
            break
    else:
        return f"did not end within {LONGEST_EPISODE} random steps"
    if terminated:
        _step_after_the_end(game)
    env.reset(seed=1)
    _, _, again, _, _ = env.step(codec.decode(codec.vector()))
    if again:
        raise Broken("the episode after the end is over at its first step; reset() must start afresh")
    return f"{'terminated' if terminated else 'truncated'} after {step} steps and started afresh"


def _step_after_the_end(game: Subject) -> None:
    try:
        _, _, terminated, _, _ = game.env.step(game.codec.decode(game.codec.vector()))
    except (gymnasium.error.ResetNeeded, WorldsimError):
        return
    except Exception as error:
        raise Broken(
            f"step() after the end raises {type(error).__name__}: {error}; "
            "raise gymnasium.error.ResetNeeded or stay ended"
        ) from error
    if not terminated:
        raise Broken("step() after the end goes on; raise gymnasium.error.ResetNeeded or stay ended")
