"""The MineRL adapter against stand-ins for both versions, with exactly the spaces and habits that MineRL documents."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from envs.contract import check_game
from envs.registration import GAMES
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import MissingDependencyError, UnknownNameError, WorldsimError

STAND_IN = Path(__file__).parent / "stand_in"
STAND_INS = ("gym", "gym.error", "malmo", "minerl")


@pytest.fixture
def stand_in(monkeypatch):
    """Puts a version in the place of the real package: ``stand_in("1.0")``."""
    for name in STAND_INS:
        monkeypatch.delitem(sys.modules, name, raising=False)

    def install(version: str) -> None:
        monkeypatch.syspath_prepend(str(STAND_IN / "old_gym"))
        monkeypatch.syspath_prepend(str(STAND_IN / f"v{version.replace('.', '_')}"))

    yield install
    for name in STAND_INS:
        sys.modules.pop(name, None)


def shorten(monkeypatch, task: str, steps: int):
    """A task, here and in the stand-in, that is over after a few steps."""
    from envs.adapters import minecraft

    monkeypatch.setitem(minecraft.TASKS, task, dataclasses.replace(minecraft.TASKS[task], max_steps=steps))
    env = gymnasium.make(f"minecraft/{task}")
    env.unwrapped.game.max_episode_steps = steps
    return env


@pytest.mark.parametrize(("version", "task"), [("1.0", "FindCave"), ("0.4.4", "Treechop"), ("0.4.4", "Navigate")])
def test_both_versions_keep_the_contract(stand_in, version, task):
    stand_in(version)
    findings = check_game(f"minecraft/{task}", height=48, width=64)
    assert [finding for finding in findings if not finding.ok] == []


def test_version_1_0_has_the_documented_actions(stand_in):
    stand_in("1.0")
    env = gymnasium.make("minecraft/FindCave", height=90, width=160)
    codec = ActionCodec.from_space(env.action_space)
    assert {"ESC", "forward", "hotbar.9", "swapHands", "camera_pitch_down_deg"} <= set(codec.names)
    assert len(codec) == 23 + 2
    assert env.action_space["camera"] == spaces.Box(-180, 180, (2,), np.float32)
    frame, info = env.reset(seed=4)
    assert frame.shape == (90, 160, 3)
    assert info["task"] == env.unwrapped.task_text == "find a cave"


def test_the_frame_is_the_area_mean_of_the_picture(stand_in):
    stand_in("1.0")
    env = gymnasium.make("minecraft/FindCave", height=36, width=64)
    frame, _ = env.reset(seed=4)
    pov = env.unwrapped.game.observe()["pov"].reshape(36, 10, 64, 10, 3).mean((1, 3))
    assert np.abs(frame - pov).max() <= 0.5 + 1e-9


def test_the_camera_is_pitch_then_yaw_in_degrees(stand_in):
    stand_in("0.4.4")
    env = gymnasium.make("minecraft/Treechop")
    codec = ActionCodec.from_space(env.action_space)
    env.reset(seed=1)
    env.step(codec.decode(codec.vector(forward=1, camera_pitch_down_deg=3, camera_yaw_right_deg=-20)))
    game = env.unwrapped.game
    assert (game.pitch, game.yaw, game.forward) == (3, -20, 1)


def test_seeds_are_given_before_every_reset(stand_in):
    stand_in("1.0")
    env = gymnasium.make("minecraft/FindCave")
    first, _ = env.reset(seed=11)
    env.reset()
    env.reset()
    again, _ = env.reset(seed=11)
    game = env.unwrapped.game
    assert game.seeds[0] == game.seeds[3] == 11
    assert len({*game.seeds}) == 3
    assert None not in game.seeds
    np.testing.assert_array_equal(first, again)


def test_escape_terminates(stand_in):
    stand_in("1.0")
    env = gymnasium.make("minecraft/FindCave")
    env.reset(seed=1)
    codec = ActionCodec.from_space(env.action_space)
    assert env.step(codec.decode(codec.vector()))[2:4] == (False, False)
    assert env.step(codec.decode(codec.vector(ESC=1)))[2:4] == (True, False)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(codec.decode(codec.vector()))


@pytest.mark.parametrize(("version", "task"), [("1.0", "MakeWaterfall"), ("0.4.4", "Navigate")])
def test_running_out_of_time_truncates(stand_in, monkeypatch, version, task):
    stand_in(version)
    env = shorten(monkeypatch, task, 5)
    still = ActionCodec.from_space(env.action_space)
    for _ in range(2):  # the count starts anew
        env.reset(seed=2)
        ends = [env.step(still.decode(still.vector()))[2:4] for _ in range(5)]
        assert ends == [(False, False)] * 4 + [(False, True)]


def test_success_terminates_even_though_minerl_only_says_done(stand_in):
    stand_in("0.4.4")
    env = gymnasium.make("minecraft/Treechop")
    codec = ActionCodec.from_space(env.action_space)
    env.reset(seed=2)
    total, steps, over = 0.0, 0, (False, False)
    while over == (False, False):
        _, reward, *over, _ = env.step(codec.decode(codec.vector(attack=1)))
        total, steps, over = total + reward, steps + 1, tuple(over)
    assert over == (True, False)
    assert steps == 320
    assert total == pytest.approx(64)


def test_what_is_picked_by_word_is_a_choice_whose_first_does_nothing(stand_in):
    stand_in("0.4.4")
    env = gymnasium.make("minecraft/Navigate")
    assert env.unwrapped.words == {"place": ["none", "dirt"]}
    codec = ActionCodec.from_space(env.action_space)
    _, info = env.reset(seed=3)
    assert info["inventory"] == {"dirt": 5}
    env.step(codec.decode(codec.vector()))
    *_, info = env.step(codec.decode(codec.vector(place=1, camera_yaw_right_deg=10)))
    assert [action["place"] for action in env.unwrapped.game.actions] == ["none", "dirt"]
    assert info["compass"]["angle"] == -10


def test_a_lost_engine_is_no_frame(stand_in):
    stand_in("1.0")
    env = gymnasium.make("minecraft/FindCave", render_mode="rgb_array")
    env.unwrapped.game.lost_at = 2
    env.reset(seed=3)
    still = ActionCodec.from_space(env.action_space)
    frame = env.step(still.decode(still.vector()))[0]
    with pytest.raises(WorldsimError, match=r"lost after 1 steps \(Connection timed out!\)"):
        env.step(still.decode(still.vector()))
    np.testing.assert_array_equal(env.render(), frame)


def test_an_engine_that_does_not_start_says_what_it_needs(stand_in):
    stand_in("1.0")
    env = gymnasium.make("minecraft/FindCave")

    def fail():
        raise FileNotFoundError("java")

    env.unwrapped.game.reset = fail
    with pytest.raises(WorldsimError, match=r"did not start \(FileNotFoundError: java\).* JDK 8 .*xvfb-run -a"):
        env.reset(seed=1)


def test_the_other_versions_game_is_named(stand_in):
    stand_in("1.0")
    with pytest.raises(
        WorldsimError, match=r"MineRLTreechop-v0, which the installed MineRL does not have.*MineRL 0.4.4"
    ):
        gymnasium.make("minecraft/Treechop")


@pytest.mark.skipif(importlib.util.find_spec("minerl") is not None, reason="MineRL is installed")
@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("minecraft/FindCave", r"JDK 8, then pip install git\+https://github.com/minerllabs/minerl"),
        ("minecraft/Treechop", r"JDK 8, then pip install minerl==0.4.4, .*gym<0.20"),
    ],
)
def test_without_minerl_it_is_said_what_to_install(name, remedy):
    with pytest.raises(MissingDependencyError, match=f"the game {name!r} needs minerl, .*{remedy}"):
        gymnasium.make(name)


def test_bad_settings_are_named(stand_in):
    stand_in("1.0")
    from envs.adapters.minecraft import MinecraftEnv

    with pytest.raises(WorldsimError, match="height=0, width=64: a Minecraft frame is 8 to 1080 high"):
        gymnasium.make("minecraft/FindCave", height=0)
    with pytest.raises(UnknownNameError, match=r"unknown MineRL task 'FindCaves'. Did you mean 'FindCave'"):
        MinecraftEnv("FindCaves")
    with pytest.raises(WorldsimError, match="render_mode='human'"):
        MinecraftEnv("FindCave", render_mode="human")


def test_the_table_says_what_the_tasks_ask_for():
    from envs.adapters.minecraft import TASKS

    listed = {entry.name: entry.summary for entry in GAMES if entry.name.startswith("minecraft/")}
    assert listed == {f"minecraft/{name}": f"MineRL: {task.words}" for name, task in TASKS.items()}
