"""Reading evaluation runs: the header, the rows and the summary of each, checked once; who is in them, in order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reports.labels import distinct_parts, model_labels
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
    """One evaluation run as read from its folder; ``notes`` are things the reader of a report must know.

    ``labels`` are what its models are called in the report, by simulator name (see :mod:`reports.labels`).
    """

    folder: Path
    name: str
    record: RunRecord
    rows: list[dict[str, Any]]
    suites: dict[SuiteKey, dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    def facts(self, simulator: str) -> dict[str, Any]:
        """What the record says of a model: kept by its name, or once where the run has one model."""
        own = self.record.model.get(simulator)
        return own if isinstance(own, dict) else self.record.model

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

    @property
    def train_flops(self) -> float | None:
        """Training compute of a model, None where it is not known."""
        found = self.run.facts(self.simulator).get("train_flops") if self.role == "model" else None
        return float(found) if found else None


def suite_key(part: dict[str, Any]) -> SuiteKey:
    return SuiteKey(part["suite"], int(part["suite_version"]), part["game"])


def load_runs(folders: Sequence[str | Path]) -> list[Run]:
    """Read run folders for one report.

    Raises WorldsimError when there is none, or when one is no finished evaluation.
    """
    if not folders:
        raise WorldsimError("a report needs at least one run of worldsim eval, such as runs=[runs/voxel-base].")
    paths = [Path(folder) for folder in folders]
    if len({path.resolve() for path in paths}) < len(paths):
        raise WorldsimError(f"the same run is given twice: {', '.join(map(str, paths))}; name each once.")
    runs = [load_run(path) for path in paths]
    name_runs(runs)
    name_models(runs)
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
    """The simulators of a suite over all runs: models first, by training compute, those of unknown compute last.

    A control that repeats an earlier run's is left out.
    """
    found: list[Entry] = []
    for run in (run for run in runs if key in run.suites):
        for summary in run.suites[key]["simulators"]:
            name, role = summary["simulator"], summary.get("role", "model")
            same = [entry for entry in found if entry.simulator == name]
            if role != "model" and any(_same_numbers(entry.summary, summary) for entry in same):
                continue
            label = run.labels.get(name, name) if role == "model" else name
            found.append(Entry(run, key, name, role, label, summary))
    for whose in (_only_model, lambda run: run.name):
        labels = [entry.label for entry in found]
        found = [
            entry if labels.count(entry.label) == 1 else replace(entry, label=f"{entry.simulator} ({whose(entry.run)})")
            for entry in found
        ]
    order = {"model": 0, "oracle": 1, "ceiling": 2}
    return sorted(found, key=lambda entry: (order.get(entry.role, 3), entry.train_flops or math.inf))


def _only_model(run: Run) -> str:
    """Whose controls a run's are, which says more than the run's name."""
    return next(iter(run.labels.values())) if len(run.labels) == 1 else run.name


def models(runs: Iterable[Run], key: SuiteKey) -> list[Entry]:
    """The models of a suite, by training compute."""
    return [entry for entry in entries(runs, key) if entry.role == "model"]


def suite_keys(runs: Iterable[Run]) -> list[SuiteKey]:
    """Suites of all runs in order of first appearance."""
    return list(dict.fromkeys(key for run in runs for key in run.suites))


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


def name_runs(runs: Sequence[Run]) -> None:
    """Give runs of one name the parts of their paths that tell them apart: "base/eval" and "4x/eval"."""
    names = [run.name for run in runs]
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        same = [run for run in runs if run.name == name]
        for run, part in zip(same, distinct_parts([[run.folder.resolve()] for run in same]), strict=True):
            run.name = f"{part}/{name}" if part and part != name else part or name
    for index, name in enumerate([run.name for run in runs]):
        if [run.name for run in runs].count(name) > 1:  # equal paths in all but links
            runs[index].name = f"{name} #{index + 1}"


def name_models(runs: Sequence[Run]) -> None:
    """Set ``labels``: one for each model, unique in the report; the same model in several runs keeps one."""
    seen = [
        (run, one["simulator"])
        for run in runs
        for suite in run.suites.values()
        for one in suite["simulators"]
        if one.get("role", "model") == "model"
    ]
    labels = model_labels([(name, run.facts(name), run.folder.resolve()) for run, name in seen])
    for (run, name), label in zip(seen, labels, strict=True):
        run.labels[name] = label
