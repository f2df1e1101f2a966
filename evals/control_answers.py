"""What controls were found to do, kept beside the real branches: they do the same for every simulator."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from evals.suite import Suite
from worldsim.core.errors import DamagedFileError
from worldsim.core.records import content_hash, file_hash, read_json, write_json

SOURCES = ("evals", "envs", "worldsim/core")  # what an answer comes from beside the suite and the control themselves


class ControlAnswers:
    """Rows of batches of controls as files, found again while their keys and the code they came from are the same.

    A row's key has the scenario, the suite's settings, the game's fingerprint and the control. Batches in which
    something failed are not kept, nor those of a suite or control that is in no file; a damaged file is made anew.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)

    def get(self, suite: Suite, control: object, keys: Sequence[str]) -> list[dict[str, Any]] | None:
        """The rows of ``keys``, or None."""
        path = self._path(suite, control, keys)
        if path is None:
            return None
        try:
            rows: list[dict[str, Any]] = read_json(path)["rows"]
        except (FileNotFoundError, DamagedFileError, KeyError, TypeError):
            return None
        return rows

    def put(self, suite: Suite, control: object, rows: Sequence[dict[str, Any]]) -> None:
        path = self._path(suite, control, [row["key"] for row in rows])
        if path is not None and all(row["status"] != "failed" for row in rows):
            write_json(path, {"rows": list(rows)})

    def _path(self, suite: Suite, control: object, keys: Sequence[str]) -> Path | None:
        try:
            files = [Path(inspect.getfile(type(one))) for one in (suite, control)]
        except (TypeError, OSError):  # written in a notebook: nobody can tell when it changes
            return None
        code = [_our_code(), *map(_code_beside, files)]
        return self.folder / f"controls-{suite.name}" / f"{content_hash([code, list(keys)])}.json"


@cache
def _our_code() -> str:
    root = Path(__file__).parents[1]
    return _hash_of([path for source in SOURCES for path in (root / source).rglob("*.py")])


@cache
def _code_beside(file: Path) -> str:
    """Of somebody's own suite or control, with the modules in the same folder."""
    return _hash_of(list(file.parent.glob("*.py")))


def _hash_of(files: Sequence[Path]) -> str:
    return content_hash([[path.name, file_hash(path)] for path in sorted(files)])
