"""A folder of videos, with captions beside them: no actions, frames at their own sizes.

A caption is in ``<name>.txt`` or ``<name>.json`` beside the video, or in one list for the folder: ``captions`` or
``metadata`` as ``.csv``, ``.json`` or ``.jsonl``, the video under ``file_name``, ``file``, ``video`` or ``path`` and
the text under ``caption`` or ``text``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.actions import ActionCodec
from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.types import Episode
from worldsim.core.video import read_video, video_info
from worldsim.data.formats.source import ImportOptions, Recording, Source, require_folder

SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
LISTS = tuple(f"{stem}{suffix}" for stem in ("captions", "metadata") for suffix in (".csv", ".json", ".jsonl"))
FILE_KEYS, TEXT_KEYS = ("file_name", "file", "video", "path"), ("caption", "captions", "text")


def open_source(path: Path, options: ImportOptions) -> Source:
    """Every video under the folder; the rate is that of the first one that can be read unless ``options`` says one."""
    folder = require_folder(path, "format=videos needs the folder that holds them")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise WorldsimError(f"{folder} holds no videos ({', '.join(SUFFIXES)}).")
    listed = _listed_captions(folder)
    fps = options.fps or _first_rate(files)
    names = [str(file.relative_to(folder)) for file in files]
    recordings = [
        _recording(file, name, f"videos/{folder.name}", fps, listed) for file, name in zip(files, names, strict=True)
    ]
    notes = [f"{fps:g} frames a second; videos of another rate give the frame that is shown at each time"]
    return Source(f"videos/{folder.name}", fps, ActionCodec(()), common_size(files), recordings, notes=notes)


def common_size(files: Iterable[Path]) -> tuple[int, int] | None:
    """(height, width) that all videos which can be opened share, or None."""
    sizes = set()
    for file in files:
        try:
            info = video_info(file)
        except WorldsimError:
            continue  # read later, and named then
        sizes.add((info.height, info.width))
    return sizes.pop() if len(sizes) == 1 else None


def _first_rate(files: list[Path]) -> float:
    for file in files:
        try:
            return video_info(file).fps
        except WorldsimError:
            continue
    raise WorldsimError(f"none of {len(files)} videos in {files[0].parent} can be opened.")


def _recording(file: Path, name: str, env_id: str, fps: float, listed: dict[str, list[str]]) -> Recording:
    try:
        return Recording(name, partial(_read, file, env_id, fps), _captions_of(file, name, listed))
    except DamagedFileError as error:
        return Recording(name, partial(_fail, error))


def _fail(error: DamagedFileError) -> Episode:
    raise error


def _read(file: Path, env_id: str, fps: float) -> Episode:
    frames, own_fps = read_video(file)
    if abs(own_fps - fps) > 1e-3 * fps:
        times = np.arange(max(1, round(len(frames) / own_fps * fps))) / fps
        frames = frames[np.minimum((times * own_fps + 1e-6).astype(np.int64), len(frames) - 1)]
    steps = len(frames) - 1
    nothing = np.zeros((steps, 0), np.float32)
    return Episode(frames, nothing, np.zeros(steps, np.float32), False, steps > 0, env_id, 0, fps)


def _captions_of(file: Path, name: str, listed: dict[str, list[str]]) -> list[str]:
    found = []
    beside = file.with_suffix(".txt")
    if beside.exists():
        found.append(_text(beside).strip())
    beside = file.with_suffix(".json")
    if beside.exists():
        found += _texts(_json(beside))
    for key in dict.fromkeys((name, file.name, file.stem)):
        found += listed.get(key, [])
    return [text for text in dict.fromkeys(found) if text]


def _listed_captions(folder: Path) -> dict[str, list[str]]:
    """Captions by the video's name, from the lists of a folder."""
    found: dict[str, list[str]] = {}
    for name in LISTS:
        file = folder / name
        if not file.exists():
            continue
        rows: Any
        if file.suffix == ".csv":
            rows = list(csv.DictReader(_text(file).splitlines()))
        elif file.suffix == ".jsonl":
            rows = [_parsed(file, line) for line in _text(file).splitlines() if line.strip()]
        else:
            rows = _json(file)
        if isinstance(rows, dict):  # name -> caption
            rows = [{"file": key, "caption": value} for key, value in rows.items()]
        for row in rows:
            video = next((str(row[key]) for key in FILE_KEYS if row.get(key)), None)
            if video is None or not _texts(row):
                raise DamagedFileError(
                    f"{file} has an entry without {' or '.join(FILE_KEYS[:3])} or without caption: {row}"
                )
            found.setdefault(video, []).extend(_texts(row))
    return found


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return next((_texts(value[key]) for key in TEXT_KEYS if value.get(key)), [])
    if isinstance(value, list):
        return [text for part in value for text in _texts(part)]
    return [value.strip()] if isinstance(value, str) else []


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"{file} is not UTF-8 text ({error}); save it as such.") from error


def _json(file: Path) -> Any:
    return _parsed(file, _text(file))


def _parsed(file: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise DamagedFileError(f"{file} is not valid JSON ({error}); mend or remove it.") from error
