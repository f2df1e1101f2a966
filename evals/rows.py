"""The rows of a run: one line per scenario, simulator and seed, appended as they finish, found again by key."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from worldsim.core.records import append_rows, content_hash, read_rows, write_atomic

ROW_SCHEMA = 1
SAME_PLACE = ("suite", "game", "simulator", "scenario", "seed")


def row_key(inputs: dict[str, str | int]) -> str:
    return content_hash(inputs)


class Rows:
    """``rows.jsonl`` of a run folder; reading drops a last line that a kill cut short, from the file too.

    Raises DamagedFileError when any other line cannot be read.
    """

    def __init__(self, folder: Path):
        self.path = Path(folder) / "rows.jsonl"
        self._rows: dict[str, dict[str, Any]] = {}
        for row in read_rows(self.path, repair=True):
            self._rows[row["key"]] = row

    def __contains__(self, key: str) -> bool:
        return key in self._rows

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows that are not there yet; those that are stay as they are."""
        missing = [row for row in rows if row["key"] not in self._rows]
        if missing:
            self._rows |= {row["key"]: row for row in append_rows(self.path, missing)}

    def drop_failed(self) -> int:
        """Take failed rows out, so that they are run again; how many there were."""
        return self._keep(lambda row: row["status"] != "failed")

    def set_aside_superseded(self, keys: set[str]) -> list[str]:
        """Move rows that stand in the place of one of ``keys`` under another key to ``superseded.jsonl``.

        They came from another checkpoint, game or suite version; returned are the inputs that differ.
        """
        places = {tuple(self._rows[key][part] for part in SAME_PLACE): key for key in keys if key in self._rows}
        changed: set[str] = set()
        old = []
        for key, row in self._rows.items():
            new_key = places.get(tuple(row[part] for part in SAME_PLACE), key)
            if key not in keys and new_key != key:
                old.append(row)
                now = self._rows[new_key]["inputs"]
                changed |= {name for name, value in row["inputs"].items() if now.get(name) != value}
        if old:
            append_rows(self.path.with_name("superseded.jsonl"), old)
            gone = {row["key"] for row in old}
            self._keep(lambda row: row["key"] not in gone)
        return sorted(changed)

    def _keep(self, wanted: Callable[[dict[str, Any]], bool]) -> int:
        kept = {key: row for key, row in self._rows.items() if wanted(row)}
        removed = len(self._rows) - len(kept)
        if removed:
            write_atomic(self.path, "".join(json.dumps(row) + "\n" for row in kept.values()))
        self._rows = kept
        return removed
