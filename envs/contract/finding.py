"""What a rule says about a game."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One rule's verdict; ``message`` says what is wrong and how to put it right, or what was seen to hold."""

    rule: str
    ok: bool
    message: str


class Broken(Exception):
    """Raised by a rule that the game does not keep; its text becomes the finding's message."""
