"""The process that plays episodes for :mod:`worldsim.data.collect`; it ends when its parent does, however that ends."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core import games
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import HasGroundTruth, Policy
from worldsim.core.registry import load_target
from worldsim.core.seeding import derive_seed, game_seed
from worldsim.core.types import Episode, GroundTruth
from worldsim.data import parts
from worldsim.data.rows import TableInfo
from worldsim.data.truth import TruthTrack


def worker_main(pipe: Any, folder: str, info: TableInfo) -> None:
    """Play the episodes whose numbers come through ``pipe``, None last; answer ("done", frames) or ("error", text)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        player = Player(info)
        while (number := pipe.recv()) is not None:
            episode = player.play(number)
            parts.write(Path(folder), number, episode)
            pipe.send(("done", len(episode.frames)))
        player.env.close()
    except EOFError:
        return
    except WorldsimError as error:
        pipe.send(("error", str(error)))
    except Exception:
        pipe.send(("error", f"a collecting process of {info.env_id!r} failed:\n{traceback.format_exc()}"))


def make_game(env_id: str, env_kwargs: dict[str, Any], make_policy: str) -> tuple[Any, Policy]:
    """The game and the policy that plays it; WorldsimError when either name leads nowhere."""
    try:
        factory = load_target(make_policy)
    except (ImportError, AttributeError, ValueError) as error:
        raise WorldsimError(
            f"the policy {make_policy!r} cannot be loaded ({error}); give 'module:attribute'."
        ) from error
    env = games.make_game(env_id, **env_kwargs)
    return env, factory(env.unwrapped)


class Player:
    """A recording's game and policy, made once; plays any of its episodes."""

    def __init__(self, info: TableInfo):
        self.info = info
        self.env, self.policy = make_game(info.env_id, info.env_kwargs, info.policy)
        self.codec = ActionCodec.from_json(info.codec)

    def play(self, number: int) -> Episode:
        return play(self.env, self.policy, self.codec, self.info, number)


def play(env: Any, policy: Policy, codec: ActionCodec, info: TableInfo, number: int) -> Episode:
    """Play episode ``number``: a function of the recording's seed, split and number alone."""
    seed = game_seed(info.seed, info.split, number)
    obs, _ = env.reset(seed=seed)
    policy.reset(derive_seed(info.seed, "policy", info.split, number))
    frames, actions, rewards = [np.array(obs)], [], []
    truth = [_camera_and_objects(env)] if info.truth else []
    terminated = truncated = False
    while not (terminated or truncated):
        action = codec.decode(policy.act(obs))
        obs, reward, terminated, truncated, _ = env.step(action)
        frames.append(np.array(obs))
        actions.append(codec.encode(action))  # what the game was given: clipped and cut, not what the policy wished
        rewards.append(reward)
        if info.truth:
            truth.append(_camera_and_objects(env))
        truncated = truncated or len(actions) == info.max_steps
    return Episode(
        frames=np.stack(frames),
        actions=np.stack(actions),
        rewards=np.array(rewards, np.float32),
        terminated=bool(terminated),
        truncated=bool(truncated),
        env_id=info.env_id,
        seed=seed,
        fps=info.fps,
        env_kwargs=info.env_kwargs,
        truth=TruthTrack.of(truth) if info.truth else None,
    )


def _camera_and_objects(env: Any) -> GroundTruth:
    """What the game knows of its present frame, without the pictures of depth and ids; nothing where it offers none."""
    if not isinstance(env.unwrapped, HasGroundTruth):
        return GroundTruth()
    known = env.unwrapped.ground_truth()
    return GroundTruth(camera=known.camera, objects=known.objects, scene=known.scene)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker is started by collect"
    multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)
