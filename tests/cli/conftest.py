"""Runs ``worldsim`` as a person does: a real process, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


class Shell:
    """Starts the command line in ``folder`` and keeps what it printed."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
            "NUMBA_NUM_THREADS": "1",
        }

    def __call__(self, *words: str) -> subprocess.CompletedProcess[str]:
        # "-m" puts the working folder first on sys.path, which is the harder case for folders named like our packages.
        return self.python("-m", "worldsim.cli", *words)

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run([sys.executable, *words])

    def run(self, command: list[str], **kwargs) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, **kwargs)

    def refuses(self, *words: str) -> str:
        """Run a command that has to end with exit code 2 and one plain paragraph; returns the paragraph."""
        done = self(*words)
        assert done.returncode == 2, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        paragraphs = [line for line in done.stderr.splitlines() if line.startswith("worldsim: ")]
        assert paragraphs == done.stderr.splitlines()[-1:], done.stderr
        return paragraphs[0]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def shell_in() -> type[Shell]:
    """For a folder that several tests share."""
    return Shell
