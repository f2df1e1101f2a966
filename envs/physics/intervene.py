"""Changes from outside that no push could make: the other half of a counterfactual, or of an impossible event."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from envs.physics.ground_truth import class_name
from envs.physics.look import PALETTE, nearest_colour
from envs.physics.scene import PRESENT, Scene
from worldsim.core.errors import UnknownNameError, WorldsimError

if TYPE_CHECKING:
    from envs.physics.env import PhysicsEnv

_OVERLAP_M = 0.01  # how deep a thing that is put somewhere may press into another


def intervene(game: PhysicsEnv, name: str, details: dict[str, Any]) -> None:
    """Change the game; what is drawn is up to the caller. Raises WorldsimError and changes nothing if it cannot be."""
    if name not in INTERVENTIONS:
        raise UnknownNameError("intervention", name, INTERVENTIONS)
    change = INTERVENTIONS[name]
    try:
        inspect.signature(change).bind(game, **details)
    except TypeError as error:
        wanted = ", ".join(list(inspect.signature(change).parameters)[1:])
        raise WorldsimError(f"{name} takes {wanted}: {error}.") from error
    change(game, **details)


def _remove(game: PhysicsEnv, object_id: int) -> None:
    game.vanish(_present(game, object_id))


def _recolour(game: PhysicsEnv, object_id: int, colour: str | Sequence[int]) -> None:
    thing = _present(game, object_id)
    if isinstance(colour, str) and colour not in PALETTE:
        raise UnknownNameError("colour", colour, PALETTE)
    game.colours[thing] = nearest_colour(PALETTE[colour] if isinstance(colour, str) else colour)


def _teleport(game: PhysicsEnv, object_id: int, position_m: Sequence[float]) -> None:
    """Keeps the motion that the object has."""
    thing = _present(game, object_id)
    if not game.scene.things[thing].free:
        raise WorldsimError(
            f"object {object_id} ({class_name(game.scene, thing, game.colours)}) is fixed or hangs; "
            "teleport one that moves freely."
        )
    model, data = game.scene.model, game.data
    place = int(model.jnt_qposadr[model.body_jntadr[game.scene.things[thing].body]])
    before = data.qpos[place : place + 3].copy()
    data.qpos[place : place + 3] = _place(position_m)
    hit = _inside_of(game.scene, data, thing, game.colours)
    if hit:
        data.qpos[place : place + 3] = before
        raise _occupied(position_m, hit)


def _add(game: PhysicsEnv, cls: str, position_m: Sequence[float]) -> None:
    x, y, z = _place(position_m).tolist()
    before = game.get_state()
    game.extend((cls, (x, y, z)))
    hit = _inside_of(game.scene, game.data, len(game.scene.things) - 1, game.colours)
    if hit:
        game.set_state(before)
        raise _occupied(position_m, hit)


def _place(position_m: Sequence[float]) -> NDArray[np.float64]:
    place = np.asarray(position_m, np.float64)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise WorldsimError(f"position_m={position_m!r}: give three finite numbers (x, y, z) in metres.")
    return place


def _inside_of(scene: Scene, data: mujoco.MjData, thing: int, colours: NDArray[np.int8]) -> list[str]:
    """What a thing is inside of."""
    mujoco.mj_fwdPosition(scene.model, data)
    pairs = scene.shapes.things[data.contact.geom]
    deep = (pairs == thing).any(axis=1) & (data.contact.dist < -_OVERLAP_M)
    others = sorted({int(one) for one in pairs[deep].ravel()} - {thing})
    return ["the floor" if one == 0 else f"the {class_name(scene, one, colours)}" for one in others]


def _occupied(position_m: Sequence[float], names: list[str]) -> WorldsimError:
    return WorldsimError(f"position_m={list(position_m)} is inside of {' and '.join(names)}; choose a free place.")


def _present(game: PhysicsEnv, object_id: int) -> int:
    there = [thing.id for thing in game.scene.things[1:] if game.life[thing.id] == PRESENT]
    if object_id not in there:
        raise WorldsimError(f"object_id={object_id!r}: no such object is in the scene; there are {there}.")
    return int(object_id)


INTERVENTIONS: dict[str, Callable[..., Any]] = {
    "remove": _remove,
    "add": _add,
    "recolour": _recolour,
    "teleport": _teleport,
}
