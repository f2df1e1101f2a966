"""Reading evaluation runs: the header, the rows and the summary of each, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from worldsim.core.errors import DamagedFileError, WorldsimError
from worldsim.core.records import SCHEMA_VERSION, RunRecord, read_json, read_rows

ROW_KEYS = ("suite", "suite_version", "game", "simulator", "role", "scenario", "scenario_hash", "status")
SUITE_KEYS = ("suite", "suite_version", "game", "primary", "simulators")


@dataclass(frozen=True)
class SuiteKey:
    """What makes numbers comparable: the suite, its version and the game."""

    suite: str
    version: int
    game: str

    @property
    def title(self) -> str:
        return f"{self.suite} · {self.game}"


@dataclass
class Run:
    """One evaluation run as read from its folder; ``notes`` are things the reader of a report must know."""

    folder: Path
    name: str
    record: RunRecord
    rows: list[dict[str, Any]]
    suites: dict[SuiteKey, dict[str, Any]]
    notes: list[str] = field(default_factory=list)

    def rows_of(self, key: SuiteKey, simulator: str | None = None) -> list[dict[str, Any]]:
        return [row for row in self.rows if suite_key(row) == key and simulator in (None, row["simulator"])]


@dataclass(frozen=True)
class Entry:
    """One simulator of one run in one suite, as the summary has it; ``label`` is unique within the report."""

    run: Run
    key: SuiteKey
    simulator: str
    role: str
    label: str
    summary: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.run.rows_of(self.key, self.simulator)


def suite_key(part: dict[str, Any]) -> SuiteKey:
    return SuiteKey(part["suite"], int(part["suite_version"]), part["game"])


def load_runs(folders: Sequence[str | Path]) -> list[Run]:
    """Read run folders for one report.

    Raises WorldsimError when there is none, when one is no finished evaluation, or when two cannot stand side by side.
    """
    if isinstance(folders, (str, Path)):
        folders = [folders]
    if not folders:
        raise WorldsimError("a report needs at least one run; give run folders, such as runs=[runs/voxel-base].")
    paths = [Path(folder) for folder in folders]
    if len({path.resolve() for path in paths}) < len(paths):
        raise WorldsimError(f"the same run is given twice: {', '.join(map(str, paths))}; name each once.")
    runs = [load_run(path) for path in paths]
    _make_names_unique(runs)
    _refuse_other_versions(runs)
    return runs


def load_run(folder: Path) -> Run:
    """Read one run folder; the row of a scenario and seed that was run twice is the later one."""
    if not folder.is_dir():
        raise WorldsimError(f"{folder} is not a folder; give the folder that worldsim eval wrote (out=...).")
    record = RunRecord.read(folder)
    if record.kind != "eval":
        raise WorldsimError(f"{folder} is a run of kind {record.kind!r}; a report shows runs of worldsim eval.")
    if not (folder / "summary.json").exists():
        raise WorldsimError(f"{folder} has no summary.json, so it is not finished; run its worldsim eval again.")
    notes: list[str] = []
    rows_path = folder / "rows.jsonl"
    raw_rows = read_rows(rows_path)
    if rows_path.exists() and (raw := rows_path.read_bytes()) and not raw.endswith(b"\n"):
        notes.append(
            "The last line of rows.jsonl is cut, so one scenario is left out; the same worldsim eval completes it."
        )
    if not raw_rows:
        notes.append("The run has no row: no scenario was finished.")
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, row in enumerate(raw_rows, start=1):
        _check(row, ROW_KEYS, f"{rows_path}, row {number},")
        latest[(suite_key(row), row["simulator"], row["scenario"], row.get("seed"))] = row
    summary = read_json(folder / "summary.json")
    _check(summary, ("suites",), str(folder / "summary.json"))
    for suite in summary["suites"]:
        _check({"schema": SCHEMA_VERSION, **suite}, SUITE_KEYS, f"{folder / 'summary.json'}, a suite,")
    suites = {suite_key(suite): suite for suite in summary["suites"]}
    return Run(folder, record.name or folder.name, record, list(latest.values()), suites, notes)


def entries(runs: Iterable[Run], key: SuiteKey) -> list[Entry]:
    """The simulators of a suite over all runs, models first; a control that repeats an earlier run's is left out."""
    runs = [run for run in runs if key in run.suites]
    found: list[Entry] = []
    for run in runs:
        for summary in run.suites[key]["simulators"]:
            name, role = summary["simulator"], summary.get("role", "model")
            same = [entry for entry in found if entry.simulator == name]
            if role != "model" and any(_same_numbers(entry.summary, summary) for entry in same):
                continue
            found.append(Entry(run, key, name, role, name, summary))
    names = [entry.simulator for entry in found]
    labelled = [
        entry if names.count(entry.simulator) == 1 else _relabel(entry, f"{entry.simulator} ({entry.run.name})")
        for entry in found
    ]
    order = {"model": 0, "oracle": 1, "ceiling": 2}
    return sorted(labelled, key=lambda entry: order.get(entry.role, 3))


def suite_keys(runs: Iterable[Run]) -> list[SuiteKey]:
    """Suites of all runs in order of first appearance."""
    return list(dict.fromkeys(key for run in runs for key in run.suites))


def _relabel(entry: Entry, label: str) -> Entry:
    return Entry(entry.run, entry.key, entry.simulator, entry.role, label, entry.summary)


def _same_numbers(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return all(first.get(name) == second.get(name) for name in ("metrics", "planned", "completed", "failed"))


def _check(part: Any, keys: Sequence[str], where: str) -> None:
    if not isinstance(part, dict):
        raise DamagedFileError(f"{where} is not an object; restore the run from a copy or run it again.")
    schema = part.get("schema")
    if schema != SCHEMA_VERSION:
        raise DamagedFileError(
            f"{where} has schema {schema}; this worldsim reads schema {SCHEMA_VERSION}. Run the evaluation again."
        )
    missing = [key for key in keys if key not in part]
    if missing:
        raise DamagedFileError(f"{where} lacks {', '.join(missing)}; restore the run from a copy or run it again.")


def _make_names_unique(runs: list[Run]) -> None:
    names = [run.name for run in runs]
    for index, run in enumerate(runs):
        if names.count(names[index]) > 1:
            run.name = f"{run.name} #{names[: index + 1].count(names[index])}"


def _refuse_other_versions(runs: list[Run]) -> None:
    seen: dict[tuple[str, str], tuple[int, Run]] = {}
    for run in runs:
        for key in run.suites:
            version, first = seen.setdefault((key.suite, key.game), (key.version, run))
            if version != key.version:
                raise WorldsimError(
                    f"suite {key.suite} on {key.game} is version {version} in {first.folder} and version {key.version} "
                    f"in {run.folder}; numbers of different versions cannot be compared. Run one of them again."
                )
