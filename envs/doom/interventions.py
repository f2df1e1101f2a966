"""Changes from outside in rooms of our own: objects removed, added or moved, for counterfactual branches.

``remove``: ``object_id``. ``teleport``: ``object_id`` and ``position_m`` (x, y and a z that is not looked at: things
stand on the floor). ``add``: ``cls``, one of ``scripts.ADDABLE``, and ``position_m``. The engine's console reaches
single objects only through scripts, and those only through numbers that the level gives its things.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import vizdoom as vzd

from envs.doom import scripts
from envs.doom.ground_truth import UNITS_PER_METRE
from envs.doom.udmf import GridMap
from worldsim.core.errors import UnknownNameError, WorldsimError

FIRST_ADDED_TID = 1000
NEAR_UNITS = 24.0
NAMES = ("add", "remove", "teleport")


@dataclass(frozen=True)
class Change:
    """A console command that takes effect with the last tic of the episode's step ``step``."""

    step: int
    command: str


def command_for(
    name: str,
    details: dict[str, Any],
    room: GridMap | None,
    first: Sequence[vzd.Object],
    number: int,
) -> str:
    """The console command of the episode's intervention ``number``; ``first`` are the objects as it began.

    Raises UnknownNameError for a name or class that is not known, WorldsimError for what cannot be done.
    """
    if room is None or name not in NAMES:
        raise UnknownNameError("intervention", name, NAMES if room else ())
    if name == "add":
        cls = details.get("cls")
        if cls not in scripts.ADDABLE:
            raise UnknownNameError("class to add", str(cls), scripts.ADDABLE)
        x, y = _place(details, room)
        return f"puke -{scripts.ADD} {scripts.ADDABLE.index(cls)} {x} {y} {FIRST_ADDED_TID + number}"
    tid = _tid(details.get("object_id"), room, first)
    if name == "remove":
        return f"puke -{scripts.REMOVE} {tid}"
    x, y = _place(details, room)
    return f"puke -{scripts.MOVE} {tid} {x} {y}"


def has_happened(name: str, details: dict[str, Any], before: Sequence[vzd.Object], after: Sequence[vzd.Object]) -> bool:
    """Whether the objects show the change that was asked for."""
    if name == "add":
        return len(after) > len(before)
    found = [thing for thing in after if thing.id + 1 == details["object_id"]]
    if name == "remove":
        return not found
    x, y = _units(details)
    return any(abs(thing.position_x - x) + abs(thing.position_y - y) < NEAR_UNITS for thing in found)


def _tid(object_id: int | None, room: GridMap, first: Sequence[vzd.Object]) -> int:
    """What the level calls the object: things are where the level puts them when an episode begins."""
    place = next(((thing.position_x, thing.position_y) for thing in first if thing.id + 1 == object_id), None)
    for thing in room.things:
        if place is not None and thing.tid and abs(thing.x - place[0]) + abs(thing.y - place[1]) < 1:
            return thing.tid
    raise WorldsimError(
        f"object_id={object_id} is none of the things that stood in the level when the episode began; only they can "
        "be removed and moved."
    )


def _place(details: dict[str, Any], room: GridMap) -> tuple[int, int]:
    x, y = _units(details)
    if not room.is_open(x, y):
        raise WorldsimError(f"position_m={details['position_m']} is in a wall or outside of the level.")
    return x, y


def _units(details: dict[str, Any]) -> tuple[int, int]:
    """``position_m`` as whole map units: the console takes no others."""
    position = details.get("position_m")
    if position is None or len(position) < 2:
        raise WorldsimError(f"position_m={position!r}: give x and y in metres.")
    return round(position[0] * UNITS_PER_METRE), round(position[1] * UNITS_PER_METRE)
