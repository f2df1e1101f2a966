"""``worldsim data``: look at recorded tables, and bring recordings in and out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worldsim.cli.settings import setting
from worldsim.cli.table import aligned
from worldsim.core.errors import UnknownNameError

EXAMPLES = (
    "worldsim data info data=data/arena.lance",
    "worldsim data view data=data/arena.lance episode=3 out=look.mp4",
    "worldsim data import format=vpt source=recordings out=data/vpt.lance height=128 width=128",
    "worldsim data export data=data/arena.lance format=lerobot out=arena-lerobot",
    "worldsim data import --help",
)


@dataclass(kw_only=True)
class DataConfig:
    what: str = setting(
        "what to do; worldsim data WHAT --help shows its settings",
        example="info",
        names=("info", "view", "import", "export"),
        positional=True,
    )


@dataclass(kw_only=True)
class InfoConfig(DataConfig):
    data: str = setting("table written by worldsim collect or import", example="data/arena.lance", path=True)
    json: bool = setting("a JSON object instead of a table", default=False)


@dataclass(kw_only=True)
class ViewConfig(DataConfig):
    data: str = setting("table to look at", example="data/arena.lance", path=True)
    episode: int = setting("number of the episode", default=0)
    out: str = setting("an .mp4 of the whole episode, or a .png of 32 frames", default="look.mp4", path=True)


@dataclass(kw_only=True)
class ImportConfig(DataConfig):
    format: str = setting(
        "what they are: vpt, lerobot, minari, mp4 or videos", example="vpt", names="worldsim.data.formats:IMPORTERS"
    )
    source: str = setting("folder of the recordings or the dataset", example="recordings", path=True)
    out: str = setting("Lance table to write, a folder or s3://...", example="data/vpt.lance", path=True)
    height: int | None = setting("resize frames to this height; as they are unless given", default=None, example="128")
    width: int | None = setting("resize frames to this width; as they are unless given", default=None, example="128")
    fps: float | None = setting("steps a second, where the source does not say", default=None, example="20")
    camera: str | None = setting("which images, where the source has several", default=None)


@dataclass(kw_only=True)
class ExportConfig(DataConfig):
    data: str = setting("table to export", example="data/arena.lance", path=True)
    format: str = setting(
        "what to write: mp4, lerobot or minari", example="mp4", names="worldsim.data.formats:EXPORTERS"
    )
    out: str = setting("new folder to write", example="out/arena", path=True)
    episodes: list[int] = setting("numbers of the episodes; all unless given", default=[], example="[0,1,2]")
    lossless: bool = setting("keep every pixel as it is; minari always does", default=False)


def schema(words: Sequence[str]) -> type:
    """The settings of what the words ask for."""
    named = [word for word in words if "=" not in word and not word.startswith("-")]
    if not named:
        return DataConfig
    if named[0] not in ACTIONS:
        raise UnknownNameError("thing to do with data", named[0], ACTIONS)
    return ACTIONS[named[0]][0]


def run(config: DataConfig) -> None:
    """info: what a table holds. view: an episode with its actions. import, export: other formats.

    A recording that cannot be read is named, skipped and counted; a stopped import goes on when it is repeated.
    """
    ACTIONS[config.what][1](config)


def _info(config: InfoConfig) -> None:
    from worldsim.data.store import EpisodeTable
    from worldsim.data.summary import summarize

    found = summarize(EpisodeTable.open(config.data))
    if config.json:
        print(json.dumps(found, indent=2))
        return
    actions = found.pop("actions")
    print(aligned([[name, _cell(value)] for name, value in found.items() if value not in ("", None, {})]))
    if actions:
        print()
        rows = [[_cell(value) for value in row.values()] for row in actions]
        print(aligned(rows, head=list(actions[0])))


def _view(config: ViewConfig) -> None:
    from worldsim.data.store import EpisodeTable
    from worldsim.data.view import write_view

    print(write_view(EpisodeTable.open(config.data), config.episode, config.out))


def _import(config: ImportConfig) -> None:
    from worldsim.data.formats.source import ImportOptions
    from worldsim.data.importing import import_recordings

    options = ImportOptions(fps=config.fps, camera=config.camera)
    imported = import_recordings(
        config.format, config.source, config.out, height=config.height, width=config.width, options=options
    )
    print(imported.summary())


def _export(config: ExportConfig) -> None:
    from worldsim.data.exporting import export_table
    from worldsim.data.store import EpisodeTable

    table = EpisodeTable.open(config.data)
    print(export_table(table, config.format, config.out, episodes=config.episodes or None, lossless=config.lossless))


# What -> its settings, the function that does it.
ACTIONS: dict[str, tuple[type, Any]] = {
    "info": (InfoConfig, _info),
    "view": (ViewConfig, _view),
    "import": (ImportConfig, _import),
    "export": (ExportConfig, _export),
}


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(part)}" for key, part in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
