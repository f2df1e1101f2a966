"""Every form of a game's id leads to the game, from wherever one is, and a wrong one is told what was meant."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from worldsim.core.errors import UnknownNameError, WorldsimError
from worldsim.core.games import make_game

GAME = """
import gymnasium
import numpy as np
from {helper} import BRIGHTNESS


class Dot(gymnasium.Env):
    metadata = {{"render_modes": ["rgb_array"], "render_fps": 10}}
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, height=32, width=32, render_mode=None):
        self.observation_space = gymnasium.spaces.Box(0, 255, (height, width, 3), np.uint8)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.look(), {{}}

    def step(self, action):
        return self.look(), 0.0, False, False, {{}}

    def look(self):
        return np.full(self.observation_space.shape, BRIGHTNESS, np.uint8)


class NoGame:
    pass
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a game in a file, which imports its neighbour; the names are this test's own."""
    name = f"dots_{os.getpid()}_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(GAME.format(helper=f"{name}_helper"))
    (tmp_path / f"{name}_helper.py").write_text("BRIGHTNESS = 77\n")
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path, name


def looks_right(env) -> bool:
    return bool((env.reset(seed=1)[0] == 77).all())


def test_a_file_by_its_full_path_from_anywhere(place):
    folder, name = place
    env = make_game(f"{folder}/{name}.py:Dot", height=8, width=9)
    assert env.observation_space.shape == (8, 9, 3)
    assert looks_right(env)
    assert str(folder) not in sys.path


def test_a_file_by_its_path_from_here(place, monkeypatch):
    folder, name = place
    monkeypatch.chdir(folder.parent)
    assert looks_right(make_game(f"{folder.name}/{name}.py:Dot"))


def test_a_file_is_run_once(place):
    folder, name = place
    first, second = (make_game(f"{folder}/{name}.py:Dot").unwrapped for _ in range(2))
    assert type(first) is type(second)


def test_a_module_of_the_folder_we_are_in(place, monkeypatch):
    folder, name = place
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert looks_right(make_game(f"{name}:Dot"))


def test_ids_of_gymnasium_and_of_ours_are_themselves():
    assert make_game("CartPole-v1").spec.id == "CartPole-v1"
    assert make_game("voxel/arena", height=16, width=16).observation_space.shape == (16, 16, 3)
    assert make_game("minigrid:MiniGrid-Empty-5x5-v0").spec.id == "MiniGrid-Empty-5x5-v0"


def test_a_game_of_ones_own_can_be_adapted_too(place):
    folder, name = place
    frame, _ = make_game(f"gym:{folder}/{name}.py:Dot", height=8, width=8).reset(seed=1)
    np.testing.assert_array_equal(frame, np.full((8, 8, 3), 77))


@pytest.mark.parametrize(
    ("env_id", "message"),
    [
        ("{file}", r"which class of this file is the game\? Write .*\.py:MyGame"),
        ("{file}:Dit", r"unknown game in .*\.py: 'Dit'\. Did you mean 'Dot'"),
        ("{file}:Triangle", r"unknown game in .*\.py: 'Triangle'\. Known: Dot\."),
        ("{file}:NoGame", "cannot be made: .*must inherit from the gymnasium.Env class|cannot be made: .*argument"),
        ("elsewhere/nothing.py:Dot", r"there is no file elsewhere/nothing\.py in .*; give the path from here"),
        ("no_such_module:Dot", "cannot be made: there is no module 'no_such_module'"),
        ("gym:no_such_module:Dot-v0", "cannot be made: there is no module 'no_such_module'"),
        ("voxel/arean", "unknown environment 'voxel/arean'. Did you mean 'voxel/arena'"),
        ("Qwertyuiop/Asdfghjkl-v0", "unknown environment 'Qwertyuiop/Asdfghjkl-v0'.*a Gymnasium game is gym:ID"),
        ("CartPole-v99", "CartPole-v99"),
    ],
)
def test_a_wrong_id_is_told_what_to_write(place, env_id, message):
    folder, name = place
    with pytest.raises(WorldsimError, match=message):
        make_game(env_id.format(file=folder / f"{name}.py"))


def test_a_setting_that_the_game_does_not_have_is_named(place):
    folder, name = place
    with pytest.raises(WorldsimError, match=r"cannot be made: .*unexpected keyword argument 'hight'"):
        make_game(f"{folder}/{name}.py:Dot", hight=3)


def test_a_fault_in_the_users_file_is_shown_as_it_is(place):
    folder, name = place
    (folder / f"{name}.py").write_text("import no_such_thing_at_all\n")
    with pytest.raises(ModuleNotFoundError, match="no_such_thing_at_all"):
        make_game(f"{folder}/{name}.py:Dot")


def test_a_misspelt_game_is_an_unknown_name():
    with pytest.raises(UnknownNameError) as raised:
        make_game("voxel/arean")
    assert raised.value.kind == "environment"


def test_it_imports_no_game_and_no_torch():
    code = "import worldsim.core.games, sys; print({'torch', 'gymnasium', 'envs', 'numba'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "set()\n", done.stderr
