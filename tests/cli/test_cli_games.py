"""What ``ls envs``, ``ls policies`` and ``check`` say of the games, in a real process."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from envs.registration import GAMES
from worldsim.core.actions import ActionCodec
from worldsim.data.store import EpisodeTable

# The command line as on a machine without these packages.
WITHOUT = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {names!r} else found(name, *rest)
from worldsim.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def without(shell, names, *words):
    return shell.python("-c", WITHOUT.format(names=names), *words)


def test_every_game_is_listed_with_what_it_offers(shell):
    rows = {row["id"]: row for row in json.loads(shell("ls", "envs", "--json").stdout)}
    assert set(rows) == set(GAMES.names())
    for entry in GAMES:
        row, listed = rows[entry.name], entry.info["capabilities"]
        assert {key for key, value in row.items() if value is True} == set(listed) - {"snapshot", "replay"}
        assert row["branch"] in (*listed, "")
        assert (row["branch"] == "") == (not {"snapshot", "replay"} & set(listed))
        assert row["summary"] == entry.summary
    arena = re.search(r"^voxel/arena .*$", shell("ls", "envs").stdout, re.MULTILINE)
    assert arena and arena[0].split()[1:6] == ["yes", "yes", "yes", "yes", "snapshot"]


def test_a_missing_package_is_named_with_the_way_to_get_it(shell):
    lines = without(shell, ("vizdoom",), "ls", "envs").stdout.splitlines()
    assert lines[0].split()[-1] == "missing"
    assert next(line for line in lines if line.startswith("doom/basic ")).endswith(
        "needs vizdoom: pip install 'worldsim[doom]'"
    )
    assert not next(line for line in lines if line.startswith("voxel/arena ")).endswith("'")


def test_check_all_leaves_out_and_names_what_is_not_installed(shell):
    packages = {entry.info["requires"][0] for entry in GAMES if "requires" in entry.info}
    left = [entry for entry in GAMES if "requires" not in entry.info]
    done = without(shell, tuple(packages), "check", "env=all", "rule=frame_rate_is_named")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    at = lines.index("not checked:")
    assert [line for line in lines[:at] if not line.startswith("ok")] == [entry.name for entry in left]
    assert lines[at + 1].split() == ["doom/basic", "needs", "vizdoom:", "pip", "install", "'worldsim[doom]'"]
    assert lines[-1] == f"all rules kept by {len(left)} of {len(GAMES.names())} games"


def test_a_game_that_is_not_installed_is_refused_by_name(shell):
    done = without(shell, ("vizdoom",), "check", "env=doom/basic")
    assert done.returncode == 2
    assert "needs vizdoom, which is not installed: pip install 'worldsim[doom]'." in done.stderr


def test_policies_say_what_their_argument_means(shell):
    lines = shell("ls", "policies").stdout.splitlines()
    assert any(
        re.match(r"look_away\[@NUMBER\] .*\(NUMBER: steps looked away, 32 unless given\)", line) for line in lines
    )
    assert any(re.match(r"sb3:FILE ", line) for line in lines)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("look_awy@8", "unknown policy 'look_awy'. Did you mean 'look_away'?"),
        ("sb3:none.zip", "there is no file none.zip; give a model saved by Stable-Baselines3"),
        ("my_module:Mine@3", "the policy 'my_module:Mine@3' cannot be loaded"),
    ],
)
def test_policies_that_cannot_be_are_refused(shell, policy, message):
    assert message in shell.refuses(
        "collect", "env=voxel/arena", f"policy={policy}", "episodes=1", "max_steps=2", "out=x.lance"
    )


def test_a_policy_with_a_number_plays_in_the_recording_processes(shell):
    done = shell(
        *("collect", "env=voxel/arena", "policy=look_away@2", "episodes=1", "max_steps=16", "workers=1", "out=x.lance"),
    )
    assert done.returncode == 0, done.stderr
    table = EpisodeTable.open(str(shell.folder / "x.lance"))
    assert table.info.policy == "envs.policies.camera_paths:LookAway@2"
    actions = table.read_episode(0).actions
    yaw = ActionCodec.from_json(table.info.codec).index("camera_yaw_right_deg")
    assert set(np.abs(actions[:, yaw])) == {0, 15}
    assert (np.delete(actions, yaw, axis=1) == 0).all()
