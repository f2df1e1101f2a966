"""What happened in a clip, as facts that can be worded in many ways."""

from __future__ import annotations

from dataclasses import dataclass

from worldsim.captions.words import Noun


@dataclass(frozen=True)
class Act:
    """What the player does in the steps ``start`` to ``end`` (exclusive): "turn left about 40 degrees", "break a gem".

    ``verb`` and ``way`` are in the imperative; ``count`` of ``noun`` is what it is done to.
    """

    start: int
    end: int
    verb: str
    way: str = ""
    amount: str = ""
    noun: Noun | None = None
    count: int = 1
    minor: bool = False  # left out of short captions


@dataclass(frozen=True)
class Happening:
    """What ``count`` of ``noun`` do by themselves: "the red ball falls". Without a noun it is a whole clause."""

    start: int
    noun: Noun | None
    count: int
    verb: str  # imperative, or the clause
    way: str = ""
