"""What a captioner is: something that is shown a clip and writes texts about it."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from worldsim.captions.clip import Clip


@runtime_checkable
class Captioner(Protocol):
    """Writes captions of clips; ``name`` and ``version`` say in the table whose they are."""

    name: str
    version: int  # raised whenever the same clip may get other texts
    parallel: int  # how many threads may call ``caption`` at a time

    def settings(self) -> dict[str, Any]:
        """Everything that decides the texts, as plain data; no secrets."""
        ...

    def caption(self, clip: Clip) -> list[str]:
        """One text or more about ``clip``; WorldsimError when there is none to be had."""
        ...
