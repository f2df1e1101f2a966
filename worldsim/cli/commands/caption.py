"""``worldsim caption``: the settings of a captioner are the fields of its own config dataclass."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import Any

from worldsim.cli import names
from worldsim.cli.progress import Progress
from worldsim.cli.settings import extended, part_of, setting
from worldsim.core.registry import load_target

EXAMPLES = (
    "worldsim caption data=data/arena.lance",
    "worldsim caption data=data/arena.lance show=3",
    "worldsim caption data=data/arena.lance captioner=vlm model=HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
    "worldsim caption data=data/arena.lance captioner=endpoint url=http://localhost:8000/v1 model=my-vlm",
    "worldsim caption captioner=endpoint --help",
)


@dataclasses.dataclass(kw_only=True)
class CaptionConfig:
    data: list[str] = setting("tables written by worldsim collect", example="data/arena.lance", path=True)
    captioner: str = setting(
        "who writes; captioner=NAME --help shows its settings",
        default="state",
        example="state",
        names="worldsim.cli.names:captioner_names",
    )
    frames: list[int] = setting("lengths of the clips; 0 is the whole episode", default=[32, 0])
    stride: int = setting("frames from the start of a clip to the next one's", default=16)
    label: str | None = setting("name of these captions in the table; null: the captioner's own", default=None)
    show: int = setting("print the captions of so many clips of each table and store nothing", default=0)


def schema(words: Sequence[str]) -> type:
    """What every captioner is given and the fields of the named one's config; imports that captioner's module."""
    named = [word.partition("=")[2] for word in words if word.startswith("captioner=")]
    return extended(CaptionConfig, load_target(names.captioners().entry((named or ["state"])[-1]).info["config"]))


def run(config: CaptionConfig) -> None:
    """Captions become a column of the table, one for each captioner and version of it.

    Stopped at any point, the same command goes on, and nothing is asked twice. State captions know camera and
    objects of tables that were recorded with worldsim collect ... truth=true, and else only actions and rewards.
    """
    entry = names.captioners().entry(config.captioner)
    captioner = entry.load()(part_of(config, load_target(entry.info["config"])), config.label or "")
    for path in config.data:
        if config.show:
            _show(path, captioner, config)
            continue
        from worldsim.captions.run import caption_table

        shown = Progress(path, 1)

        def progress(done: int, total: int, shown: Progress = shown) -> None:
            shown.total = total
            shown.show(done)

        did = caption_table(path, captioner, lengths=config.frames, stride=config.stride, progress=progress)
        note = f", {did.had} of them before" if did.had else ""
        print(f"{path}: {did.clips} clips captioned as {captioner.name} v{captioner.version}{note}", file=sys.stderr)
        print(path)


def _show(path: str, captioner: Any, config: CaptionConfig) -> None:
    import numpy as np

    from worldsim.captions.clip import places, read_clips
    from worldsim.data.store import EpisodeTable

    table = EpisodeTable.open(path)
    every = places(table, config.frames, config.stride)
    picked = np.unique(np.linspace(0, len(every) - 1, min(config.show, len(every))).astype(int))
    for clip in read_clips(table, [every[i] for i in picked]):
        end = clip.place.start + clip.place.frames - 1
        print(f"{path}, episode {clip.place.episode}, frames {clip.place.start} to {end}")
        for text in captioner.caption(clip):
            print(f"  {text}")
