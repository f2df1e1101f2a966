"""Every game we ship keeps the contract, by our checker and by Stable-Baselines3's."""

from __future__ import annotations

import warnings

import gymnasium
import pytest
from stable_baselines3.common.env_checker import check_env

from envs.contract import check_game
from envs.registration import GAMES, missing_dependency

FIRST = {name.partition("/")[0]: name for name in reversed(GAMES.names())}
# The others of a family are the same class, and take longer.
ONE_OF_EACH_FAMILY = [
    pytest.param(name, marks=() if name in FIRST.values() else pytest.mark.slow) for name in GAMES.names()
]
# Games whose objects are seen from almost anywhere.
FULL_OF_OBJECTS = ("voxel/arena", "doom/health_gathering")


def playable(name: str) -> str:
    package = missing_dependency(GAMES.entry(name))
    if package:
        pytest.skip(f"{name} needs {package}, which is not installed")
    return name


@pytest.mark.parametrize("name", GAMES.names())
def test_the_game_keeps_every_rule(name):
    findings = check_game(playable(name))
    assert [finding for finding in findings if not finding.ok] == []
    # What the table promises has really been looked at, not passed over as absent.
    messages = {finding.rule: finding.message for finding in findings}
    listed = GAMES.entry(name).info["capabilities"]
    assert messages["branches_are_exact"].partition(":")[0] in listed
    assert ("pixels land" in messages["depth_and_camera_agree"]) == ("depth" in listed and "camera" in listed)
    assert messages["ids_name_objects"] != "0 objects came into the picture" or name not in FULL_OF_OBJECTS


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_the_game_can_have_another_size(name):
    findings = check_game(
        playable(name), only=["observation_is_a_frame", "depth_and_camera_agree"], height=96, width=128
    )
    assert [finding for finding in findings if not finding.ok] == []


@pytest.mark.parametrize("name", ONE_OF_EACH_FAMILY)
def test_stable_baselines_accepts_the_game(name):
    env = gymnasium.make(playable(name), render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Its algorithms want one flat action box; a game's own space is a Dict of buttons, by design.
        warnings.filterwarnings("ignore", message=".*(action space|Dict).*")
        warnings.filterwarnings("ignore", message=".*minimal resolution.*")
        check_env(env, warn=True)
    env.close()
