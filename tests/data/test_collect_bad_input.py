"""What a person, a policy or a disk can get wrong while recording: one clear message, and nothing half-made."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from worldsim.core.errors import WorldsimError
from worldsim.data.collect import collect
from worldsim.data.store import EpisodeTable


def test_an_action_that_is_not_a_number_is_named(tmp_path, record):
    with pytest.raises(WorldsimError, match=r"an action needs 5 finite numbers \(action=0, .*nan"):
        collect("counting_game:test/Counting-v0", "counting_game:BrokenPolicy", 2, tmp_path / "x.lance", workers=1)
    assert not (tmp_path / "x.lance").exists()


@pytest.mark.parametrize(
    ("env_kwargs", "message"),
    [
        ({"height": 0, "width": 64}, r"voxel/arena draws 16x16 .* got height=0"),
        ({"height": -64}, r"voxel/arena draws 16x16 .* got height=-64"),
        ({"hieght": 64}, "hieght"),
    ],
)
def test_impossible_sizes_and_settings_are_named(tmp_path, env_kwargs, message):
    with pytest.raises((WorldsimError, TypeError), match=message):
        collect(
            "voxel/arena",
            "envs.policies.random:RandomPolicy",
            1,
            tmp_path / "x.lance",
            env_kwargs=env_kwargs,
            progress=str,
        )
    assert not list(tmp_path.iterdir())


def test_odd_sizes_are_recorded_as_they_are(tmp_path, record):
    table = record(tmp_path / "odd.lance", 2, env_kwargs={"height": 17, "width": 5})
    assert table.frame_shape == (17, 5, 3)
    assert table.read_episode(1).frames[3, 0, 0, 0] == 3


# A limit on the size of a file is what a full disk looks like to a writer: the write fails part of the way.
FULL = """
import resource, sys
sys.path.insert(0, {tests!r})
from worldsim.core.errors import WorldsimError
from worldsim.data import collect, store
limit = int(sys.argv[2])
append = store.append
def on_a_full_disk(*args, **kwargs):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    append(*args, **kwargs)
if sys.argv[3] == "table":
    store.append = on_a_full_disk
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
if __name__ == "__main__":
    try:
        collect.collect("counting_game:test/Counting-v0", "counting_game:CyclingPolicy", 4, sys.argv[1], max_steps=20,
            seed=3, workers=1, progress=lambda line: None, env_kwargs=dict(height=64, width=64))
    except WorldsimError as error:
        print(error)
        sys.exit(2)
"""


@pytest.mark.parametrize(
    ("place", "limit", "message"),
    [("table", 3000, "cannot write the table"), ("episode", 20_000, "cannot write episode")],
)
def test_a_full_disk_is_named_and_the_same_command_goes_on(tmp_path, record, place, limit, message):
    script = tmp_path / "full.py"
    script.write_text(FULL.format(tests=str(Path(__file__).parent)))
    out = tmp_path / "x.lance"
    command = [sys.executable, str(script), str(out), str(limit), place]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 2, done.stderr
    assert message in done.stdout
    assert "free space" in done.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    settings = {"max_steps": 20, "env_kwargs": {"height": 64, "width": 64}}
    table = record(out, 4, **settings)
    whole = record(tmp_path / "whole.lance", 4, **settings)
    assert (np.concatenate(list(table.scan_frames())) == np.concatenate(list(whole.scan_frames()))).all()
    assert len(EpisodeTable.open(out)) == 4
