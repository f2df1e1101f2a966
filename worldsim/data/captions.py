"""Captions of clips, as further columns of a recorded table: one for each captioner and version of it.

A caption is on the row of its clip's first frame and says how many frames it is about; frames are never rewritten.
Lance reads a dot in a column's name as a path, so names are ``caption:<captioner>:v<version>:<n>`` with the captioner
percent-encoded. Adding to a column writes it anew as number n+1 in one commit and drops number n after that: a kill in
between leaves both, and the higher number counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from worldsim.core.errors import WorldsimError

_NAME = re.compile(r"caption:([^:]+):v(\d+):(\d+)")
_BATCH_ROWS = 65536


@dataclass(frozen=True)
class Caption:
    """What a captioner wrote about ``frames`` frames from ``row`` of a table on."""

    row: int
    frames: int
    text: str
    captioner: str
    version: int


def caption_columns(names: Sequence[str]) -> dict[tuple[str, int], str]:
    """(captioner, version) -> the column that counts, sorted, from the names of a table's columns."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for name in names:
        if match := _NAME.fullmatch(name):
            key = unquote(match[1]), int(match[2])
            found[key] = max(found.get(key, (-1, "")), (int(match[3]), name))
    return {key: found[key][1] for key in sorted(found)}


def add_captions(
    path: str,
    captioner: str,
    version: int,
    captions: Mapping[int, Sequence[tuple[int, str]]],
    storage_options: dict[str, str] | None = None,
    allow_unfinished: bool = False,
) -> None:
    """Add captions to a table: row of a clip's first frame -> (frames, text) of each caption of that clip.

    Rows that this captioner and version captioned before and that are not given keep what they have; given rows are
    replaced. One atomic commit. Raises WorldsimError for a clip that is not inside one episode.
    """
    import pyarrow as pa

    from worldsim.data import store

    table = store.EpisodeTable.open(path, storage_options, allow_unfinished)
    if not captioner or version < 0:
        raise WorldsimError(f"captioner={captioner!r}, version={version}: give a name and a version of 0 or more.")
    _check_inside_episodes(table, captions)
    columns = caption_columns(table.column_names)
    old = columns.get((captioner, version))
    number = int(_NAME.fullmatch(old)[3]) + 1 if old else 0  # type: ignore[index]
    merged: dict[int, Sequence[tuple[int, str]]] = {}
    for one in table.captions(captioner, version):
        merged[one.row] = [*merged.get(one.row, ()), (one.frames, one.text)]
    merged |= captions

    kind = pa.list_(pa.struct([("frames", pa.int32()), ("text", pa.string())]))
    schema = pa.schema([(f"caption:{_encoded(captioner)}:v{version}:{number}", kind)])
    total = int(table.episodes.lengths.sum())

    def batches():
        for first in range(0, total, _BATCH_ROWS):
            values = [
                [{"frames": frames, "text": text} for frames, text in merged[row]] if merged.get(row) else None
                for row in range(first, min(first + _BATCH_ROWS, total))
            ]
            yield pa.record_batch([pa.array(values, kind)], schema=schema)

    dataset = store.open_dataset(path, storage_options)
    store.committing(path, lambda: dataset.add_columns(pa.RecordBatchReader.from_batches(schema, batches())))
    prefix = schema.names[0].rpartition(":")[0] + ":"
    superseded = [name for name in dataset.schema.names if name.startswith(prefix) and name != schema.names[0]]
    if superseded:
        store.committing(path, lambda: dataset.drop_columns(superseded))


def read_captions(table: Any, key: tuple[str, int], column: str) -> list[Caption]:
    """The captions in ``column`` of an Arrow table; ``Caption.row`` counts from the table's first row."""
    values = table.column(column).combine_chunks()
    rows = np.repeat(np.arange(len(values)), values.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
    flat = values.flatten()
    frames, texts = flat.field("frames").to_pylist(), flat.field("text").to_pylist()
    return [Caption(int(r), n, text, *key) for r, n, text in zip(rows, frames, texts, strict=True)]


class CaptionIndex:
    """Which captions cover a clip: those that begin no later than it and end no earlier."""

    def __init__(self, captions: Sequence[Caption]):
        order = sorted(captions, key=lambda one: (one.row, one.captioner, one.version, one.frames, one.text))
        self._texts = [one.text for one in order]
        self._first = np.array([one.row for one in order], np.int64)
        self._end = self._first + np.array([one.frames for one in order], np.int64)
        self._longest = int((self._end - self._first).max(initial=0))

    def choose(self, first: NDArray[np.int64], last: NDArray[np.int64], share: NDArray[np.float64]) -> list[str]:
        """A caption for each clip of rows first..last (B,), "" where none covers it.

        Of those that cover it the shortest clips' are most about it; ``share`` (B,) in [0, 1) picks among them.
        """
        chosen = []
        for row, until, part in zip(first.tolist(), last.tolist(), share.tolist(), strict=True):
            low = int(np.searchsorted(self._first, until + 1 - self._longest, side="left"))
            high = int(np.searchsorted(self._first, row, side="right"))
            covering = low + np.flatnonzero(self._end[low:high] > until)
            frames = self._end[covering] - self._first[covering]
            covering = covering[frames == frames.min(initial=self._longest)]
            chosen.append(self._texts[covering[int(part * len(covering))]] if len(covering) else "")
        return chosen


def _check_inside_episodes(table: Any, captions: Mapping[int, Sequence[tuple[int, str]]]) -> None:
    ends = table.episodes.offsets + table.episodes.lengths
    for row, texts in captions.items():
        number = int(np.searchsorted(ends, row, side="right"))
        end = int(ends[number]) if row >= 0 and number < len(ends) else row
        for frames, text in texts:
            if frames < 1 or row + frames > end or not isinstance(text, str):
                raise WorldsimError(
                    f"a caption of {frames} frames from row {row} is not inside one episode of {table.path}: {text!r}"
                )


def _encoded(captioner: str) -> str:
    return quote(captioner, safe="").replace(".", "%2E").replace("~", "%7E")
