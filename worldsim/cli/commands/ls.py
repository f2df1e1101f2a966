"""``worldsim ls``."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldsim.cli import names
from worldsim.cli.settings import setting
from worldsim.cli.table import aligned
from worldsim.core.errors import UnknownNameError
from worldsim.core.registry import Registry

EXAMPLES = ("worldsim ls envs", "worldsim ls checkpoints --json")


@dataclass(kw_only=True)
class LsConfig:
    what: str = setting(
        "what to list",
        example="envs",
        names=("envs", "suites", "simulators", "metrics", "policies", "checkpoints"),
        positional=True,
    )
    json: bool = setting("a JSON list instead of a table", default=False)


def run(config: LsConfig) -> None:
    """Lists what can be named in the other commands. Imports no game and no torch."""
    if config.what not in LISTS:
        raise UnknownNameError("list", config.what, LISTS)
    rows = LISTS[config.what]()
    if config.json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print(f"no {config.what}")
    else:
        columns = [key for key in rows[0] if any(row[key] != "" for row in rows)]
        print(aligned([[_cell(row[key]) for key in columns] for row in rows], head=columns))


def _envs() -> list[dict[str, Any]]:
    return [
        {
            "id": entry.name,
            **{what: what in entry.info["capabilities"] for what in ("depth", "ids", "camera", "objects")},
            "branch": next((way for way in ("snapshot", "replay") if way in entry.info["capabilities"]), ""),
            **{what: what in entry.info["capabilities"] for what in ("interventions", "task", "text")},
            "summary": entry.summary,
            "missing": names.missing(entry),
        }
        for entry in names.games()
    ]


def _policies() -> list[dict[str, Any]]:
    rows = []
    for entry in names.policies():
        meanings = [f" ({kind.upper()}: {entry.info[kind]})" for kind in ("number", "file") if kind in entry.info]
        rows.append({"name": entry.usage, "summary": entry.summary + "".join(meanings)})
    return rows


def _summaries(registry: Registry) -> list[dict[str, Any]]:
    return [{"name": entry.name, "summary": entry.summary} for entry in registry]


def _simulators() -> list[dict[str, Any]]:
    ours = [
        {"name": row["name"], "role": "model", "summary": f"checkpoint for {_cell(row['env'])}"}
        for row in _checkpoints()
    ]
    folder = {"name": "FOLDER", "role": "model", "summary": "a folder written by worldsim train recipe=simulator"}
    controls = [
        {"name": entry.name, "role": entry.info.get("role", "control"), "summary": entry.summary}
        for entry in names.controls()
    ]
    return [*ours, folder, *controls]


def _checkpoints() -> list[dict[str, Any]]:
    from worldsim.simulators.checkpoints import find_checkpoint

    rows = []
    for name in names.checkpoint_names():
        checkpoint = find_checkpoint(name)
        weights = sorted(checkpoint.folder.glob("*.safetensors"))
        rows.append(
            {
                "name": name,
                "env": checkpoint.config["env_ids"],
                "frame": f"{checkpoint.config['height']}x{checkpoint.config['width']}",
                "fps": checkpoint.config["fps"],
                "params": sum(map(_parameters, weights)),
                "MB": round(sum(file.stat().st_size for file in weights) / 1e6, 1),
            }
        )
    return rows


def _parameters(weights: Path) -> int:
    """The numbers in a safetensors file, read off its header (its length in 8 bytes, then JSON), without torch."""
    with open(weights, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return sum(math.prod(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")


LISTS = {
    "envs": _envs,
    "suites": lambda: _summaries(names.suites()),
    "simulators": _simulators,
    "metrics": lambda: _summaries(names.metrics()),
    "policies": _policies,
    "checkpoints": _checkpoints,
}


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "-"
    return f"{value:,}" if isinstance(value, int) else str(value)
