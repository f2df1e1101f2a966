"""The example of a user's own suite: short, told apart from its nulls, and usable from any folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from evals.tidy import read_table
from worldsim.core.records import read_json

FOLDER = Path(__file__).parents[2] / "examples" / "my_suite"
SUITE = "theirs/suite.py:MySuite"


def worldsim(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("worldsim")), *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def test_it_is_a_page_and_shows_its_commands():
    text = (FOLDER / "suite.py").read_text()
    assert len(text.splitlines()) < 100
    for command in ("worldsim eval simulator=voxel-base suite=", "worldsim validate suite="):
        assert f"{command}examples/my_suite/suite.py:MySuite" in text


def test_it_is_evaluated_and_validated_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLDSIM_CACHE", str(tmp_path / "cache"))
    shutil.copytree(FOLDER, tmp_path / "theirs")
    words = ("simulator=oracle", "game=voxel/arena", "limit=6", "out=run", "videos=0")
    done = worldsim("eval", f"suite={SUITE}", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (part,) = read_json(tmp_path / "run" / "summary.json")["suites"]
    means = {one["simulator"]: one["metrics"]["seen_again"]["mean"] for one in part["simulators"]}
    assert means["oracle"] == 1
    assert means["last_frame"] == 0  # a still video is the same after turning back, and after turning on
    assert means["wrong_action"] < 0
    table = read_table(tmp_path / "run")
    assert set(table.metric) == {"seen_again"}
    checked = worldsim("validate", f"suite={SUITE}", "limit=12", "out=card", cwd=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert "look_away (version 1) in voxel/arena: valid" in checked.stdout


def test_without_its_settings_it_is_told_what_to_write(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "theirs", ignore=shutil.ignore_patterns("*.yaml"))
    done = worldsim("eval", "simulator=oracle", "game=voxel/arena", f"suite={SUITE}", cwd=tmp_path)
    assert done.returncode == 2
    assert f"write {tmp_path / 'theirs' / 'look_away.yaml'}" in done.stderr
    assert "Traceback" not in done.stderr
    wrong = worldsim("eval", "simulator=oracle", "suite=theirs/suite.py:MySuit", cwd=tmp_path)
    assert wrong.returncode == 2
    assert "Did you mean 'MySuite" in wrong.stderr
