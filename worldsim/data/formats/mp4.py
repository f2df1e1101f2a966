"""Each episode a video and a jsonl of its steps, ``dataset.json`` for the whole; and back into a table.

Line t of a jsonl leads from frame t to frame t+1: ``{"t": 0, "action": {"forward": 1.0, ...}, "reward": 0.5}``.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import read_json, write_atomic, write_json
from worldsim.core.types import Episode
from worldsim.core.video import read_video
from worldsim.data.formats.source import ImportOptions, Recording, Source, require_folder
from worldsim.data.formats.video_file import VideoWriter
from worldsim.data.store import EpisodeTable

NAME, VERSION = "worldsim-mp4", 1


def export(table: EpisodeTable, out: Path, episodes: list[int], lossless: bool) -> None:
    """Write ``episodes`` of a table into the folder ``out``."""
    told = []
    for number in episodes:
        episode = table.read_episode(number)
        stem = f"episode-{number:06d}"
        height, width = episode.frames.shape[1:3]
        with VideoWriter(out / f"{stem}.mp4", table.fps, height, width, lossless) as video:
            video.add(episode.frames)
        lines = [
            json.dumps({"t": t, "action": dict(zip(table.codec.names, action, strict=True)), "reward": reward})
            for t, (action, reward) in enumerate(zip(episode.actions.tolist(), episode.rewards.tolist(), strict=True))
        ]
        write_atomic(out / f"{stem}.jsonl", "".join(line + "\n" for line in lines))
        told.append(
            {
                "name": stem,
                "frames": len(episode.frames),
                "seed": episode.seed,
                "terminated": episode.terminated,
                "truncated": episode.truncated,
                "caption": episode.caption,
            }
        )
    about = {
        "format": NAME,
        "version": VERSION,
        "lossless": lossless,
        "env_id": table.env_id,
        "env_kwargs": table.info.env_kwargs,
        "fps": table.fps,
        "height": table.info.height,
        "width": table.info.width,
        "codec": table.codec.to_json(),
        "episodes": told,
    }
    write_json(out / "dataset.json", about)


def open_source(path: Path, options: ImportOptions) -> Source:
    """What :func:`export` wrote into a folder."""
    folder = require_folder(path, "format=mp4 needs a folder written by export format=mp4")
    if not (folder / "dataset.json").exists():
        raise WorldsimError(f"{folder} has no dataset.json; for videos of other origin take format=videos.")
    about = read_json(folder / "dataset.json")
    if about.get("format") != NAME or about.get("version") != VERSION:
        raise DamagedFileError(
            f"{folder}/dataset.json says format {about.get('format')!r}, version {about.get('version')!r}; "
            f"this reads {NAME!r}, version {VERSION}."
        )
    codec = ActionCodec.from_json(about["codec"])
    size = (about["height"], about["width"]) if about["height"] else None
    recordings = [
        Recording(one["name"], partial(_read, folder, one, about, codec), [one["caption"]] if one["caption"] else [])
        for one in about["episodes"]
    ]
    return Source(about["env_id"], options.fps or about["fps"], codec, size, recordings, about["env_kwargs"])


def _read(folder: Path, told: dict[str, Any], about: dict[str, Any], codec: ActionCodec) -> Episode:
    video, lines = folder / f"{told['name']}.mp4", folder / f"{told['name']}.jsonl"
    for file in (video, lines):
        if not file.exists():
            raise DamagedFileError(f"{file} is missing.")
    frames, _ = read_video(video)
    steps = [_parsed(lines, number, line) for number, line in enumerate(lines.read_text().splitlines(), start=1)]
    if len(frames) != told["frames"] or len(steps) != len(frames) - 1:
        raise DamagedFileError(
            f"{video} has {len(frames)} frames and {lines.name} {len(steps)} lines; "
            f"dataset.json says {told['frames']} frames, and there is one line fewer than frames."
        )
    try:
        actions = [codec.vector(**step["action"]) for step in steps]
        rewards = [step["reward"] for step in steps]
    except (KeyError, TypeError, WorldsimError) as error:
        raise DamagedFileError(f"{lines} lacks what a step has ({error}).") from error
    return Episode(
        frames=frames,
        actions=np.array(actions, np.float32).reshape(len(steps), len(codec)),
        rewards=np.array(rewards, np.float32),
        terminated=bool(told["terminated"]),
        truncated=bool(told["truncated"]),
        env_id=about["env_id"],
        seed=int(told["seed"]),
        fps=about["fps"],
        env_kwargs=about["env_kwargs"],
    )


def _parsed(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        return json.loads(line)
    except ValueError as error:
        raise DamagedFileError(f"{path}, line {number}, is not valid JSON ({error}); mend or remove it.") from error
