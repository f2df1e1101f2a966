"""Starts ViZDoom: no window, no sound, no files left behind, and only the buttons and variables we use."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable

import vizdoom as vzd

from envs.doom.ground_truth import CAMERA_VARIABLES
from envs.doom.rooms import GOAL_REWARD, ITEM_REWARD
from envs.doom.scenarios import Scenario

TICS_PER_SECOND = 35
TICS_PER_STEP = 4

# The order of a button vector. The turn is given in degrees a tic, positive to the right.
BUTTONS = (
    vzd.Button.MOVE_FORWARD,
    vzd.Button.MOVE_BACKWARD,
    vzd.Button.MOVE_LEFT,
    vzd.Button.MOVE_RIGHT,
    vzd.Button.TURN_LEFT_RIGHT_DELTA,
)
EXTRA_BUTTONS = {"attack": vzd.Button.ATTACK, "use": vzd.Button.USE}  # after those, where the scenario has them
# In the order in which they come with each frame.
VARIABLES = (*CAMERA_VARIABLES, vzd.GameVariable.HEALTH)
# The 4:3 screens of ViZDoom, so that the field of view is the same at every size.
SCREENS = ((160, 120), (200, 150), (256, 192), (320, 240), (400, 300), (512, 384), (640, 480), (800, 600), (1024, 768))

_ENGINE = os.path.join(os.path.dirname(vzd.__file__), "vizdoom")
_starting = threading.Lock()


def choose_screen(height: int, width: int) -> tuple[int, int]:
    """The smallest (width, height) that ViZDoom draws and that covers the asked frame, or the largest there is."""
    return next(((w, h) for w, h in SCREENS if w >= width and h >= height), SCREENS[-1])


def start_game(
    scenario: Scenario,
    screen: tuple[int, int],
    with_objects: bool = False,
    with_labels: bool = False,
    level: bytes | None = None,
) -> tuple[vzd.DoomGame, Callable[[], None]]:
    """A running game, drawing ``screen`` (width, height), and the function that stops it and removes its files.

    ``level`` is the WAD of a room of ours; it lies beside the engine's settings, see ``room_file``.
    Objects cost 2 to 9 % of the speed and labels a third; they can only be switched on before the start.
    """
    folder = tempfile.TemporaryDirectory(prefix="worldsim_doom_")
    game = vzd.DoomGame()
    game.set_doom_config_path(os.path.join(folder.name, "vizdoom.ini"))
    if level is None:
        game.load_config(os.path.join(vzd.scenarios_path, f"{scenario.name}.cfg"))
        game.set_doom_config_path(os.path.join(folder.name, "vizdoom.ini"))
    else:
        with open(room_file(game), "wb") as file:
            file.write(level)
        game.set_doom_scenario_path(room_file(game))
        game.set_doom_map("map01")
        game.set_doom_skill(1)
        game.set_item_reward(ITEM_REWARD)
        game.set_map_exit_reward(GOAL_REWARD)
        game.set_death_penalty(GOAL_REWARD)
        game.set_sectors_info_enabled(with_labels)
    launcher = _launcher(folder.name)
    if launcher:
        game.set_vizdoom_path(launcher)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_screen_format(vzd.ScreenFormat.RGB24)
    game.set_screen_resolution(getattr(vzd.ScreenResolution, f"RES_{screen[0]}X{screen[1]}"))
    game.set_render_hud(False)
    game.set_render_weapon(scenario.is_armed)
    if scenario.is_armed:
        # A weapon swings with the gait, and at first with that of the episode before: episodes would not repeat.
        game.add_game_args("+movebob 0")
    game.set_mode(vzd.Mode.PLAYER)
    game.set_available_buttons([*BUTTONS, *(EXTRA_BUTTONS[key] for key in scenario.keys)])
    game.set_available_game_variables(list(VARIABLES))
    game.set_episode_start_time(scenario.start_tic)
    game.set_episode_timeout(0)  # the environment counts the steps, so that a time-out still has a last frame
    game.set_labels_buffer_enabled(with_labels)
    game.set_objects_info_enabled(with_objects)
    # The engine makes a folder "_vizdoom" where it is started, whatever it is told.
    with _starting, contextlib.chdir(folder.name):
        game.init()

    def stop() -> None:
        game.close()  # writes its settings
        folder.cleanup()

    return game, stop


def room_file(game: vzd.DoomGame) -> str:
    """Where the engine reads a room of ours: the file is read anew, at the same places, whenever an episode begins."""
    return os.path.join(os.path.dirname(game.get_doom_config_path()), "room.wad")


def _launcher(folder: str) -> str | None:
    """A script that starts the engine so that it dies with us, however we end; None where the system has no such way.

    Without it an engine goes on for ever when the process that reads its frames is killed.
    """
    setpriv = shutil.which("setpriv")  # of util-linux
    if setpriv is None:
        return None
    path = os.path.join(folder, "engine.sh")
    with open(path, "w") as file:
        file.write(f'#!/bin/sh\nexec {setpriv} --pdeathsig KILL "{_ENGINE}" "$@"\n')
    os.chmod(path, 0o700)
    return path if os.access(path, os.X_OK) else None  # a folder can be mounted so that nothing in it runs
