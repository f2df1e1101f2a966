"""Checkpoints by name or folder: ``config.json``, ``vae.safetensors`` and ``dit.safetensors``, all plain data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, UnknownNameError, WorldsimError
from worldsim.core.records import content_hash, file_hash, read_json

SHIPPED = Path(__file__).resolve().parents[1] / "checkpoints"
FORMAT = 1
_FILES = ("config.json", "vae.safetensors", "dit.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """A folder with a simulator's weights, and what they were trained for."""

    name: str
    folder: Path
    config: dict[str, Any]

    @property
    def codec(self) -> ActionCodec:
        return ActionCodec.from_json(self.config["codec"])

    @property
    def hash(self) -> str:
        """Of the bytes of every file that decides what the simulator does."""
        return content_hash([file_hash(self.folder / file) for file in _FILES])


def shipped_names() -> list[str]:
    """Names of the checkpoints that come with worldsim."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))


def find_checkpoint(name_or_folder: str | Path) -> Checkpoint:
    """The checkpoint of a shipped name, or of a folder that training wrote.

    Raises UnknownNameError for neither, DamagedFileError for a folder that lacks a file or holds an unreadable one.
    """
    text = str(name_or_folder)
    shipped = SHIPPED / text
    if text in shipped_names():
        folder = shipped
    elif Path(text).is_dir():
        folder = Path(text)
    elif "/" in text or "\\" in text:
        raise WorldsimError(f"there is no checkpoint folder {text!r}; train one with worldsim train, or name a shipped "
                            f"one: {', '.join(shipped_names())}.")  # fmt: skip
    else:
        raise UnknownNameError("checkpoint", text, shipped_names())
    for file in _FILES:
        if not (folder / file).exists():
            raise DamagedFileError(
                f"{folder} is not a checkpoint: it has no {file}. "
                "A folder written by 'worldsim train recipe=simulator' has all of " + ", ".join(_FILES) + "."
            )
    config = read_json(folder / "config.json")
    if config.get("format") != FORMAT:
        raise DamagedFileError(f"{folder}/config.json has format {config.get('format')}; this worldsim reads {FORMAT}.")
    return Checkpoint(folder.name, folder, config)
