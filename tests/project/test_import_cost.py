"""What an import brings with it, seen in a fresh interpreter."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import worldsim.core

HEAVY = ("torch", "gymnasium", "cv2", "av", "numba", "lance", "vizdoom", "hydra", "omegaconf", "pandas")


def imported_by(code: str) -> set[str]:
    """The heavy packages in memory after ``code``."""
    script = f"{code}\nimport sys\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_core_is_numpy_and_the_standard_library():
    modules = [f"worldsim.core.{module.name}" for module in pkgutil.iter_modules(worldsim.core.__path__)]
    assert "worldsim.core.types" in modules
    assert imported_by("import " + ", ".join(modules)) == set()


def test_worldsim_itself_is_light():
    assert imported_by("import worldsim") == set()


def test_registering_with_gymnasium_imports_nothing_more():
    code = "import worldsim, gymnasium; assert 'voxel/arena' in gymnasium.registry"
    assert imported_by(code) == imported_by("import gymnasium")


def test_what_is_looked_for_would_be_seen():
    assert imported_by("import numba, gymnasium") >= {"numba", "gymnasium"}
