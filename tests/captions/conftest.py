"""Real episodes with camera and objects, recorded once and small."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "text"))

from worldsim.data.collect import collect
from worldsim.data.store import EpisodeTable


def _record(folder: Path, env_id: str, episodes: int, steps: int, **settings):
    path = folder / f"{env_id.replace('/', '-')}.lance"
    defaults = {"seed": 5, "workers": 1, "truth": True, "progress": lambda line: None, "max_steps": steps}
    return collect(env_id, "envs.policies.explorer:make_explorer", episodes, path, **defaults | settings)


@pytest.fixture(scope="session")
def voxel_table(tmp_path_factory) -> EpisodeTable:
    return _record(tmp_path_factory.mktemp("voxel"), "voxel/arena", 4, 90)


@pytest.fixture(scope="session")
def doom_table(tmp_path_factory) -> EpisodeTable:
    pytest.importorskip("vizdoom")
    return _record(tmp_path_factory.mktemp("doom"), "doom/health_gathering", 1, 90)


@pytest.fixture(scope="session")
def shatter_table(tmp_path_factory) -> EpisodeTable:
    pytest.importorskip("mujoco")
    return _record(tmp_path_factory.mktemp("physics"), "physics/shatter", 2, 40)


@pytest.fixture(scope="session")
def stateless_table(tmp_path_factory) -> EpisodeTable:
    return _record(tmp_path_factory.mktemp("stateless"), "voxel/arena", 1, 60, truth=False)


@pytest.fixture
def table_copy(voxel_table, tmp_path) -> str:
    """A table that a test may add captions to."""
    return str(shutil.copytree(voxel_table.path, tmp_path / "arena.lance"))
