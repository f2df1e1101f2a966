"""What can be named on the command line: for ``worldsim ls``, for completion and for early did-you-mean. No torch."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from worldsim.core.errors import UnknownNameError
from worldsim.core.registry import Registry
from worldsim.core.siblings import OUR_FOLDER, import_ours

CHECKPOINTS = OUR_FOLDER / "worldsim" / "checkpoints"


def games() -> Registry:
    return import_ours("envs.registration").GAMES


def policies() -> Registry:
    return import_ours("envs.policies").POLICIES


def suites() -> Registry:
    return import_ours("evals.suites").SUITES


def controls() -> Registry:
    return import_ours("evals.controls").CONTROLS


def metrics() -> Registry:
    return import_ours("evals.metrics").METRICS


def checkpoints() -> list[Path]:
    """The folders of the checkpoints that come with worldsim."""
    return sorted(file.parent for file in CHECKPOINTS.glob("*/config.json"))


def environment_ids() -> list[str]:
    return games().names()


def policy_names() -> list[str]:
    return policies().names()


def suite_names() -> list[str]:
    return [*suites().names(), "all"]


def control_names() -> list[str]:
    return controls().names()


def checkpoint_names() -> list[str]:
    return [folder.name for folder in checkpoints()]


def simulator_names() -> list[str]:
    return [*checkpoint_names(), *control_names()]


def chosen(registry: Registry, wanted: Sequence[str]) -> list[str]:
    """``wanted`` with "all" spelled out; UnknownNameError for a name that is not registered."""
    if list(wanted) == ["all"]:
        return registry.names()
    for name in wanted:
        if name not in registry:
            raise UnknownNameError(registry.kind, name, [*registry.names(), "all"])
    return list(dict.fromkeys(wanted))


def is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def read_config(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text())
