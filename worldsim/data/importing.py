"""Recordings of other formats into a table: what cannot be read is named, skipped and counted.

Killed at any time, the same command goes on after the last commit. The table counts as unfinished until every recording
has been tried; then it is told how many episodes it really has.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import RunRecord, utc_now
from worldsim.core.types import Episode, Frames
from worldsim.data import store
from worldsim.data.captions import add_captions
from worldsim.data.formats import IMPORTERS
from worldsim.data.formats.source import ImportOptions, Source
from worldsim.data.rows import META_KEY, TableInfo, episode_rows

CAPTIONER, CAPTION_VERSION = "imported", 1
COMMIT_BYTES = 64 << 20  # frames a commit holds, uncompressed


@dataclass(frozen=True)
class Imported:
    """What an import came to."""

    table: store.EpisodeTable
    skipped: list[tuple[str, str]]  # name of a recording, why it could not be read
    notes: list[str]

    def summary(self) -> str:
        frames = int(self.table.episodes.lengths.sum())
        lines = [f"{self.table.path}: {len(self.table)} episodes, {frames} frames; {len(self.skipped)} skipped"]
        return "\n".join([*lines, *self.notes, *(f"skipped {name}: {why}" for name, why in self.skipped)])


def import_recordings(
    format: str,
    path: str | Path,
    out: str | Path,
    *,
    height: int | None = None,
    width: int | None = None,
    options: ImportOptions | None = None,
    storage_options: dict[str, str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Imported:
    """Import the recordings at ``path`` into the table ``out``, or finish an import begun before.

    ``format`` is a name of :data:`worldsim.data.formats.IMPORTERS`. Frames are resized to ``height`` x ``width`` where
    given. Raises WorldsimError when nothing there can be read, or ``out`` holds another recording.
    """
    out, say = str(out), progress or (lambda line: print(line, file=sys.stderr, flush=True))
    if (height is None) != (width is None) or min(height or 1, width or 1) < 1:
        raise WorldsimError(
            f"height={height}, width={width}: give both as pixels of at least 1, or none to keep sizes."
        )
    source: Source = IMPORTERS.load(format)(Path(path), options or ImportOptions())
    size = (height, width) if height and width else source.size or (0, 0)
    info = TableInfo(
        env_id=source.env_id,
        env_kwargs=source.env_kwargs,
        policy="",
        split="",
        seed=0,
        max_steps=0,
        planned_episodes=len(source.recordings),
        fps=source.fps,
        height=size[0],
        width=size[1],
        codec=source.codec.to_json(),
        source=format,
    )
    record = RunRecord("import", Path(out).name, {"path": str(path), **info.to_json()}, started_utc=utc_now())
    skipped = _append_all(source, out, info, storage_options, say)
    table = _finish(source, out, info, skipped, storage_options)
    record.planned, record.completed, record.failed = len(source.recordings), len(table), len(skipped)
    record.config["skipped"] = [{"name": name, "why": why} for name, why in skipped]
    record.finished_utc = utc_now()
    if "://" not in out:
        record.write(Path(out))
    return Imported(table, skipped, list(source.notes))


def _append_all(
    source: Source, out: str, info: TableInfo, storage_options: dict[str, str] | None, say: Callable[[str], None]
) -> list[tuple[str, str]]:
    """Append what is not there yet; returns what had to be skipped."""
    import pyarrow as pa

    done = _begun(out, info, storage_options)
    number, waiting, waiting_bytes = len(done), [], 0
    skipped: list[tuple[str, str]] = []
    for tried, recording in enumerate(source.recordings, start=1):
        if recording.name in done:
            continue
        try:
            episode = _fitted(recording.read(), info)
        except DamagedFileError as error:
            skipped.append((recording.name, str(error)))
            say(f"skipped {recording.name}: {error}")
            continue
        waiting.append(episode_rows(number, episode, info, recording.name))
        waiting_bytes += episode.frames.nbytes
        number += 1
        if waiting_bytes >= COMMIT_BYTES:
            store.append(out, pa.concat_tables(waiting), storage_options)
            waiting, waiting_bytes = [], 0
            say(f"{out}: {tried} of {len(source.recordings)} recordings")
    if waiting:
        store.append(out, pa.concat_tables(waiting), storage_options)
    if not number:
        first = f"; the first: {skipped[0][0]}: {skipped[0][1]}" if skipped else ""
        raise WorldsimError(f"none of {len(source.recordings)} recordings could be read{first}")
    return skipped


def _begun(out: str, info: TableInfo, storage_options: dict[str, str] | None) -> set[str]:
    """The recordings that an earlier, perhaps interrupted import of the same source has left in ``out``."""
    dataset = store.open_dataset(out, storage_options)
    if dataset is None:
        return set()
    found = store.read_info(dataset, out)
    mine, theirs = ({**asdict(one), "planned_episodes": 0} for one in (info, found))
    differing = [f"{key} is {theirs[key]!r} there, {mine[key]!r} here" for key in mine if theirs[key] != mine[key]]
    if differing:
        raise WorldsimError(f"{out} already holds another recording ({'; '.join(differing)}); choose another out=.")
    return set(store.EpisodeTable.open(out, storage_options, allow_unfinished=True).episodes.sources)


def _finish(
    source: Source,
    out: str,
    info: TableInfo,
    skipped: list[tuple[str, str]],
    storage_options: dict[str, str] | None,
) -> store.EpisodeTable:
    table = store.EpisodeTable.open(out, storage_options, allow_unfinished=True)
    rows = dict(zip(table.episodes.sources, table.episodes.offsets.tolist(), strict=True))
    lengths = dict(zip(table.episodes.sources, table.episodes.lengths.tolist(), strict=True))
    captions = {
        rows[one.name]: [(lengths[one.name], text) for text in one.captions]
        for one in source.recordings
        if one.captions and one.name in rows
    }
    if captions and not table.captions(CAPTIONER, CAPTION_VERSION):
        add_captions(out, CAPTIONER, CAPTION_VERSION, captions, storage_options, allow_unfinished=True)
    if table.info.planned_episodes != len(table):
        dataset = store.open_dataset(out, storage_options)
        meta = {META_KEY.decode(): json.dumps(replace(info, planned_episodes=len(table)).to_json())}
        store.committing(out, lambda: dataset.update_schema_metadata(meta, replace=True))
    return store.EpisodeTable.open(out, storage_options)


def _fitted(episode: Episode, info: TableInfo) -> Episode:
    """The episode with frames of the table's size and finite numbers."""
    for name in ("actions", "rewards"):
        if not np.isfinite(getattr(episode, name)).all():
            raise DamagedFileError(f"it has {name} that are not numbers; mend or remove it.")
    if info.height and episode.frames.shape[1:3] != (info.height, info.width):
        return replace(episode, frames=resized(episode.frames, info.height, info.width))
    return episode


def resized(frames: Frames, height: int, width: int) -> Frames:
    """Frames (T, H, W, 3) at another size: averaged over areas when they shrink, interpolated when they grow."""
    import cv2

    shrinks = height * width < frames.shape[1] * frames.shape[2]
    how: Any = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.stack([cv2.resize(frame, (width, height), interpolation=how) for frame in frames]).astype(np.uint8)
