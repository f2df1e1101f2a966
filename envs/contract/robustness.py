"""Rules about what must not go wrong: bad actions are refused, what was handed out stays as it was, words are words."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from envs.contract.finding import Broken
from envs.contract.subject import SEED, Subject, first_difference
from worldsim.core.errors import WorldsimError
from worldsim.core.protocols import HasGroundTruth, HasTask

STEPS = 10
LONGEST_TASK = 300  # characters


def bad_actions_are_refused(game: Subject) -> str:
    """NaN, and values outside of the space, raise a WorldsimError, and the game goes on as if they had not been."""
    vectors = game.actions(2 * STEPS)
    calm = list(game.play(game.twin, vectors))
    # Halfway at most, so that a short episode is not over by then.
    before = list(game.play(game.env, vectors[: min(STEPS, (len(calm) - 1) // 2)]))
    env: Any = game.env.unwrapped
    bad = _bad_actions(game)
    for what, action in bad:
        try:
            env.step(action)
        except WorldsimError:
            continue
        except Exception as error:
            raise Broken(
                f"{what} raises {type(error).__name__}: {error}; raise a WorldsimError before anything changes, "
                "such as worldsim.core.action_check.require_action does"
            ) from error
        raise Broken(
            f"{what} is taken; raise a WorldsimError before anything changes, "
            "such as worldsim.core.action_check.require_action does"
        )
    step = first_difference(calm, before + list(game.go_on(game.env, vectors[len(before) - 1 :])))
    if step is not None:
        raise Broken(f"after actions that were refused the game goes on differently, at step {step}")
    return f"{', '.join(what for what, _ in bad) or 'nothing bad can be said in this space'}: refused"


def _bad_actions(game: Subject) -> list[tuple[str, Any]]:
    """What is wrong with an action, and the action: one for each kind of wrong in each kind of entry."""
    from gymnasium import spaces

    space = game.env.action_space
    sound = game.codec.decode(game.codec.vector())
    parts = dict(space.spaces) if isinstance(space, spaces.Dict) else {"": space}
    bad: dict[str, Any] = {}
    for key, part in parts.items():
        value = sound[key] if key else sound
        where = f" in {key!r}" if key else ""
        for what, wrong in _wrong_values(part, value):
            if what not in bad:
                bad[what] = (f"{what}{where}", {**sound, key: wrong} if key else wrong)
    return list(bad.values())


def _wrong_values(part: Any, value: Any) -> list[tuple[str, Any]]:
    from gymnasium import spaces

    if isinstance(part, spaces.Box):
        wrong = []
        if part.dtype.kind == "f":
            wrong.append(("NaN", np.full(part.shape, np.nan, part.dtype)))
        if np.isfinite(part.high).all() and np.abs(part.high).max() < 1e6:
            wrong.append(("a number above the highest", (2 * np.abs(part.high) + 1).astype(part.dtype)))
        return wrong
    if isinstance(part, spaces.Discrete):
        return [("a choice that is not there", int(part.start + part.n))]
    if isinstance(part, spaces.MultiDiscrete):
        return [("a choice that is not there", np.asarray(value) + part.nvec)]
    return []


def what_is_handed_out_stays(game: Subject) -> str:
    """Frames and ground truth are not overwritten by later steps."""
    env: Any = game.env
    given: list[tuple[str, Any]] = []
    frame, _ = env.reset(seed=SEED)
    for vector in [None, *game.actions(STEPS)]:
        if vector is not None:
            frame, _, terminated, truncated, _ = env.step(game.codec.decode(vector))
            if terminated or truncated:
                break
        given.append(("the frame", frame))
        given.append(("what render() gives", env.render()))
        if isinstance(env.unwrapped, HasGroundTruth):
            truth = env.unwrapped.ground_truth()
            given += [("depth_m", truth.depth_m), ("instance_ids", truth.instance_ids)]
            if truth.camera is not None:
                given += [("K", truth.camera.K), ("T_world_camera", truth.camera.T_world_camera)]
        if vector is None:
            kept = copy.deepcopy(given)
    for (what, array), (_, before) in zip(given, kept, strict=False):
        if not np.array_equal(array, before):
            raise Broken(f"{what} of the first moment changed while the game went on; hand out a copy")
    return f"{len(kept)} arrays of the first moment stay as they were"


def task_is_text(game: Subject) -> str:
    """``task_text`` is one short line, and ``info["task"]`` of reset says the same."""
    env: Any = game.env.unwrapped
    _, info = game.env.reset(seed=SEED)
    if not isinstance(env, HasTask):
        if "task" in info:
            raise Broken(f"info['task'] is {info['task']!r}, and the game has no task_text; it says the same")
        return "no task"
    text = env.task_text
    if not isinstance(text, str) or text != " ".join(text.split()) or len(text) > LONGEST_TASK:
        raise Broken(f"task_text is {text!r}; make it one line of text of at most {LONGEST_TASK} characters")
    if info.get("task") != text:
        raise Broken(f"task_text is {text!r}, info['task'] of reset is {info.get('task')!r}; make them the same")
    return f"{text!r}" if text else "nothing is asked"
