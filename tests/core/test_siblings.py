"""The guard for the packages with common names, each case in a fresh interpreter and a folder of the user's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def users_folder(tmp_path):
    """A working directory with the user's own package called envs."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").write_text("MINE = True\n")
    (tmp_path / "envs" / "cartpole.py").write_text("NAME = 'my cartpole'\n")
    return tmp_path


def python(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in ``folder``, which is first on the path, as with ``python -c``."""
    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True)


def test_ours_is_found_although_the_users_comes_first_on_the_path(users_folder):
    done = python(
        "from worldsim.core.siblings import import_ours\n"
        "import sys; before = list(sys.path)\n"
        "games = import_ours('envs.registration').GAMES.names()\n"
        "assert sys.path == before\n"
        "print(games)",
        users_folder,
    )
    assert "voxel/arena" in done.stdout, done.stderr


def test_a_game_is_made_although_the_users_package_is_in_the_way(users_folder):
    done = python(
        "import gymnasium, worldsim\nprint(gymnasium.make('voxel/arena').reset(seed=0)[0].shape)", users_folder
    )
    assert done.stdout == "(64, 64, 3)\n", done.stderr


def test_the_users_own_package_still_belongs_to_the_user(users_folder):
    """Importing worldsim and gymnasium, which registers our games, leaves the name envs to the user."""
    done = python("import worldsim, gymnasium\nfrom envs.cartpole import NAME\nprint(NAME)", users_folder)
    assert done.stdout == "my cartpole\n", done.stderr


def test_a_foreign_package_that_is_already_imported_is_named(users_folder):
    done = python("import envs, gymnasium, worldsim\ngymnasium.make('voxel/arena')", users_folder)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "worldsim.core.errors.WorldsimError: another package called 'envs' was imported first, from "
    )
    assert str(users_folder / "envs") in last
    assert str(ROOT / "envs") in last
    assert "Rename yours, or import worldsim's 'envs' before it." in last


def test_a_foreign_module_file_is_named_too(tmp_path):
    (tmp_path / "evals.py").write_text("")
    done = python("import evals\nfrom worldsim.core.siblings import import_ours\nimport_ours('evals.suite')", tmp_path)
    assert f"another package called 'evals' was imported first, from {tmp_path / 'evals.py'}" in done.stderr


def test_a_module_that_is_nobodys_sibling_is_imported_as_ever(tmp_path):
    (tmp_path / "mine.py").write_text("HERE = 1\n")
    done = python(
        "from worldsim.core.siblings import import_ours\nprint(import_ours('mine').HERE)", tmp_path, PYTHONPATH="."
    )
    assert done.stdout == "1\n", done.stderr
