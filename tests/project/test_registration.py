"""``gymnasium.make`` knows the dream and the games, whichever way round things are imported."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import gymnasium
import pytest
from gymnasium.envs.registration import EnvSpec

from envs.registration import GAMES
from worldsim.core.errors import MissingDependencyError
from worldsim.gym import plugin


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import gymnasium, worldsim",
        "import worldsim, gymnasium",
        "from worldsim.core import types; import gymnasium",
        "from envs.registration import GAMES; import gymnasium",
        "import importlib.util as u, worldsim; u.find_spec('gymnasium'); import gymnasium",
    ],
)
def test_an_import_of_worldsim_before_or_after_gymnasium_is_enough(code):
    count = len(GAMES.names()) + 2  # the dream and the adapter
    said = python(
        f"{code}\nprint(sum(name.startswith(('worldsim/', *{GAMES.names()})) for name in gymnasium.registry))"
    )
    assert said == f"{count}\n"


def test_the_id_itself_can_import_worldsim():
    said = python("import gymnasium; print(gymnasium.make('worldsim:voxel/arena').spec.id)")
    assert said == "voxel/arena\n"


def test_the_import_hook_goes_away_when_it_has_done_its_work():
    code = "import worldsim, sys; before = len(sys.meta_path); import gymnasium; print(before - len(sys.meta_path))"
    assert python(code) == "1\n"


def test_gymnasium_is_left_alone_without_worldsim():
    assert python("import gymnasium; print('voxel/arena' in gymnasium.registry)") == "False\n"


@pytest.mark.parametrize("name", GAMES.names())
def test_a_spec_can_be_written_down_and_read_back(name):
    spec = gymnasium.spec(name)
    assert EnvSpec.from_json(spec.to_json()) == spec


def test_a_misspelt_game_is_told_what_was_meant():
    with pytest.raises(gymnasium.error.NameNotFound, match="Did you mean: `arena`"):
        gymnasium.make("voxel/aren")


def test_a_game_whose_package_is_missing_says_how_to_get_it(monkeypatch):
    present = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "vizdoom" else present(name))
    with pytest.raises(MissingDependencyError, match=r"pip install 'worldsim\[doom\]'"):
        gymnasium.make("doom/my_way_home")


def test_registering_again_changes_nothing():
    before = dict(gymnasium.registry)
    plugin.register()
    assert dict(gymnasium.registry) == before
