"""Whether runs may stand side by side: the same suites in the same version, with the same limit and scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reports.numbers import count
from reports.runs import Run, SuiteKey
from worldsim.core.errors import WorldsimError


def require_comparable(runs: Sequence[Run], force: bool) -> list[str]:
    """What the reader of a forced report must know, one line each; WorldsimError when runs differ and ``force`` is off.

    Suites that only some runs have differ from nothing. A row that is missing is no other scenario: it is counted.
    """
    found = [line for run, other in _neighbours(runs) for line in _differences(*run, *other)]
    if found and not force:
        raise WorldsimError(
            "these runs cannot be compared: " + "; ".join(found) + ". Run them with the same suite, limit and "
            "settings, or give force=true: then scenarios are paired where they are the same."
        )
    return [f"Compared by force: {line}." for line in found]


def _neighbours(runs: Sequence[Run]) -> list[tuple[tuple[Run, SuiteKey], tuple[Run, SuiteKey]]]:
    """Each run of a suite in a game with the first that has it."""
    first: dict[tuple[str, str], tuple[Run, SuiteKey]] = {}
    pairs = []
    for run in runs:
        for key in run.suites:
            before = first.setdefault((key.suite, key.game), (run, key))
            if before[0] is not run:
                pairs.append((before, (run, key)))
    return pairs


def _differences(run: Run, key: SuiteKey, other: Run, other_key: SuiteKey) -> list[str]:
    where = f"suite {key.suite} on {key.game}"
    if key.version != other_key.version:
        return [f"{where} is version {key.version} in {run.folder} and version {other_key.version} in {other.folder}"]
    limits = [_limit(one, key) for one in (run, other)]
    if all(limits) and limits[0] != limits[1]:
        return [f"{where} has {count(limits[0], 'scenario')} in {run.folder} and {limits[1]} in {other.folder}"]
    settings = [{row.get("inputs", {}).get("suite", "") for row in one.rows_of(key)} for one in (run, other)]
    if all(settings) and settings[0] != settings[1]:
        return [f"{where} has other settings in {run.folder} than in {other.folder}"]
    hashes = [{row["scenario"]: row["scenario_hash"] for row in one.rows_of(key)} for one in (run, other)]
    changed = sorted(name for name in hashes[0].keys() & hashes[1].keys() if hashes[0][name] != hashes[1][name])
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        return [f"{where} has another scenario {changed[0]}{more} in {run.folder} than in {other.folder}"]
    return []


def _limit(run: Run, key: SuiteKey) -> int:
    """How many scenarios were planned for each model; ``planned`` counts them once for each seed."""
    seeds = max(1, int(run.record.seeds.get("per_scenario", 1)))
    suite: dict[str, Any] = run.suites[key]
    planned = [one.get("planned", 0) for one in suite["simulators"] if one.get("role", "model") == "model"]
    return max(planned, default=0) // seeds
