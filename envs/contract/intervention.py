"""Rules about interventions: they do what they are called, what is seen shows it, and nothing else comes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.contract.finding import Broken
from envs.contract.subject import Subject, first_difference
from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.protocols import HasGroundTruth, Intervenes
from worldsim.core.types import Frames, GroundTruth, ObjectState

NAMES = ("remove", "add", "recolour", "teleport", "undo")
STEPS = 6
TRIES = 12
MOVED_M = 1.0
COLOURS: tuple[Any, ...] = ("red", "blue", (200, 30, 30))

Details = dict[str, Any]


def interventions_do_what_they_say(game: Subject) -> str:
    """Every name that is offered works on some object; the frame returned is what is seen; the camera stays.

    The same intervention at the same moment leads on to the same frames, and what cannot be done is a WorldsimError
    that changes nothing.
    """
    env: Any = game.env.unwrapped
    if not isinstance(env, Intervenes):
        return "no interventions"
    offered = env.interventions()
    unknown = sorted(set(offered) - set(NAMES))
    if unknown:
        raise Broken(f"interventions() offers {', '.join(unknown)}; the names are {', '.join(NAMES)}")
    _refuses(game, "vanish", {})
    if "remove" in offered:
        _refuses(game, "remove", {"object_id": 10**6})
    done = []
    for name in offered:
        details = _works(game, name)
        if details is not None:
            _repeats(game, name, details)
            done.append(name)
    return f"{', '.join(done) or 'nothing'}: shown in the frame, the same in two instances"


def _bring(game: Subject, env: Any) -> Frames:
    """The moment at which the interventions are tried."""
    *_, last = game.play(env, game.actions(STEPS, "intervention"))
    return last.frame


def _truth(env: Any) -> GroundTruth:
    return env.unwrapped.ground_truth() if isinstance(env.unwrapped, HasGroundTruth) else GroundTruth()


def _refuses(game: Subject, name: str, details: Details) -> None:
    env = game.env
    frame = _bring(game, env)
    what = f"intervene({name!r}{''.join(f', {key}={value}' for key, value in details.items())})"
    try:
        env.unwrapped.intervene(name, **details)  # type: ignore[attr-defined]
    except WorldsimError:
        if not np.array_equal(env.render(), frame):  # type: ignore[arg-type]
            raise Broken(f"{what} is refused, and yet the frame is another") from None
        return
    except Exception as error:
        raise Broken(f"{what} raises {type(error).__name__}: {error}; raise a WorldsimError") from error
    raise Broken(f"{what} is taken; raise a WorldsimError for what cannot be done")


def _works(game: Subject, name: str) -> Details | None:
    """Details with which the intervention works; None where there is nothing to try it on."""
    env: Any = game.env
    refused: list[str] = []
    _bring(game, env)
    candidates = _candidates(name, _truth(env))
    before = _truth(env)
    unknown: set[str] = set()
    for details in candidates:  # which grow; a refusal changes nothing
        if details.get("cls") in unknown:
            continue
        try:
            frame = env.unwrapped.intervene(name, **details)
        except WorldsimError as error:
            if isinstance(error, UnknownNameError):
                if not unknown:  # the names of what can be added
                    candidates += [{**other, "cls": cls} for cls in error.known for other in candidates[:TRIES]]
                unknown.add(details.get("cls", ""))
            refused.append(str(error))
            continue
        _check_effect(name, details, before, _truth(env), frame, env.render())
        return details
    if candidates and name != "undo":
        raise Broken(
            f"{name} was refused for {len(candidates)} objects and places in sight, the last time: {refused[-1]}"
        )
    return None


def _candidates(name: str, truth: GroundTruth) -> list[Details]:
    if name == "undo":
        return [{}]
    objects = sorted(truth.objects or (), key=lambda item: -item.visible_pixels)[:TRIES]
    if name == "remove":
        return [{"object_id": item.id} for item in objects] + [{"cls": item.cls} for item in objects]
    if name == "recolour":
        return [{"object_id": item.id, "colour": colour} for item in objects for colour in COLOURS]
    if name == "teleport":
        moves = [{"object_id": item.id, "position_m": place} for item in objects for place in _places(item, truth)]
        player = [] if truth.camera is None else _around(truth.camera.T_world_camera[:3, 3])
        return moves + [{"position_m": place} for place in player]
    return [{"cls": item.cls, "position_m": place} for item in objects for place in _places(item, truth)]


def _around(here: NDArray[np.float64]) -> list[tuple[float, ...]]:
    return [tuple((here + way * MOVED_M).tolist()) for way in np.concatenate([np.eye(3), -np.eye(3)])]


def _places(item: ObjectState, truth: GroundTruth) -> list[tuple[float, ...]]:
    """Places near an object: towards the camera, and beside it."""
    here = np.array(item.position_m)
    places = _around(here)
    if truth.camera is not None:
        towards = truth.camera.T_world_camera[:3, 3] - here
        distance = float(np.linalg.norm(towards))
        places.insert(0, tuple((here + towards / max(distance, 1e-6) * min(MOVED_M, distance / 2)).tolist()))
    return places


def _check_effect(
    name: str, details: Details, before: GroundTruth, after: GroundTruth, frame: Frames, seen: Frames
) -> None:
    if not np.array_equal(frame, seen):
        raise Broken(f"the frame that {name} returns is not what render() shows")
    poses = [truth.camera.T_world_camera for truth in (before, after) if truth.camera is not None]
    moves_player = name == "teleport" and "object_id" not in details
    if len(poses) == 2 and np.allclose(poses[0], poses[1], atol=1e-6) == moves_player:
        if moves_player:
            raise Broken("after teleport without object_id, the player is where it was")
        raise Broken(f"{name} moves the camera; it changes the world, not the player")
    was = {item.id: item for item in before.objects or ()}
    now = {item.id: item for item in after.objects or ()}
    wanted = details.get("object_id", 0)
    if name == "remove":
        removed = [item for item in was.values() if item.id == wanted or item.cls == details.get("cls")]
        for item in removed:
            shown = after.instance_ids is not None and bool((after.instance_ids == item.id).any())
            if shown or (item.id in now and now[item.id].alive):
                raise Broken(f"after remove, object {item.id} ({item.cls}) is still there")
    if (
        name == "add"
        and not set(now) - set(was)
        and not any(now[i].alive and not was[i].alive for i in was if i in now)
    ):
        raise Broken(f"after add, no new object is there; {details['cls']} was wanted")
    if name == "teleport" and not moves_player:
        if wanted not in now:
            raise Broken(f"after teleport, object {wanted} ({was[wanted].cls}) is gone")
        far_m, was_far_m = (
            float(np.linalg.norm(np.subtract(one[wanted].position_m, details["position_m"]))) for one in (now, was)
        )
        if far_m > 0.8 * was_far_m:  # a game of blocks puts it into the nearest whole cells
            raise Broken(f"after teleport, object {wanted} ({was[wanted].cls}) is {far_m:.2f} m from where it was sent")


def _repeats(game: Subject, name: str, details: Details) -> None:
    episodes = []
    for env in (game.env, game.twin):
        _bring(game, env)
        frame = env.unwrapped.intervene(name, **details)  # type: ignore[attr-defined]
        moments = list(game.go_on(env, game.actions(STEPS, "after intervention")))
        episodes.append((frame, moments))
    (first_frame, first), (second_frame, second) = episodes
    if not np.array_equal(first_frame, second_frame) or first_difference(first, second) is not None:
        raise Broken(f"the same {name} at the same moment leads to other frames in another instance")
