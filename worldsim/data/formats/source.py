"""What an importer hands over: recordings by name, each read when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import WorldsimError
from worldsim.core.types import Episode


@dataclass(frozen=True)
class ImportOptions:
    """What a person may say about a source; None is what the source says itself."""

    fps: float | None = None  # frames a second
    camera: str | None = None  # the image to take, where a source has several


@dataclass(frozen=True)
class Recording:
    """One episode to be; ``read`` raises DamagedFileError where it cannot be read."""

    name: str
    read: Callable[[], Episode]
    captions: Sequence[str] = ()


@dataclass(frozen=True)
class Source:
    """An opened source. ``size`` is (height, width), or None where the recordings differ."""

    env_id: str
    fps: float
    codec: ActionCodec
    size: tuple[int, int] | None
    recordings: Sequence[Recording]
    env_kwargs: dict[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()  # what a person should know about how it is read


def require_folder(path: Path, what: str) -> Path:
    """``path`` as an existing folder; WorldsimError otherwise."""
    if not Path(path).is_dir():
        raise WorldsimError(f"{path} is not a folder; {what}.")
    return Path(path)
