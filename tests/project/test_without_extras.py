"""What every installation can load: an extra is needed by what it is for, and by nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

# What a plain installation lacks, and those whose import has another name than their package.
OTHER_NAMES = {"pylance": "lance", "stable-baselines3": "stable_baselines3", "huggingface-hub": "huggingface_hub"}
NO_LIBRARIES = {"worldsim", "pytest", "pytest-xdist", "ruff", "mypy", "build", "pillow"}

SCRIPT = """
import sys
for name in {absent}:
    sys.modules[name] = None  # an import of it fails
from evals.controls import CONTROLS
from evals.controls.planted import FAULTS
from evals.metrics.registered import METRICS
from evals.suites import SUITES
from evals.suites.making import make_suites
for registry in (CONTROLS, FAULTS, METRICS):
    for name in registry.names():
        registry.load(name)
print(*(suite.name for suite in make_suites(SUITES.names())))
"""


def extras() -> list[str]:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    name_of = lambda line: re.match(r"[\w-]+", line).group()  # noqa: E731
    always = {name_of(line) for line in project["dependencies"]}
    optional = {name_of(line) for lines in project["optional-dependencies"].values() for line in lines}
    return sorted(OTHER_NAMES.get(name, name) for name in optional - always - NO_LIBRARIES)


def test_every_suite_control_fault_and_metric_loads_without_any_extra():
    absent = extras()
    assert {"mujoco", "vizdoom", "lance", "pycolmap"} <= set(absent)
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(absent=absent)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {"control", "geometry", "permanence", "interaction", "physics", "drift"} <= set(done.stdout.split())
