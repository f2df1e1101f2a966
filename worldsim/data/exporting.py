"""A table, or some of its episodes, in another format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from worldsim.core.errors import WorldsimError
from worldsim.data.formats import EXPORTERS
from worldsim.data.store import EpisodeTable


def export_table(
    table: EpisodeTable, format: str, out: str | Path, *, episodes: Sequence[int] | None = None, lossless: bool = False
) -> Path:
    """Write ``episodes`` (all by default) of a table into the new folder ``out``; returns it.

    ``format`` is a name of :data:`worldsim.data.formats.EXPORTERS`. Actions and rewards are exact in all, frames
    where ``lossless``; Minari's always are. Raises WorldsimError when ``out`` is not empty or cannot be written.
    """
    out = Path(out)
    export = EXPORTERS.load(format)
    chosen = list(range(len(table)) if episodes is None else episodes)
    for number in chosen:
        if not 0 <= number < len(table):
            raise WorldsimError(f"{table.path} has episodes 0 to {len(table) - 1}; asked for {number}.")
    if not chosen:
        raise WorldsimError(f"episodes=[]: name episodes of {table.path}, 0 to {len(table) - 1}.")
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise WorldsimError(f"{out} is not empty; choose another out= or delete it.")
        out.mkdir(parents=True, exist_ok=True)
        export(table, out, chosen, lossless)
    except OSError as error:
        raise WorldsimError(f"cannot write {out} ({error.strerror or error}); free space or choose another.") from error
    return out
