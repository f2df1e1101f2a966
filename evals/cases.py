"""Cases on disk, so that the real game plays each scenario once for all simulators and all runs."""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from evals.games import RealGame
from evals.scenarios import Case, RealBranch, Scenario
from evals.suite import Suite
from worldsim.core.records import content_hash, to_plain, write_atomic
from worldsim.core.types import Edit

FORMAT = 2


def default_folder() -> Path:
    """``$WORLDSIM_CACHE/real``, or ``worldsim/real`` in the user's cache folder."""
    chosen = os.environ.get("WORLDSIM_CACHE")
    if chosen:
        return Path(chosen) / "real"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "worldsim" / "real"


class RealBranches:
    """Cases of suites in games, made when first asked for and kept as ``.npz`` files without pickle.

    A file is found again only if everything it was made from is the same: the suite's settings, the game with its
    arguments, and the game's fingerprint (how it looks and answers now). These inputs are in the file. A damaged file
    is made anew.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        self._fingerprints: dict[tuple[str, str], str] = {}

    def fingerprint(self, suite: Suite, game: RealGame) -> str:
        key = (game.key, suite.config.policy)
        if key not in self._fingerprints:
            self._fingerprints[key] = game.fingerprint(suite.config.policy)
        return self._fingerprints[key]

    def get(self, suite: Suite, game: RealGame, index: int) -> Case:
        """Scenario ``index`` of ``suite`` in ``game`` with its real branches."""
        inputs = to_plain(
            {
                "format": FORMAT + suite.facts_version,
                "suite": suite.inputs,
                "game": [game.env_id, game.env_kwargs, self.fingerprint(suite, game)],
                "index": index,
            }
        )
        path = self.folder / f"{suite.name}-{slug(game.env_id)}" / f"{index:04d}-{content_hash(inputs)}.npz"
        case = read_case(path, inputs)
        if case is None:
            case = suite.build(game, index)
            write_case(path, case, inputs)
        return case


def write_case(path: Path, case: Case, inputs: dict[str, Any]) -> None:
    scenario = case.scenario
    header = {
        "inputs": inputs,
        "scenario": {
            "suite": scenario.suite,
            "env_id": scenario.env_id,
            "env_kwargs": scenario.env_kwargs,
            "index": scenario.index,
            "seed": scenario.seed,
            "family": scenario.family,
            "prompts": scenario.prompts,
            "from_nothing": scenario.from_nothing,
            "edits": {name: [asdict(edit) for edit in edits] for name, edits in scenario.edits.items()},
            "subject_id": scenario.subject_id,
        },
        "branches": list(scenario.branches),
        "scenario_hash": scenario.hash,
        "fps": case.fps,
    }
    arrays: dict[str, Any] = {"header": np.array(json.dumps(to_plain(header))), "prefix": scenario.prefix}
    arrays["context_frames"] = case.context_frames
    for name, actions in scenario.branches.items():
        real = case.real[name]
        arrays |= {
            f"actions/{name}": actions,
            f"frames/{name}": real.frames,
            f"rewards/{name}": real.rewards,
            f"ended/{name}": real.ended,
        }
    arrays |= {f"fact/{name}": value for name, value in case.facts.items()}
    arrays |= {f"context/{name}": frames for name, frames in case.contexts.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_atomic(path, buffer.getvalue())


def read_case(path: Path, inputs: dict[str, Any]) -> Case | None:
    """The case in ``path``; None when there is none, when it was made from other inputs, or when it is damaged."""
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in file.files}
        header = json.loads(str(data["header"]))
        if header["inputs"] != inputs:
            return None
        branches = {name: data[f"actions/{name}"] for name in header["branches"]}
        told = header["scenario"]
        edits = {name: tuple(Edit(**edit) for edit in edits) for name, edits in told.pop("edits").items()}
        scenario = Scenario(**told, prefix=data["prefix"], branches=branches, edits=edits)
        if scenario.hash != header["scenario_hash"]:
            return None
        real = {
            name: RealBranch(data[f"frames/{name}"], data[f"rewards/{name}"], data[f"ended/{name}"])
            for name in branches
        }
        facts, contexts = _under(data, "fact"), _under(data, "context")
        return Case(scenario, data["context_frames"], real, header["fps"], facts, contexts)
    except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile):
        return None


def _under(data: dict[str, Any], folder: str) -> dict[str, Any]:
    return {name.partition("/")[2]: value for name, value in data.items() if name.startswith(f"{folder}/")}


def slug(name: str) -> str:
    """A name as part of a file name: letters, digits, dots, underscores and hyphens."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-")
