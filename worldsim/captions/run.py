"""Caption a table's clips; killed at any time, the same call goes on and asks for no caption twice.

Every answer goes to a journal beside the table as soon as it is there; when all are, one commit makes them a column.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldsim.captions.captioner import Captioner
from worldsim.captions.clip import Clip, ClipPlace, places, read_clips
from worldsim.core.errors import WorldsimError
from worldsim.core.records import content_hash, read_rows, to_plain
from worldsim.data import parts, store
from worldsim.data.captions import add_captions

Key = tuple[int, int]  # a clip: row of its first frame, frames
SYNC_EVERY_S = 1.0


@dataclass(frozen=True)
class Captioned:
    """What a run did: clips in all, clips that had their captions before, clips captioned now."""

    clips: int
    had: int
    captioned: int


def caption_table(
    path: str,
    captioner: Captioner,
    *,
    lengths: Sequence[int] = (32, 0),
    stride: int = 16,
    storage_options: dict[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Captioned:
    """Add ``captioner``'s captions to the table: a clip every ``stride`` frames of each length, 0 being the episode.

    ``progress`` gets (clips captioned, clips). Raises WorldsimError when the table holds captions of this name and
    version that were made with other settings, and whatever the captioner raises; what was captioned is kept.
    """
    table = store.EpisodeTable.open(path, storage_options)
    wanted = places(table, lengths, stride)
    settings = to_plain(captioner.settings())
    _check_settings(path, captioner, settings, table.captioners, storage_options)
    earlier = _in_table(table, captioner)
    todo = [place for place in wanted if (place.row, place.frames) not in earlier]
    if not todo:
        return Captioned(len(wanted), len(wanted), 0)
    key = content_hash([table.content_key, captioner.name, captioner.version, settings])
    with parts.locked(_journal_folder(path) / key) as folder:
        written = {
            (row["row"], row["frames"]): row["texts"] for row in read_rows(folder / "captions.jsonl", repair=True)
        }
        missing = [place for place in todo if (place.row, place.frames) not in written]
        had, total = len(wanted) - len(missing), len(wanted)
        done = 0
        try:
            with _Journal(folder / "captions.jsonl") as journal:
                for place, texts in _captions(captioner, read_clips(table, missing)):
                    journal.write(place, texts)
                    written[place.row, place.frames] = texts
                    done += 1
                    if progress:
                        progress(had + done, total)
        except WorldsimError as error:
            raise WorldsimError(
                f"{error} {had + done} of {total} clips are captioned and kept; the same command goes on."
            ) from error
        _commit(path, captioner, settings, earlier | written, storage_options)
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # another captioner's journal is in it
        folder.parent.rmdir()
    return Captioned(total, had, done)


def _captions(captioner: Captioner, clips: Iterator[Clip]) -> Iterator[tuple[ClipPlace, list[str]]]:
    """Each clip's captions as they come, ``captioner.parallel`` clips at a time."""
    if captioner.parallel == 1:
        for clip in clips:
            yield clip.place, captioner.caption(clip)
        return
    pool = ThreadPoolExecutor(captioner.parallel)
    running: dict[Future[list[str]], ClipPlace] = {}
    failed: deque[BaseException] = deque()
    try:
        for clip in clips:
            running[pool.submit(captioner.caption, clip)] = clip.place
            if len(running) >= captioner.parallel:
                yield from _finished(running, failed)
            if failed:
                break
        while running:  # after a failure too: what was asked and paid for is kept
            yield from _finished(running, failed)
        if failed:
            raise failed[0]
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(
    running: dict[Future[list[str]], ClipPlace], failed: deque[BaseException]
) -> Iterator[tuple[ClipPlace, list[str]]]:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        place = running.pop(future)
        error = future.exception()
        if error is not None:
            failed.append(error)
        else:
            yield place, future.result()


class _Journal:
    """Appends one line for each clip; a kill of the process loses none, a power cut those of the last second."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> _Journal:
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._synced = time.monotonic()
        return self

    def write(self, place: ClipPlace, texts: Iterable[str]) -> None:
        line = json.dumps({"row": place.row, "frames": place.frames, "texts": list(texts)}) + "\n"
        try:
            os.write(self._file, line.encode())
        except OSError as error:
            raise WorldsimError(f"cannot write to {self._path} ({error.strerror}); free space there.") from error
        if time.monotonic() - self._synced > SYNC_EVERY_S:
            os.fsync(self._file)
            self._synced = time.monotonic()

    def __exit__(self, *error: Any) -> None:
        os.fsync(self._file)
        os.close(self._file)


def _in_table(table: store.EpisodeTable, captioner: Captioner) -> dict[Key, list[str]]:
    found: dict[Key, list[str]] = {}
    for one in table.captions(captioner.name, captioner.version):
        found.setdefault((one.row, one.frames), []).append(one.text)
    return found


def _commit(
    path: str,
    captioner: Captioner,
    settings: dict[str, Any],
    captions: dict[Key, list[str]],
    storage_options: dict[str, str] | None,
) -> None:
    rows: dict[int, list[tuple[int, str]]] = {}
    for (row, frames), texts in sorted(captions.items()):
        rows.setdefault(row, []).extend((frames, text) for text in texts)
    dataset = store.open_dataset(path, storage_options)
    store.committing(path, lambda: dataset.update_config({_settings_key(captioner): json.dumps(settings)}))
    add_captions(path, captioner.name, captioner.version, rows, storage_options)


def _check_settings(
    path: str,
    captioner: Captioner,
    settings: dict[str, Any],
    captioners: Sequence[tuple[str, int]],
    storage_options: dict[str, str] | None,
) -> None:
    if (captioner.name, captioner.version) not in captioners:
        return
    raw = store.open_dataset(path, storage_options).config().get(_settings_key(captioner))
    found = json.loads(raw) if raw else {}
    differing = [
        f"{key} is {found.get(key)!r} there, {settings.get(key)!r} here"
        for key in sorted(found.keys() | settings.keys())
        if found.get(key) != settings.get(key)
    ]
    if differing:
        raise WorldsimError(
            f"{path} has captions called {captioner.name!r}, version {captioner.version}, that were made with other "
            f"settings ({'; '.join(differing)}); give these a name of their own with label=."
        )


def _settings_key(captioner: Captioner) -> str:
    return f"worldsim.captions:{captioner.name}:v{captioner.version}"


def _journal_folder(path: str) -> Path:
    if "://" in path:
        return Path(tempfile.gettempdir()) / f"worldsim-captions-{content_hash(path)}.partial"
    return Path(f"{path.rstrip('/')}.captions")
