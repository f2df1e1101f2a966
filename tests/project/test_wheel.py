"""A wheel built from the tracked files works in a clean environment, from another folder, with its package data."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("worldsim", "envs", "evals", "reports")


def call(*command: str | Path, folder: Path) -> str:
    variables = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([*map(str, command)], cwd=folder, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    try:
        return call("git", "ls-files", "-z", folder=ROOT).split("\0")[:-1]
    except (AssertionError, FileNotFoundError):
        pytest.skip("not a git checkout: which files belong to the project is not known")


@pytest.fixture(scope="module")
def wheel(tracked, tmp_path_factory) -> Path:
    """Built from a copy of the tracked files, so that nothing that lies about gets in."""
    copy = tmp_path_factory.mktemp("clone")
    for name in tracked:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", copy / "dist", folder=copy)
    (built,) = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory) -> Path:
    """The folder of the programs of an environment with the wheel, and today's packages for everything else."""
    folder = tmp_path_factory.mktemp("clean")
    call(sys.executable, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    python = folder / "env" / "bin" / "python"
    call(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        wheel,
        folder=folder,
    )
    # A .pth adds the folder alone: the .pth files in it, such as that of an editable worldsim, are not read.
    site_packages = call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip()
    (Path(site_packages) / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "env" / "bin"


def test_the_wheel_has_every_tracked_file_of_the_packages_and_nothing_else(tracked, wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    expected = {name for name in tracked if name.partition("/")[0] in PACKAGES and (ROOT / name).is_file()}
    assert inside == expected


def test_it_is_the_wheel_that_runs(clean, tmp_path):
    for package in PACKAGES:
        where = call(clean / "python", "-c", f"import {package}; print({package}.__file__)", folder=tmp_path)
        assert where.startswith(str(clean.parent))


def test_the_command_line_works_from_another_folder(clean, tmp_path):
    shipped = [file.parent.name for file in (ROOT / "worldsim" / "checkpoints").glob("*/*.safetensors")]
    listed = call(clean / "worldsim", "ls", "checkpoints", folder=tmp_path)
    assert [name for name in shipped if name not in listed] == []
    assert "voxel/arena" in call(clean / "worldsim", "ls", "envs", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_game_can_be_made_from_another_folder(clean, tmp_path):
    code = "import gymnasium; print(gymnasium.make('worldsim:voxel/arena').reset(seed=0)[0].shape)"
    assert call(clean / "python", "-c", code, folder=tmp_path) == "(64, 64, 3)\n"


def test_a_shipped_dream_can_be_stepped_from_another_folder(clean, tmp_path):
    code = (
        "import gymnasium; dream = gymnasium.make('worldsim:worldsim/Dream-v0', checkpoint='voxel-base')\n"
        "dream.reset(seed=0); print(dream.step(dream.action_space.sample())[0].shape)"
    )
    assert call(clean / "python", "-c", code, folder=tmp_path) == "(64, 64, 3)\n"
