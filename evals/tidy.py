"""The rows of a run as one tidy table: a line for each value, for pandas and whatever else reads CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import read_rows, write_atomic

if TYPE_CHECKING:
    import pandas

COLUMNS = {
    "suite": "str", "suite_version": "int", "game": "str", "metric": "str", "model": "str", "scenario": "str",
    "family": "str", "seed": "int", "lag": "float", "value": "float", "reason": "str",
}  # fmt: skip


def write_table(run: Path) -> Path:
    """Write ``table.csv`` from the ``rows.jsonl`` of a run folder.

    ``lag`` is the number behind the "@" of a metric's name, ``model`` the simulator, controls included. A scenario that
    failed is one line: the suite's primary metric without a value, and the reason.
    """
    path = Path(run) / "table.csv"
    lines = [line for row in read_rows(Path(run) / "rows.jsonl") for line in _lines(row)]
    write_atomic(path, _frame(lines).to_csv(index=False))
    return path


def read_table(run: str | Path) -> pandas.DataFrame:
    """The ``table.csv`` of a run folder; empty cells are NaN, and empty text where the column is text.

    Raises WorldsimError where there is none and DamagedFileError where it lacks a column or cannot be read.
    """
    import pandas

    path = Path(run) / "table.csv"
    if not path.exists():
        raise WorldsimError(f"{run} has no table.csv; worldsim eval writes it when it is done: run it again.")
    text = [name for name, kind in COLUMNS.items() if kind == "str"]
    try:
        found = pandas.read_csv(path, dtype=dict.fromkeys(text, "str"), keep_default_na=False, na_values={
            name: [""] for name in COLUMNS if name not in text
        })  # fmt: skip
        return found.astype(COLUMNS)[list(COLUMNS)]
    except (ValueError, KeyError) as error:
        raise DamagedFileError(f"{path} is not a table of results ({error}); run its worldsim eval again.") from error


def _lines(row: dict[str, Any]) -> Iterable[dict[str, Any]]:
    about = {name: row[name] for name in ("suite", "suite_version", "game", "scenario", "family", "seed")}
    about["model"] = row["simulator"]
    for name, value in (row["values"] or {row.get("primary", ""): None}).items():
        metric, _, lag = name.partition("@")
        reason = row["reasons"].get(name, "") or (row["reason"] if value is None else "")
        yield {**about, "metric": metric, "lag": float(lag) if lag else None, "value": value, "reason": reason}


def _frame(lines: list[dict[str, Any]]) -> pandas.DataFrame:
    import pandas

    return pandas.DataFrame(lines, columns=list(COLUMNS)).astype(COLUMNS)
