"""The recorded tables of a training run, checked before anything is computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from worldsim.core.errors import WorldsimError
from worldsim.data.mixture import require_same_actions
from worldsim.data.store import EpisodeTable


def open_tables(data: Sequence[str | Path], one_action_space: bool = False) -> list[EpisodeTable]:
    """Finished tables with something in them, on request of one action space.

    Raises WorldsimError for no table, an empty one, and one of another action space.
    """
    if not data:
        raise WorldsimError("data=[] names no table; record one with worldsim collect and give data=TABLE.")
    tables = [EpisodeTable.open(str(path)) for path in data]
    for path, table in zip(data, tables, strict=True):
        if not table.episodes.lengths.sum():
            raise WorldsimError(f"the table {path} is empty: {len(table)} episodes, and no frame to learn from.")
    if one_action_space:
        require_same_actions(tables)
    return tables
